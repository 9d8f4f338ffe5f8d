/** Diffusion: schedules, samplers, guidance, the pipeline, the command line. */
module lazydit.sampler {
  requires transitive lazydit.weights;
  requires transitive java.desktop; // BufferedImage

  exports lazydit.sampler;
}
