/** Diffusion: schedules, samplers, guidance, the pipeline, the command line. */
@SuppressWarnings("requires-automatic") // XChart has no descriptor
module lazydit.sampler {
  requires transitive lazydit.weights;
  requires transitive java.desktop; // BufferedImage
  requires static info.picocli; // the command line only
  requires static org.knowm.xchart; // its charts only

  exports lazydit.sampler;
  exports lazydit.sampler.data;
  exports lazydit.sampler.evaluate;
  exports lazydit.sampler.learning;
  exports lazydit.sampler.training;

  opens lazydit.sampler.cli to
      info.picocli;
}
