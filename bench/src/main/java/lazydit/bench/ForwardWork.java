package lazydit.bench;

import lazydit.dit.Branch;
import lazydit.dit.CachePolicy;
import lazydit.dit.Dit;
import lazydit.dit.DitConfig;
import lazydit.dit.DitRun;
import lazydit.dit.DitSemantics;
import lazydit.dit.WeightSource;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/**
 * One forward pass of DiT-XL/2 at 256 pixels with the two rows of classifier-free guidance: random
 * weights of the true shapes, adaLN for the step's timestep included.
 *
 * @param config the architecture
 * @param dit the network, its weights packed
 */
public record ForwardWork(DitConfig config, Dit dit) implements Work {
  /** Rows: conditional and null. */
  static final int BATCH = 2;

  /** Steps of the schedule that runs stand in. */
  static final int STEPS = 50;

  /** The published architecture with fewer blocks, for a quick look. */
  static DitConfig config(int blocks) {
    DitConfig xl = DitConfig.preset("DiT-XL/2", 32, 4, 1000, true);
    return new DitConfig(
        xl.inputSize(),
        xl.patchSize(),
        xl.inChannels(),
        xl.hiddenSize(),
        blocks,
        xl.numHeads(),
        xl.mlpHidden(),
        xl.numClasses(),
        xl.learnSigma());
  }

  static ForwardWork ofBlocks(int blocks, WeightType type, Workers workers) {
    DitConfig config = config(blocks);
    WeightSource weights = RandomNetwork.of(config);
    return new ForwardWork(config, new Dit(config, weights, DitSemantics.FACEBOOK, type, workers));
  }

  /** {@return the weights that the network was packed from} */
  public WeightSource weights() {
    return RandomNetwork.of(config());
  }

  @Override
  public String benchmark() {
    return "forward";
  }

  @Override
  public String shape() {
    return shape(config());
  }

  static String shape(DitConfig config) {
    return "DiT-XL/2, %d blocks, batch %d".formatted(config.depth(), BATCH);
  }

  @Override
  public Limit limit() {
    return Limit.COMPUTE;
  }

  @Override
  public double amount() {
    return flops(config());
  }

  /** Attention and feed-forward networks of all blocks; everything else is below 1 %. */
  static double flops(DitConfig config) {
    double block = config.multiplyAdds(Branch.ATTN) + config.multiplyAdds(Branch.MLP);
    return 2 * BATCH * config.depth() * block;
  }

  @Override
  public double intensity() {
    return amount() / (Float.BYTES * (double) config().parameters());
  }

  /** {@return a noisy latent for each row, {@code [B, C, H, W]}} */
  public float[] images() {
    return Work.uniform(11, BATCH * config().inputLength());
  }

  /** {@return the timestep of each row} */
  public float[] timesteps() {
    return new float[] {500, 500};
  }

  /** {@return the label of each row, the null class last} */
  public int[] labels() {
    return new int[] {207, config().nullClass()};
  }

  @Override
  public Side ours(Workers workers) {
    DitRun run = dit.newRun(BATCH, STEPS, CachePolicy.none(), workers);
    float[] images = images();
    float[] timesteps = timesteps();
    int[] labels = labels();
    float[] out = new float[BATCH * config().outputLength()];
    return new Side() {
      @Override
      public void run() {
        run.forward(images, timesteps, labels, 0, out);
      }

      @Override
      public float[] result() {
        return out;
      }
    };
  }

  /** A side that takes the steps of a sampling run in turn, adaLN done before the first. */
  Side steps(CachePolicy policy, Workers workers) {
    DitRun run = dit.newRun(BATCH, STEPS, policy, workers);
    float[] schedule = new float[STEPS];
    for (int i = 0; i < STEPS; i++) {
      schedule[i] = 1000f * i / STEPS;
    }
    run.condition(schedule, labels());
    float[] images = images();
    float[] out = new float[BATCH * config().outputLength()];
    return new Side() {
      private int step = 0;

      @Override
      public void run() {
        step = step == 0 ? STEPS - 1 : step - 1;
        run.forward(images, step, out);
      }

      @Override
      public float[] result() {
        return out;
      }
    };
  }
}
