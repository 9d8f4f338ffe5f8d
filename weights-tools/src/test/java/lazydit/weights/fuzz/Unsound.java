package lazydit.weights.fuzz;

/** An input was loaded, but what was loaded contradicts itself. */
final class Unsound extends RuntimeException {
  private static final long serialVersionUID = 1L;

  Unsound(String message) {
    super(message);
  }
}
