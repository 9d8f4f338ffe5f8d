package lazydit.sampler;

/** A sampler that runs a {@link GaussianDiffusion} backwards and looks at one step at a time. */
public sealed interface GaussianSampler extends Sampler, Sampler.Stepper
    permits DdimSampler, DdpmSampler {
  /** {@return the process this sampler runs backwards} */
  GaussianDiffusion diffusion();

  @Override
  default int steps() {
    return diffusion().schedule().steps();
  }

  @Override
  default float timestep(int index) {
    return diffusion().schedule().timestep(index);
  }

  @Override
  default int sampleSize() {
    return diffusion().sampleSize();
  }

  @Override
  default int outputSize() {
    return diffusion().outputSize();
  }

  @Override
  default Stepper start(int samples) {
    return this;
  }
}
