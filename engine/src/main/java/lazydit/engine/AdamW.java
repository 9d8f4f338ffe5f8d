package lazydit.engine;

import java.util.Arrays;
import java.util.List;

/**
 * Adam with decoupled weight decay (Loshchilov and Hutter 2019, algorithm 2), in the order of
 * operations of PyTorch:
 *
 * <pre>
 * x *= 1 - rate * decay
 * m = beta1 * m + (1 - beta1) * g
 * v = beta2 * v + (1 - beta2) * g * g
 * x -= rate / (1 - beta1^t) * m / (sqrt(v) / sqrt(1 - beta2^t) + eps)
 * </pre>
 *
 * <p>A tensor that no pass has touched since gradients were cleared is left alone altogether: no
 * decay, no step of its moments, and t counts its own steps.
 *
 * <p>Not safe for concurrent use. The same bits for any number of threads.
 */
public final class AdamW {
  /** Elements that a thread takes at a time. */
  private static final int PIECE = 1 << 14;

  private final Parameters parameters;
  private final double beta1;
  private final double beta2;
  private final double eps;
  private final double weightDecay;
  private final float[] first;
  private final float[] second;
  private final long[] steps;

  /**
   * An optimiser at its beginning.
   *
   * @param parameters what it changes
   * @param beta1 how much of the mean gradient stays, usually 0.9
   * @param beta2 how much of the mean squared gradient stays, usually 0.999
   * @param eps added to the root of the latter, usually 1e-8
   * @param weightDecay share of each value that goes in a step at rate 1
   * @throws LazyDitException when a number is out of range
   */
  public AdamW(Parameters parameters, double beta1, double beta2, double eps, double weightDecay) {
    boolean good = beta1 >= 0 && beta1 < 1 && beta2 >= 0 && beta2 < 1 && eps > 0;
    if (!good || !(weightDecay >= 0)) {
      throw new LazyDitException(
          "AdamW needs betas from 0 to below 1, eps above 0 and no negative decay, not %s, %s, %s and %s."
              .formatted(beta1, beta2, eps, weightDecay));
    }
    this.parameters = parameters;
    this.beta1 = beta1;
    this.beta2 = beta2;
    this.eps = eps;
    this.weightDecay = weightDecay;
    first = new float[parameters.size()];
    second = new float[parameters.size()];
    steps = new long[parameters.list().size()];
  }

  /**
   * Changes every tensor that has a gradient.
   *
   * @param workers who works
   * @param rate the learning rate
   */
  public void step(Workers workers, double rate) {
    List<Parameters.Parameter> list = parameters.list();
    for (int i = 0; i < list.size(); i++) {
      if (parameters.touched(i)) {
        Parameters.Parameter parameter = list.get(i);
        Update update = new Update(++steps[i], rate);
        int end = parameter.offset() + parameter.size();
        workers.forEach(
            (parameter.size() + PIECE - 1) / PIECE,
            (worker, from, to) -> {
              int at = parameter.offset() + from * PIECE;
              update.run(at, Math.min(parameter.offset() + to * PIECE, end));
            });
      }
    }
  }

  /** The factors of one tensor's step. */
  private final class Update {
    private final float kept;
    private final float rate;
    private final float root;

    Update(long step, double rate) {
      kept = (float) (1 - rate * weightDecay);
      this.rate = (float) (rate / (1 - Math.pow(beta1, step)));
      root = (float) Math.sqrt(1 - Math.pow(beta2, step));
    }

    void run(int from, int to) {
      float[] x = parameters.values();
      float[] g = parameters.gradients();
      float b1 = (float) beta1;
      float b2 = (float) beta2;
      float c1 = (float) (1 - beta1);
      float c2 = (float) (1 - beta2);
      float e = (float) eps;
      for (int i = from; i < to; i++) {
        float m = first[i] * b1 + c1 * g[i];
        float v = second[i] * b2 + c2 * g[i] * g[i];
        first[i] = m;
        second[i] = v;
        x[i] = x[i] * kept - rate * (m / ((float) Math.sqrt(v) / root + e));
      }
    }
  }

  /** {@return the mean gradients, in the layout of the parameters: the array itself} */
  public float[] firstMoments() {
    return first;
  }

  /** {@return the mean squared gradients, in the layout of the parameters: the array itself} */
  public float[] secondMoments() {
    return second;
  }

  /** {@return how many steps each tensor has taken, in the order of the parameters; a copy} */
  public long[] steps() {
    return steps.clone();
  }

  /**
   * Goes on where another optimiser of the same parameters was.
   *
   * @param first its mean gradients, copied
   * @param second its mean squared gradients, copied
   * @param steps the steps of each tensor, copied
   * @throws LazyDitException when a length does not fit the parameters
   */
  public void restore(float[] first, float[] second, long[] steps) {
    if (first.length != this.first.length
        || second.length != this.second.length
        || steps.length != this.steps.length
        || Arrays.stream(steps).anyMatch(n -> n < 0)) {
      throw new LazyDitException(
          "The optimiser's state has %d, %d and %d numbers, expected %d, %d and %d."
              .formatted(
                  first.length,
                  second.length,
                  steps.length,
                  this.first.length,
                  this.second.length,
                  this.steps.length));
    }
    System.arraycopy(first, 0, this.first, 0, first.length);
    System.arraycopy(second, 0, this.second, 0, second.length);
    System.arraycopy(steps, 0, this.steps, 0, steps.length);
  }
}
