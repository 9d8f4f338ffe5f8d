package lazydit.sampler.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.concurrent.CancellationException;
import lazydit.sampler.learning.GateCheck;
import lazydit.sampler.learning.Learning;
import lazydit.sampler.learning.OfficialLearning;
import lazydit.sampler.learning.RolloutLearning;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;
import lazydit.weights.LazyGateFile;
import lazydit.weights.LazyGateSet;

/** A learning as it runs: goes on, saves and tells, until it is done or cancelled. */
final class LearnRun {
  private static final int INTERRUPTED = 130;
  private static final double POINTS = 0.02;

  /** How one of the recipes goes about it. */
  interface Course {
    Learning learning();

    /** Goes on a little; says what came of it. */
    Map<String, Object> next();

    /** Whether to save after so many rounds. */
    boolean saves();

    /** The wanted lazy ratios, or none where there is no target. */
    List<RolloutLearning.Target> targets();

    /** The first picture that nothing is learned from, and how many of those to check with. */
    int firstUnseen();

    int unseen();
  }

  /** Ours. */
  record Rollouts(RolloutLearning learning, RolloutLearning.Settings settings) implements Course {
    @Override
    public Map<String, Object> next() {
      RolloutLearning.Round round = learning.next();
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("round", round.round());
      fields.put("attn", round.attn());
      fields.put("mlp", round.mlp());
      fields.put("expected", round.expected());
      fields.put("found", round.found());
      fields.put("loss", round.error());
      return fields;
    }

    @Override
    public boolean saves() {
      return true;
    }

    @Override
    public List<RolloutLearning.Target> targets() {
      return learning.targets();
    }

    @Override
    public int firstUnseen() {
      return settings.pictures();
    }

    @Override
    public int unseen() {
      return settings.pictures();
    }
  }

  /** The authors'. */
  record Official(OfficialLearning learning, OfficialLearning.Settings settings) implements Course {
    private static final int BETWEEN_SAVES = 50;
    private static final int CHECKED = 3;

    @Override
    public Map<String, Object> next() {
      OfficialLearning.Iteration made = learning.next();
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("iteration", made.iteration());
      fields.put("step", made.step());
      fields.put("loss", made.loss());
      fields.put("attn_score", made.attn());
      fields.put("mlp_score", made.mlp());
      return fields;
    }

    @Override
    public boolean saves() {
      return learning.rounds() % BETWEEN_SAVES == 0;
    }

    @Override
    public List<RolloutLearning.Target> targets() {
      return List.of();
    }

    @Override
    public int firstUnseen() {
      return 0;
    }

    @Override
    public int unseen() {
      return CHECKED * settings.batch();
    }
  }

  private final Session session;
  private final Path out;
  private final Path state;
  private final String fingerprint;
  private final boolean resume;
  private final boolean json;
  private final GateCheck check;

  LearnRun(
      Session session,
      Path out,
      Path state,
      String fingerprint,
      boolean resume,
      boolean json,
      GateCheck check) {
    this.session = session;
    this.out = out;
    this.state = state;
    this.fingerprint = fingerprint;
    this.resume = resume;
    this.json = json;
    this.check = check;
  }

  int run(Course course) {
    Learning learning = course.learning();
    if (resume) {
      learning.restore(state, fingerprint);
    }
    // Now, so that it does not fail after hours.
    learning.save(state, fingerprint);
    session.leaves(state + " was written, with which --resume goes on");
    try {
      rounds(course);
      if (session.cancelled()) {
        learning.save(state, fingerprint);
        return stopped(learning);
      }
      learning.save(state, fingerprint);
      finish(course);
    } catch (CancellationException e) {
      return stopped(learning);
    }
    return 0;
  }

  private int stopped(Learning learning) {
    session.say(
        "stopped after %d of %d rounds; the same command with --resume goes on."
            .formatted(learning.rounds(), learning.allRounds()));
    return INTERRUPTED;
  }

  private void rounds(Course course) {
    Learning learning = course.learning();
    long start = System.nanoTime();
    int begun = learning.rounds();
    try (ProgressLine progress =
        new ProgressLine(session.err(), ProgressLine.somebodyIsLooking())) {
      while (!learning.done() && !session.cancelled()) {
        Map<String, Object> fields = course.next();
        if (course.saves()) {
          learning.save(state, fingerprint);
        }
        double seconds = (System.nanoTime() - start) * 1e-9;
        double share = (learning.rounds() - begun) / (double) (learning.allRounds() - begun);
        progress.onProgress(elapsed -> line(fields, learning, share, elapsed));
        print(fields, seconds);
      }
    }
  }

  private static String line(
      Map<String, Object> fields, Learning learning, double share, double elapsed) {
    StringBuilder line = new StringBuilder();
    line.append(learning.rounds()).append(" of ").append(learning.allRounds());
    line.append(String.format(Locale.ROOT, ", loss %.5f", (Double) fields.get("loss")));
    if (fields.containsKey("attn")) {
      line.append(
          String.format(
              Locale.ROOT,
              ", attn %.1f %%, mlp %.1f %% lazy",
              100 * (Double) fields.get("attn"),
              100 * (Double) fields.get("mlp")));
    }
    return line.append(", ").append(ProgressLine.text(share, elapsed)).toString();
  }

  private void print(Map<String, Object> fields, double seconds) {
    if (json) {
      fields.put("seconds", seconds);
      session.out().println(Json.write(fields));
      session.out().flush();
    }
  }

  /** Writes the gates, and says what they come to on pictures they were not learned from. */
  private void finish(Course course) {
    List<LazyGateFile> gates = course.learning().gates(fingerprint);
    List<GateCheck.Result> results = check.run(gates, course.firstUnseen(), course.unseen());
    LazyGateSet.of(gates, results.stream().map(GateCheck.Result::ratio).toList()).write(out);
    try {
      Files.deleteIfExists(state);
    } catch (IOException e) {
      throw new CheckpointException(state.toString(), "cannot be removed", e);
    }
    for (int i = 0; i < results.size(); i++) {
      tell(results.get(i), course.targets().isEmpty() ? null : course.targets().get(i));
    }
    session.say("wrote " + out + ".");
    if (json) {
      session.out().println(Json.write(Map.of("points", points(results))));
      session.out().flush();
    }
  }

  private void tell(GateCheck.Result result, RolloutLearning.Target target) {
    double attn = result.ratio().attn();
    double mlp = result.ratio().mlp();
    session.say(
        String.format(
            Locale.ROOT,
            "lazy ratio %.1f %% (attn %.1f, mlp %.1f): squared difference to %d steps %.5f, and"
                + " %.5f when everything is computed.",
            100 * result.ratio().mean(),
            100 * attn,
            100 * mlp,
            check.truthSteps(),
            result.error(),
            result.fullError()));
    if (target != null
        && (Math.abs(attn - target.attn()) > POINTS || Math.abs(mlp - target.mlp()) > POINTS)) {
      session.say(
          String.format(
              Locale.ROOT,
              "that is not what was asked for, %.1f and %.1f; more --pictures make the gates decide"
                  + " more surely.",
              100 * target.attn(),
              100 * target.mlp()));
    }
  }

  private static List<Map<String, Object>> points(List<GateCheck.Result> results) {
    List<Map<String, Object>> points = new ArrayList<>();
    for (GateCheck.Result result : results) {
      Map<String, Object> fields = new LinkedHashMap<>();
      fields.put("attn", result.ratio().attn());
      fields.put("mlp", result.ratio().mlp());
      fields.put("error", result.error());
      fields.put("full_error", result.fullError());
      points.add(fields);
    }
    return points;
  }
}
