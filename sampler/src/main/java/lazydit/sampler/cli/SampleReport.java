package lazydit.sampler.cli;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.Branch;
import lazydit.engine.Engine;
import lazydit.sampler.ClassNames;
import lazydit.sampler.Guidance;
import lazydit.sampler.LazySummary;
import lazydit.sampler.Pipeline;
import lazydit.sampler.SampleResult;

/**
 * What is said about a run: to people, to programs, and to whoever finds the picture.
 *
 * @param pipeline what it ran on
 * @param result what it drew; of several equal runs, the last
 * @param loading how long loading took, in seconds
 * @param seconds the time that counts: of several runs the median without the first
 * @param runs the time of each run, in seconds
 * @param comparison with a run without gates, if there was one
 * @param notes what a person should know
 * @param file the picture
 */
record SampleReport(
    Pipeline pipeline,
    SampleResult result,
    double loading,
    double seconds,
    List<Double> runs,
    Optional<Comparison> comparison,
    List<String> notes,
    String file) {

  private int steps() {
    return result.request().steps();
  }

  private Semantics semantics() {
    return Semantics.of(pipeline.semantics());
  }

  // ---- for people

  String text() {
    StringBuilder text = new StringBuilder();
    line(text, "%s", Engine.describe());
    line(
        text,
        "%s, %s in %s, under %s, with %s",
        pipeline.name(),
        pipeline.config().describe(),
        WeightForm.of(pipeline.weightType()).title(),
        pipeline.layout().title(),
        semantics().title());
    if (pipeline.classes().equals(ClassNames.imageNet())) {
      line(text, "Classes named as ImageNet's (--labels FILE gives others)");
    }
    pipeline.vae().ifPresent(vae -> line(text, "Latents decoded by VAE %s", vae));
    notes.forEach(note -> line(text, "%s", note));
    line(
        text,
        "%d picture%s in %.2f s%s: %d steps of %s, %.1f ms each",
        result.count(),
        result.count() == 1 ? "" : "s",
        seconds,
        runs.size() > 1 ? " (median of " + (runs.size() - 1) + " runs after the first)" : "",
        steps(),
        result.request().method(),
        1000 * seconds / steps());
    result.gates().ifPresent(gates -> lazyText(text));
    comparison.ifPresent(
        c ->
            line(
                text,
                "Without gates %.2f s: %.2f x as long; mean squared difference of the pictures"
                    + " %.2g, largest %.2g (of a range of 2)",
                c.seconds(),
                c.speedup(),
                c.meanSquared(),
                c.largest()));
    PeakMemory.bytes()
        .ifPresent(
            bytes ->
                line(
                    text,
                    "Loaded in %.1f s; at most %.2f GB of memory at a time",
                    loading,
                    bytes / 1e9));
    line(text, "Wrote %s", file);
    return text.toString();
  }

  private void lazyText(StringBuilder text) {
    LazySummary lazy = result.lazy();
    line(
        text,
        "Reused %.1f %% of the work modules had to do, which saved %.1f %% of all"
            + " multiply-adds%s",
        100 * lazy.ratio(),
        100 * result.workSaved(),
        comparison.isPresent() ? "" : " (--compare measures the time)");
    text.append('\n');
    line(text, "  module        reused   evaluations  lazy ratio");
    for (Branch branch : Branch.values()) {
      row(text, name(branch), lazy.reused(branch), lazy.evaluations());
    }
    row(
        text,
        "overall",
        lazy.reused(Branch.ATTN) + lazy.reused(Branch.MLP),
        2 * lazy.evaluations());
    text.append('\n');
  }

  private static void row(StringBuilder text, String module, long reused, long evaluations) {
    line(
        text,
        "  %-8s %,11d   %,11d     %5.1f %%",
        module,
        reused,
        evaluations,
        100.0 * reused / evaluations);
  }

  private static String name(Branch branch) {
    return branch.name().toLowerCase(Locale.ROOT);
  }

  private static void line(StringBuilder text, String format, Object... values) {
    text.append(String.format(Locale.ROOT, format, values)).append('\n');
  }

  /** A line a step, a column a block: how many of the rows reused each module, in tenths. */
  String map() {
    LazySummary lazy = result.lazy();
    StringBuilder text = new StringBuilder();
    line(text, "Reused by step (first on top) and block: . none, 1 to 9 tenths, # all");
    line(text, "%6s  %-" + Math.max(4, lazy.depth()) + "s  mlp", "step", "attn");
    for (int step = lazy.steps() - 1; step >= 0; step--) {
      text.append(String.format(Locale.ROOT, "%6d", step));
      for (Branch branch : Branch.values()) {
        text.append("  ");
        for (int block = 0; block < lazy.depth(); block++) {
          text.append(mark(lazy.share(step, block, branch)));
        }
        text.append(" ".repeat(Math.max(0, 4 - lazy.depth())));
      }
      text.append('\n');
    }
    return text.toString();
  }

  private static char mark(double share) {
    if (share == 0 || share == 1) {
      return share == 0 ? '.' : '#';
    }
    return Character.forDigit(Math.clamp(Math.round(10 * share), 1, 9), 10);
  }

  // ---- for programs

  Map<String, Object> json() {
    LazySummary lazy = result.lazy();
    Map<String, Object> ratio = new LinkedHashMap<>();
    ratio.put("attn", lazy.ratio(Branch.ATTN));
    ratio.put("mlp", lazy.ratio(Branch.MLP));
    ratio.put("overall", lazy.ratio());
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seconds", seconds);
    json.put("load_seconds", loading);
    json.put(
        "peak_memory_bytes",
        PeakMemory.bytes().isPresent() ? PeakMemory.bytes().getAsLong() : null);
    json.put("seconds_per_step", seconds / steps());
    json.put("images", result.count());
    json.put("steps", steps());
    json.put("lazy_ratio", ratio);
    json.put("multiply_adds_saved", result.workSaved());
    json.put("seed", result.request().seed());
    json.put("model", pipeline.name());
    json.put("names", pipeline.layout().name().toLowerCase(Locale.ROOT));
    json.put("weights", WeightForm.of(pipeline.weightType()).toString());
    json.put("semantics", semantics().option());
    json.put("vae", pipeline.vae().orElse(null));
    json.put("files", List.of(file));
    json.put("gates", result.gates().map(SampleResult.GatesUsed::source).orElse(null));
    json.put("threads", pipeline.threads());
    json.put("engine", Engine.describe());
    json.put("runs", new ArrayList<>(runs));
    json.put("notes", notes);
    comparison.ifPresent(c -> json.put("compare", c.json()));
    return json;
  }

  // ---- for whoever finds the picture

  /** The same for the same pictures: no times, no folders, nothing about the machine. */
  static Map<String, String> pngText(Pipeline pipeline, SampleResult result, String commandLine) {
    Map<String, String> text = new LinkedHashMap<>();
    text.put("Software", Main.Version.name());
    text.put("Command", commandLine);
    text.put("Model", pipeline.name());
    pipeline.vae().ifPresent(vae -> text.put("VAE", vae));
    text.put(
        "Classes",
        String.join(
            "; ", result.request().labels().stream().map(pipeline.classes()::name).toList()));
    text.put("Steps", Integer.toString(result.request().steps()));
    text.put("Sampler", result.request().method().label());
    text.put("Eta", Double.toString(result.request().eta()));
    text.put("Guidance", guidance(result.guidance()));
    text.put("Seed", Long.toString(result.request().seed()));
    text.put("Noise", result.request().noise().name().toLowerCase(Locale.ROOT));
    text.put("Gates", result.gates().map(SampleReport::gates).orElse("none"));
    return text;
  }

  private static String guidance(Guidance guidance) {
    String channels = guidance.channels() == Guidance.Channels.ALL ? "all" : "the first 3";
    return guidance.isOn() ? guidance.scale() + " on " + channels + " channels" : "none";
  }

  private static String gates(SampleResult.GatesUsed gates) {
    String file = gates.source().substring(gates.source().lastIndexOf('/') + 1);
    return "%s, thresholds %s and %s".formatted(file, gates.attnThreshold(), gates.mlpThreshold());
  }
}
