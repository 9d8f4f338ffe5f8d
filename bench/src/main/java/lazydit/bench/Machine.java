package lazydit.bench;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import lazydit.engine.Engine;
import lazydit.engine.LazyDitException;

/** Where and of what a report was made. */
final class Machine {
  private static final Path CPU = Path.of("/proc/cpuinfo");

  private Machine() {}

  /** Processor, engine, commit. */
  static Map<String, Object> describe(Path root) {
    Map<String, Object> machine = new LinkedHashMap<>();
    machine.put("commit", commit(root));
    machine.put("processor", processor());
    machine.put("processors", Runtime.getRuntime().availableProcessors());
    machine.put("engine", Engine.describe());
    return machine;
  }

  /** The commit measured; marked when files differ from it. */
  private static String commit(Path root) {
    try {
      return Commands.run(root, List.of("git", "describe", "--always", "--dirty", "--exclude=*"));
    } catch (LazyDitException e) {
      return "unknown";
    }
  }

  private static String processor() {
    try {
      for (String line : Files.readAllLines(CPU)) {
        if (line.startsWith("model name")) {
          return line.substring(line.indexOf(':') + 1).strip();
        }
      }
    } catch (IOException e) {
      // Not Linux.
    }
    return System.getProperty("os.arch");
  }
}
