package lazydit.engine;

import lazydit.engine.kernels.Kernels;

/** What this process computes with. */
public final class Engine {
  private Engine() {}

  /** {@return one line for people: kernels, vector width, Java version} */
  public static String describe() {
    return Kernels.active().description() + ", JDK " + Runtime.version();
  }
}
