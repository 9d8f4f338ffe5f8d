package lazydit.sampler.cli;

import java.util.Locale;
import lazydit.engine.WeightType;

/** How to keep weights, as the command line calls it. */
enum WeightForm {
  F32(WeightType.FLOAT32, "float32"),
  BF16(WeightType.BFLOAT16, "bfloat16"),
  INT8(WeightType.INT8, "int8");

  private final WeightType type;
  private final String title;

  WeightForm(WeightType type, String title) {
    this.type = type;
    this.title = title;
  }

  static WeightForm of(WeightType type) {
    return switch (type) {
      case FLOAT32 -> F32;
      case BFLOAT16 -> BF16;
      case INT8 -> INT8;
    };
  }

  WeightType type() {
    return type;
  }

  /** Its name for people. */
  String title() {
    return title;
  }

  /** Its name as an option's value. */
  @Override
  public String toString() {
    return name().toLowerCase(Locale.ROOT);
  }
}
