package lazydit.sampler.cli;

import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.OptionalDouble;
import lazydit.dit.Branch;
import lazydit.sampler.evaluate.Quality;
import lazydit.sampler.evaluate.RowResult;

/** The numbers of an evaluation's row. */
enum EvaluationColumn {
  FRECHET("FD", "frechet_distance", "%.2f"),
  ACCURACY("accuracy", "accuracy", "%.3f"),
  PRECISION("precision", "precision", "%.3f"),
  RECALL("recall", "recall", "%.3f"),
  INCEPTION("IS", "inception_score", "%.2f"),
  ATTN("attn", "lazy_ratio_attn", "%.3f"),
  MLP("mlp", "lazy_ratio_mlp", "%.3f"),
  OWN_FRECHET("FD own", "own_frechet_distance", "%.2f"),
  PAIRED("paired MSE", "paired_mse", "%.5f"),
  TIME("ms/picture", "ms_per_image", "%.2f");

  private final String title;
  private final String key;
  private final String format;

  EvaluationColumn(String title, String key, String format) {
    this.title = title;
    this.key = key;
    this.format = format;
  }

  /** {@return its name for people} */
  String title() {
    return title;
  }

  /** {@return its name for programs} */
  String key() {
    return key;
  }

  /** {@return the number of a row as one judge sees it, if it has that number} */
  OptionalDouble of(RowResult row, int judge) {
    Optional<RowResult.Work> work = row.work();
    return switch (this) {
      case ATTN -> work.stream().mapToDouble(w -> w.lazy().ratio(Branch.ATTN)).findFirst();
      case MLP -> work.stream().mapToDouble(w -> w.lazy().ratio(Branch.MLP)).findFirst();
      case TIME -> work.stream().mapToDouble(RowResult.Work::milliseconds).findFirst();
      case PAIRED -> row.pairedError();
      default -> of(row.qualities().get(judge));
    };
  }

  /** {@return the number of some pictures, if pictures alone have that number} */
  OptionalDouble of(Quality quality) {
    return switch (this) {
      case FRECHET -> OptionalDouble.of(quality.frechet());
      case ACCURACY -> OptionalDouble.of(quality.accuracy());
      case PRECISION -> OptionalDouble.of(quality.precision());
      case RECALL -> OptionalDouble.of(quality.recall());
      case INCEPTION -> OptionalDouble.of(quality.inceptionScore());
      case OWN_FRECHET -> quality.ownFrechet();
      default -> OptionalDouble.empty();
    };
  }

  /** {@return the cell for what it came to for each seed; empty when there is no such number} */
  String cell(List<OptionalDouble> seeds) {
    Optional<Spread> spread = Spread.of(seeds);
    return spread.map(s -> cell(s)).orElse("");
  }

  private String cell(Spread spread) {
    String mean = String.format(Locale.ROOT, format, spread.mean());
    return spread.count() == 1
        ? mean
        : mean + " ± " + String.format(Locale.ROOT, format, spread.deviation());
  }

  /**
   * What a number came to over some seeds.
   *
   * @param count how many seeds
   * @param mean over them
   * @param deviation the standard deviation of one seed; 0 where there is but one
   */
  record Spread(int count, double mean, double deviation) {
    /** {@return of these numbers; empty unless all are there} */
    static Optional<Spread> of(List<OptionalDouble> seeds) {
      if (seeds.stream().anyMatch(OptionalDouble::isEmpty)) {
        return Optional.empty();
      }
      double[] values = seeds.stream().mapToDouble(OptionalDouble::getAsDouble).toArray();
      double mean = 0;
      for (double value : values) {
        mean += value / values.length;
      }
      double squares = 0;
      for (double value : values) {
        squares += (value - mean) * (value - mean);
      }
      return Optional.of(
          new Spread(values.length, mean, Math.sqrt(squares / Math.max(1, values.length - 1))));
    }
  }
}
