package lazydit.dit;

import lazydit.engine.Workers;

/**
 * Passes of a network that learns, forth and back:
 *
 * <pre>
 * run.forward(images, timesteps, labels, out);     the sampler's own pass, on a tape
 * ... the loss makes dOut of out ...
 * run.backward(dOut);                              adds to the gradients of all parameters
 * </pre>
 *
 * <p>Gradients of several passes add up, so that a batch may be cut into micro-batches of a size
 * whose tape fits the caches. The same bits for any number of threads.
 *
 * <p>Owned by one thread at a time.
 */
public final class TrainingRun {
  private final DitRun run;
  private final DitBackward back;
  private final Gradients gradients;
  private int[] labels;

  TrainingRun(Dit dit, Gradients gradients, int batch, Workers workers) {
    this.gradients = gradients;
    Tape tape = new Tape(dit.config(), batch);
    run = new DitRun(dit, batch, 1, CachePolicy.none(), workers, tape);
    back = new DitBackward(dit, run, tape, batch, workers, gradients);
  }

  /**
   * Runs the network and keeps what the way back needs.
   *
   * @param images {@code [B, C, H, W]}; only to be read
   * @param timesteps {@code [B]}, 0 to 999
   * @param labels {@code [B]}, the null class where a label is dropped
   * @param out receives {@code [B, Cout, H, W]}
   * @throws lazydit.engine.LazyDitException when a length does not fit the run
   */
  public void forward(float[] images, float[] timesteps, int[] labels, float[] out) {
    run.forward(images, timesteps, labels, 0, out);
    this.labels = labels.clone();
  }

  /**
   * Adds to the gradients of all parameters, for the last pass.
   *
   * @param dOut the gradient of its output, {@code [B, Cout, H, W]}; only to be read
   * @throws IllegalStateException when there was no pass, or the way back from it was taken before
   */
  public void backward(float[] dOut) {
    if (labels == null) {
      throw new IllegalStateException("forward() comes before backward().");
    }
    back.begin(dOut);
    back.blocks(null);
    back.embeddings(labels);
    gradients.parameters().touchAll();
    labels = null;
  }
}
