package lazydit.sampler.training;

import lazydit.engine.Workers;
import lazydit.sampler.PhiloxNoise;
import lazydit.sampler.data.Batches;
import lazydit.sampler.data.DataSet;

/**
 * What each step of a training is given: pictures, labels some of which are left out, steps of the
 * diffusion process, and noise. All of it is a function of the plan's seed and the step alone, so
 * that a training can go on after an interruption as if there had been none.
 *
 * <p>For one thread at a time.
 */
final class NoisyBatches {
  /** Draws of a picture; epochs of latents, which are drawn too, count from 0. */
  private static final int NOISE = -1;

  private static final int CHOICES = -2;

  private final DitPlan plan;
  private final DataSet data;
  private final Batches batches;
  private final int timesteps;
  final float[] images;
  final float[] noise;
  final int[] labels;
  final int[] indices;

  NoisyBatches(DitPlan plan, DataSet data, int timesteps) {
    this.plan = plan;
    this.data = data;
    this.timesteps = timesteps;
    batches = new Batches(data, plan.batch(), plan.seed());
    images = new float[Math.multiplyExact(plan.batch(), data.length())];
    noise = new float[images.length];
    labels = new int[plan.batch()];
    indices = new int[plan.batch()];
  }

  int perEpoch() {
    return batches.perEpoch();
  }

  /** Fills the arrays for a step. */
  void read(Workers workers, long step) {
    batches.read(step, images, labels);
    workers.forEach(
        plan.batch(),
        (worker, from, to) -> {
          for (int row = from; row < to; row++) {
            long shown = step * plan.batch() + row;
            int at = row * data.length();
            PhiloxNoise.fill(plan.seed(), shown, NOISE, noise, at, data.length());
            choose(row, PhiloxNoise.words(plan.seed(), shown, CHOICES));
          }
        });
  }

  private void choose(int row, int[] words) {
    indices[row] = (int) (Integer.toUnsignedLong(words[0]) * timesteps >>> 32);
    if (Integer.toUnsignedLong(words[1]) * 0x1p-32 < plan.labelDropout()) {
      labels[row] = plan.network().numClasses();
    }
    if (plan.flip() && words[2] < 0) {
      mirror(row);
    }
  }

  private void mirror(int row) {
    int width = data.width();
    int end = (row + 1) * data.length();
    for (int line = row * data.length(); line < end; line += width) {
      for (int left = line, right = line + width - 1; left < right; left++, right--) {
        float pixel = images[left];
        images[left] = images[right];
        images[right] = pixel;
      }
    }
  }
}
