package lazydit.bench;

/** What a benchmark cannot go beyond on this machine. */
public enum Limit {
  /** Fused multiply-adds: {@link FmaCeiling}. */
  COMPUTE("compute", "GFLOP/s", "fma", "registers only, nothing else running"),
  /** Bytes read and written: {@link CopyBandwidth}. */
  BANDWIDTH("bandwidth", "GB/s", "copy", "256 MiB, read and written");

  private final String label;
  private final String unit;
  private final String ceilingName;
  private final String ceilingShape;

  Limit(String label, String unit, String ceilingName, String ceilingShape) {
    this.ceilingShape = ceilingShape;
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

  /** {@return how that is measured} */
  String ceilingShape() {
    return ceilingShape;
  }
}
