package lazydit.bench;

/** What a benchmark cannot go beyond on this machine. */
public enum Limit {
  /** Fused multiply-adds: {@link FmaCeiling}. */
  COMPUTE("compute", "GFLOP/s", "fma"),
  /** Bytes read and written: {@link CopyBandwidth}. */
  BANDWIDTH("bandwidth", "GB/s", "copy");

  private final String label;
  private final String unit;
  private final String ceilingName;

  Limit(String label, String unit, String ceilingName) {
    this.label = label;
    this.unit = unit;
    this.ceilingName = ceilingName;
  }

  /** {@return its name in reports} */
  public String label() {
    return label;
  }

  /** {@return the unit of rates that are held against it} */
  public String unit() {
    return unit;
  }

  /** {@return the benchmark that measures it} */
  String ceilingName() {
    return ceilingName;
  }
}
