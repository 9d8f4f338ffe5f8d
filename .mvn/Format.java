import com.google.googlejavaformat.java.Main;
import java.io.IOException;
import java.io.PrintWriter;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.stream.Stream;

/**
 * Runs google-java-format over all sources of the project, in the build's JDK: Maven's own Java may
 * be too old to parse them.
 *
 * <p>Arguments: {@code check} or {@code apply}, then the folder of the project.
 */
final class Format {
  public static void main(String[] args) throws Exception {
    boolean apply = args[0].equals("apply");
    List<String> command = new ArrayList<>();
    command.addAll(apply ? List.of("--replace") : List.of("--dry-run", "--set-exit-if-changed"));
    command.addAll(sources(Path.of(args[1])));
    int exit =
        new Main(new PrintWriter(System.out, true), new PrintWriter(System.err, true), System.in)
            .format(command.toArray(String[]::new));
    if (exit != 0 && !apply) {
      System.err.println("The files above are not formatted: run mvn -N verify -Dformat=apply");
    }
    System.exit(exit);
  }

  /** The project's Java files: those of each module, and this one. */
  private static List<String> sources(Path root) throws IOException {
    List<String> found = new ArrayList<>();
    found.add(root.resolve(".mvn/Format.java").toString());
    try (Stream<Path> modules = Files.list(root)) {
      for (Path src :
          modules.map(module -> module.resolve("src")).filter(Files::isDirectory).toList()) {
        try (Stream<Path> files = Files.walk(src)) {
          files.map(Path::toString).filter(name -> name.endsWith(".java")).forEach(found::add);
        }
      }
    }
    found.sort(null);
    return found;
  }
}
