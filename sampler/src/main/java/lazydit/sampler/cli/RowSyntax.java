package lazydit.sampler.cli;

import java.nio.file.InvalidPathException;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.ReuseSchedule;
import lazydit.engine.LazyDitException;
import lazydit.sampler.GateChoice;
import lazydit.sampler.Pipeline;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleRequest.Method;
import lazydit.sampler.evaluate.EvaluationRow;

/**
 * Rows of an evaluation as they are typed, {@code [NAME=]WAY:STEPS}.
 *
 * @param pipeline the model they are for
 */
record RowSyntax(Pipeline pipeline) {
  /** What can be typed, for people. */
  static final String HELP =
      "ddim:20 (or ddpm, dpm++), gates:FILE:20, gates:20 for the model's own, gates@0.5:FILE:20 for"
          + " a lazy ratio, every2:20 to compute every 2nd step only, random50:20 to reuse 50 %% at"
          + " random";

  private static final Pattern ROW =
      Pattern.compile("(?:(?<name>[^=:]+)=)?(?<way>[^:]+)(?::(?<file>.+))?:(?<steps>\\d{1,4})");
  private static final Pattern GATES = Pattern.compile("gates(?:@(?<ratio>0?\\.\\d{1,9}))?");
  private static final Pattern EVERY = Pattern.compile("every(\\d{1,4})");
  private static final Pattern RANDOM = Pattern.compile("random(\\d{1,2})");

  /** What is compared when nothing else is asked for. */
  List<EvaluationRow> usual() {
    List<String> rows = new ArrayList<>(List.of("ddim:50", "ddim:20", "ddim:10"));
    pipeline.gateSteps().forEach(steps -> rows.add("gates:" + steps));
    rows.add("every2:20");
    return rows.stream().map(this::parse).toList();
  }

  /**
   * {@return the row that is meant}
   *
   * @throws LazyDitException when it cannot be understood, or the model has no such gates
   */
  EvaluationRow parse(String text) {
    Matcher row = ROW.matcher(text.strip());
    if (!row.matches()) {
      throw unknown(text);
    }
    String way = row.group("way").strip();
    String file = row.group("file");
    int steps = Integer.parseInt(row.group("steps"));
    SampleRequest.Builder request = SampleRequest.of(0).toBuilder().steps(steps);
    String name = way + ":" + steps;
    String group = way;
    Matcher gates = GATES.matcher(way);
    if (gates.matches()) {
      request.gates(gates(file, gates.group("ratio"), steps));
      name = file == null ? name : "%s:%s:%d".formatted(way, path(file).getFileName(), steps);
      group = gates.group("ratio") == null ? rowName(row, name) : name.replace(way, "gates");
    } else if (file != null) {
      throw unknown(text);
    } else {
      reuse(way, steps, request, text);
    }
    return new EvaluationRow(rowName(row, name), group, request.build());
  }

  private static String rowName(Matcher row, String otherwise) {
    return row.group("name") == null ? otherwise : row.group("name").strip();
  }

  private GateChoice gates(String file, String ratio, int steps) {
    if (file == null) {
      requireOwn(steps);
      return ratio == null ? GateChoice.DEFAULT : GateChoice.ofModel(Double.parseDouble(ratio));
    }
    return ratio == null
        ? GateChoice.load(path(file))
        : GateChoice.load(path(file), Double.parseDouble(ratio));
  }

  private void requireOwn(int steps) {
    if (!pipeline.gateSteps().contains(steps)) {
      throw new LazyDitException(
          "Model %s has no gates of its own for %d steps; name a file: gates:FILE:%d."
              .formatted(pipeline.name(), steps, steps));
    }
  }

  private void reuse(String way, int steps, SampleRequest.Builder request, String text) {
    int depth = pipeline.config().depth();
    Matcher every = EVERY.matcher(way);
    Matcher random = RANDOM.matcher(way);
    if (every.matches()) {
      int n = Integer.parseInt(every.group(1));
      request.gates(GateChoice.policy(way, ReuseSchedule.every(steps, depth, n)));
    } else if (random.matches()) {
      double ratio = Integer.parseInt(random.group(1)) / 100.0;
      request.gates(GateChoice.policy(way, ReuseSchedule.random(steps, depth, ratio, 0)));
    } else {
      request.gates(GateChoice.NONE).method(method(way, text));
    }
  }

  private static Method method(String way, String text) {
    try {
      return Method.parse(way);
    } catch (LazyDitException e) {
      throw unknown(text);
    }
  }

  private static Path path(String file) {
    try {
      return Path.of(file);
    } catch (InvalidPathException e) {
      throw new LazyDitException("\"%s\" is not a file name.".formatted(file), e);
    }
  }

  private static LazyDitException unknown(String text) {
    return new LazyDitException(
        "There is no row \"%s\": expected %s.".formatted(text, HELP.replace("%%", "%")));
  }
}
