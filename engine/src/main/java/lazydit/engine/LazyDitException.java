package lazydit.engine;

/**
 * Something the caller gave cannot be used: a file, a shape, an option.
 *
 * <p>The message is one complete sentence for a person. It names the thing at fault (file, tensor,
 * option), what was expected and what was found. Commands print it as it is, without a stack trace.
 */
public class LazyDitException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  /**
   * An error found by looking.
   *
   * @param message one sentence naming what is wrong, what was expected and what was found
   */
  public LazyDitException(String message) {
    super(message);
  }

  /**
   * An error brought to light by another.
   *
   * @param message one sentence naming what is wrong, what was expected and what was found
   * @param cause the other
   */
  public LazyDitException(String message, Throwable cause) {
    super(message, cause);
  }
}
