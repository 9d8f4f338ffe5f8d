/** Diffusion: schedules, samplers, guidance, the pipeline, the command line. */
module lazydit.sampler {
  requires transitive lazydit.weights;
  requires transitive java.desktop; // BufferedImage

// exports lazydit.sampler; as soon as a class is in it: javac refuses to export an empty package.
}
