package lazydit.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import lazydit.engine.LazyDitException;

/** Runs what a file expects and compares: the work of {@code lazydit parity}. */
public final class Parity {
  private Parity() {}

  /**
   * Checks one file: a {@link GoldenFile} by the suites that handle it, anything else as a
   * checkpoint with expectations beside it ({@link TorchSaveParity}).
   *
   * @param file the file
   * @param suites what this program can compute; all that handle the file run
   * @param out where to write the computed tensors under the expected ones' names, if anywhere; not
   *     written when nothing was computed
   * @return a row for each expectation
   * @throws lazydit.engine.LazyDitException when the file is not usable or {@code out} cannot be
   *     written
   */
  public static ParityReport run(Path file, List<ParitySuite> suites, Optional<Path> out) {
    if (!Files.exists(file)) {
      throw new CheckpointException(file.toString(), "does not exist");
    }
    if (TorchSaveParity.handles(file)) {
      ParityReport report = TorchSaveParity.run(file);
      out.ifPresent(target -> TorchSaveParity.save(file, target));
      return report;
    }
    try (GoldenFile golden = GoldenFile.open(file)) {
      Map<String, Computed> computed = new LinkedHashMap<>();
      for (ParitySuite suite : suites) {
        if (suite.handles(golden)) {
          computed.putAll(run(suite, golden));
        }
      }
      if (!computed.isEmpty()) {
        out.ifPresent(target -> Computed.save(computed, target));
      }
      return ParityReport.compare(golden, computed);
    }
  }

  /** What the network or a kernel finds wrong has been given to it by the file. */
  private static Map<String, Computed> run(ParitySuite suite, GoldenFile golden) {
    try {
      return suite.run(golden);
    } catch (LazyDitException e) {
      if (e.getMessage().startsWith(golden.path().toString())) {
        throw e;
      }
      throw new CheckpointException(golden.path().toString(), e.getMessage(), e);
    }
  }
}
