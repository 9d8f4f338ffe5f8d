package lazydit.weights.fuzz;

import java.io.IOException;

/** Reads an input as far as there is anything to read. */
interface Reader {
  /**
   * @return a few words about what was loaded; those of two inputs differ when these took different
   *     ways
   * @throws lazydit.engine.LazyDitException when the input is refused
   * @throws Unsound when it was loaded, but what was loaded contradicts itself
   * @throws IOException when the input cannot be laid out as files
   */
  String load(Sample sample, Workplace place) throws IOException;
}
