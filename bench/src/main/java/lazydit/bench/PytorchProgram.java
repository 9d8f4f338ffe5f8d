package lazydit.bench;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lazydit.engine.LazyDitException;
import lazydit.weights.Json;

/**
 * A PyTorch program of the user's that runs the same forward pass and tells its time: a second
 * peer, for the PyTorch that Python has is not the one that Java has.
 *
 * @param command what starts it, for the shell
 * @param folder where it is started
 */
record PytorchProgram(String command, Path folder) {
  /** What its ratios are called in reports. */
  static final String NAME = "pytorch-program";

  /**
   * Runs it once: {@code COMMAND forward --preset XL/2 --batch 2 --threads N}.
   *
   * @return the seconds of a pass that it printed, in a line of JSON as "seconds"
   * @throws LazyDitException when it fails or prints no such line
   */
  double seconds(int threads) {
    String arguments =
        " forward --preset XL/2 --batch %d --threads %d".formatted(ForwardWork.BATCH, threads);
    return parse(Commands.run(folder, List.of("/bin/sh", "-c", command + arguments)));
  }

  /** The last line that is a JSON object: warnings may stand around it. */
  static double parse(String output) {
    String json =
        output.lines().filter(line -> line.startsWith("{")).reduce((a, b) -> b).orElse("{}");
    Map<String, Object> object = Json.parseObject(json, "The PyTorch program's output");
    if (object.get("seconds") instanceof Number seconds && seconds.doubleValue() > 0) {
      return seconds.doubleValue();
    }
    throw new LazyDitException(
        "The PyTorch program must print a line of JSON with its \"seconds\", but printed \"%s\"."
            .formatted(output));
  }
}
