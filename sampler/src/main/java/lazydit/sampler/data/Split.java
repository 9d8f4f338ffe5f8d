package lazydit.sampler.data;

import java.util.Locale;

/** The two parts of a data set. */
public enum Split {
  /** What is learned from. */
  TRAIN,
  /** What is kept apart to judge by. */
  TEST;

  /** {@return its name in folders and messages} */
  public String label() {
    return name().toLowerCase(Locale.ROOT);
  }
}
