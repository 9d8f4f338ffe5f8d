package lazydit.bench;

import java.util.List;

/** A part of the suite that can be run alone. */
interface Task {
  /** The name that filters match. */
  String name();

  /** How long it takes, about. */
  double seconds();

  /** Measures. */
  List<Row> run();
}
