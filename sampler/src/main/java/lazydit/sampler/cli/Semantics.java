package lazydit.sampler.cli;

import java.util.Locale;
import lazydit.dit.DitSemantics;

/** Whose way of computing and sampling to follow, as the command line calls it. */
enum Semantics {
  FACEBOOK(DitSemantics.FACEBOOK, "facebook's semantics"),
  DIFFUSERS(DitSemantics.DIFFUSERS, "diffusers' semantics");

  private final DitSemantics value;
  private final String title;

  Semantics(DitSemantics value, String title) {
    this.value = value;
    this.title = title;
  }

  static Semantics of(DitSemantics value) {
    return value.equals(DitSemantics.DIFFUSERS) ? DIFFUSERS : FACEBOOK;
  }

  DitSemantics value() {
    return value;
  }

  /** Its name for people. */
  String title() {
    return title;
  }

  /** Its name as an option's value. */
  String option() {
    return name().toLowerCase(Locale.ROOT);
  }
}
