package lazydit.engine;

/** What a {@link Linear} layer makes of the rows it reads, while it packs them for its kernel. */
public sealed interface Prologue {
  /**
   * Takes the rows as they are.
   *
   * @param x {@code [rows, in]}; only to be read
   */
  record Copy(float[] x) implements Prologue {}

  /**
   * Normalises and modulates the rows, as {@link LayerNorm#modulate} does to the last bit: its
   * result is never in memory, and rows that nobody asks for are not even read.
   *
   * @param x {@code [rows, in]}; only to be read
   * @param moments of these rows
   * @param shift a vector for every row
   * @param scale a vector for every row, for the same groups as the shift
   */
  record ModulatedNorm(float[] x, LayerNorm.Moments moments, PerGroup shift, PerGroup scale)
      implements Prologue {}
}
