package lazydit.sampler;

import java.util.Random;
import lazydit.dit.Dit;
import lazydit.dit.DitConfig;
import lazydit.dit.DitRun;
import lazydit.dit.InitialWeights;
import lazydit.dit.LazyGates;
import lazydit.engine.Workers;

/**
 * Has the JVM compile the kernels before they are needed, on a network so small that interpreting
 * it costs little.
 *
 * <p>Until the JVM's optimising compiler has got to it, vector code is a hundred times slower than
 * after. It gets to what has been called often, however little there was to do each time.
 */
final class WarmUp {
  /**
   * Features of a token. With 32 the loops over features were compiled for two turns, and made lazy
   * runs a quarter slower for good; with 128 the start gained half as much.
   */
  private static final int HIDDEN = 64;

  private static final DitConfig CONFIG =
      new DitConfig(20, 4, 1, HIDDEN, 1, 2, 4 * HIDDEN, 2, true);

  private static final int BATCH = 2;
  private static final int STEPS = 4;
  private static final int PASSES = 100;

  private WarmUp() {}

  /** Runs the network on the calling thread, at times reusing what it computed before. */
  static void run() {
    Dit dit = new Dit(CONFIG, new InitialWeights(CONFIG, 1));
    LazyGates policy = new LazyGates(STEPS, 1, HIDDEN, gates(1), gates(2), 0.5f, 0.5f);
    try (Workers alone = new Workers(1)) {
      DitRun run = dit.newRun(BATCH, STEPS, policy, alone);
      run.condition(new float[STEPS], new int[BATCH]);
      float[] images = new float[BATCH * CONFIG.inputLength()];
      float[] out = new float[BATCH * CONFIG.outputLength()];
      for (int pass = 0; pass < PASSES; pass++) {
        run.forward(images, STEPS - 1 - pass % STEPS, out);
      }
    }
  }

  /** Of either sign, so that some scores lie below the threshold and some above. */
  private static float[] gates(long seed) {
    Random random = new Random(seed);
    float[] gates = new float[STEPS * HIDDEN];
    for (int i = 0; i < gates.length; i++) {
      gates[i] = random.nextFloat() - 0.5f;
    }
    return gates;
  }
}
