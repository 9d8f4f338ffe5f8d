package lazydit.sampler;

import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;

/**
 * From noise to samples: asks the network about x, lets the sampler take a step, until x is clean.
 *
 * <p>Owns the buffers of one run of N samples; not safe for use by many threads, but may run again.
 */
public final class DiffusionLoop {
  /** The network as this loop sees it: labels, guidance and caches are the caller's business. */
  @FunctionalInterface
  public interface Denoiser {
    /**
     * Runs the network once.
     *
     * @param x the noisy samples {@code [N, C, H, W]}; only to be read
     * @param index the step they are at; the network is told {@link Sampler#timestep} of it
     * @param modelOutput receives the network's output {@code [N, Cout, H, W]}
     */
    void denoise(float[] x, int index, float[] modelOutput);
  }

  /** Told of every step taken. */
  @FunctionalInterface
  public interface StepListener {
    /**
     * Called after every step.
     *
     * @param index the step just taken, {@code steps() - 1} down to 0
     * @param x the samples {@code [N, C, H, W]} after it; only to be read, and only during the call
     */
    void onStep(int index, float[] x);
  }

  private final Sampler sampler;
  private final int samples;
  private final float[] modelOutput;
  private final float[] stepNoise;

  /**
   * A loop with its buffers.
   *
   * @param sampler the rule for a step
   * @param samples N, how many samples are drawn together
   */
  public DiffusionLoop(Sampler sampler, int samples) {
    this.sampler = sampler;
    this.samples = samples;
    modelOutput = new float[Math.multiplyExact(samples, sampler.outputSize())];
    stepNoise = new float[Math.multiplyExact(samples, sampler.sampleSize())];
  }

  /**
   * Draws the samples.
   *
   * @param denoiser the network
   * @param noise the run's random values
   * @param cancelled asked before every step
   * @param listener told after every step
   * @return the samples {@code [N, C, H, W]}, a fresh array
   * @throws CancellationException when {@code cancelled} says so
   */
  public float[] run(
      Denoiser denoiser, Noise noise, BooleanSupplier cancelled, StepListener listener) {
    float[] x = new float[stepNoise.length];
    noise.draw(0, x);
    int steps = sampler.steps();
    Sampler.Stepper stepper = sampler.start(samples);
    for (int step = 1; step <= steps; step++) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("Cancelled before step " + step + " of " + steps + ".");
      }
      int index = steps - step;
      denoiser.denoise(x, index, modelOutput);
      if (sampler.usesNoise(index)) {
        noise.draw(step, stepNoise);
      }
      stepper.step(index, x, modelOutput, stepNoise);
      listener.onStep(index, x);
    }
    return x;
  }
}
