package lazydit.weights.fuzz;

import java.util.Arrays;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import java.util.stream.Collectors;

/**
 * What came of an input.
 *
 * @param kind how it ended
 * @param trait what tells its way through the reader from others: a few words for a load, the place
 *     in the code for all else
 * @param detail the whole story, for people
 * @param price what it allocated for each byte of the input, as a power of two
 */
record Verdict(Kind kind, String trait, String detail, int price) {
  /** How reading ends. */
  enum Kind {
    LOADED,
    REFUSED,
    FAILED,
    /** Read, or refused, but at too high a price. */
    EXCESSIVE
  }

  private static final String OURS = "lazydit.";
  private static final String FUZZER = Verdict.class.getPackageName();
  private static final int FRAMES = 4;

  /** What pickles call is refused at one line; the first words of the sentence tell it apart. */
  private static final Pattern CALL =
      Pattern.compile("its pickle, at byte \\d+, ([a-z]+(?: [a-z]+){0,3})");

  static Verdict loaded(String trait) {
    return new Verdict(Kind.LOADED, trait, trait, 0);
  }

  static Verdict refused(RuntimeException refusal) {
    String message = refusal.getMessage();
    Matcher call = CALL.matcher(message);
    String words = call.find() ? call.group(1) : "";
    return new Verdict(Kind.REFUSED, way(refusal) + " " + words, message, 0);
  }

  static Verdict failed(String problem, Throwable fault) {
    String trace =
        Arrays.stream(fault.getStackTrace())
            .limit(20)
            .map(frame -> "\n    at " + frame)
            .collect(Collectors.joining());
    return new Verdict(
        Kind.FAILED, fault.getClass() + way(fault), problem + ": " + fault + trace, 0);
  }

  boolean isFailure() {
    return kind == Kind.FAILED || kind == Kind.EXCESSIVE;
  }

  Verdict at(int allocated) {
    return new Verdict(kind, trait, detail, allocated);
  }

  /** The innermost lines of the project's own code: each refusal has its line, or its callers'. */
  private static String way(Throwable thrown) {
    StringBuilder way = new StringBuilder();
    int frames = 0;
    for (StackTraceElement frame : thrown.getStackTrace()) {
      String type = frame.getClassName();
      if (type.startsWith(OURS) && !type.startsWith(FUZZER) && frames++ < FRAMES) {
        way.append(way.isEmpty() ? "" : " < ")
            .append(type.substring(type.lastIndexOf('.') + 1))
            .append(':')
            .append(frame.getLineNumber());
      }
    }
    return way.toString();
  }
}
