package lazydit.weights;

import lazydit.engine.LazyDitException;

/**
 * A file of weights, gates, expected values or pictures cannot be read or written: it is damaged,
 * hostile, of an unknown kind, or does not hold what is asked of it.
 *
 * <p>The message is one sentence that begins with the file.
 */
public class CheckpointException extends LazyDitException {
  private static final long serialVersionUID = 1L;

  private static final int MAX_LENGTH = 1000;
  private static final int TAIL = 300;

  /**
   * Says what is wrong with a file.
   *
   * @param file the file at fault
   * @param problem what is wrong with it: what was expected and what was found
   */
  public CheckpointException(String file, String problem) {
    super(sentence(file, problem));
  }

  /**
   * Says what is wrong with a file, and why that is known.
   *
   * @param file the file at fault
   * @param problem what is wrong with it: what was expected and what was found
   * @param cause what brought it to light
   */
  public CheckpointException(String file, String problem, Throwable cause) {
    super(sentence(file, problem), cause);
  }

  private static String sentence(String file, String problem) {
    return shortened(Printable.of(file)) + ": " + shortened(Printable.of(problem));
  }

  /** A name in a hostile file may be as long as the file. */
  private static String shortened(String text) {
    int length = text.length();
    return length <= MAX_LENGTH
        ? text
        : text.substring(0, MAX_LENGTH - TAIL) + " ... " + text.substring(length - TAIL);
  }
}
