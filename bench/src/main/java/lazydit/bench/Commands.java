package lazydit.bench;

import java.io.File;
import java.io.IOException;
import java.lang.management.ManagementFactory;
import java.nio.charset.StandardCharsets;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lazydit.engine.LazyDitException;

/** Other programs that a run starts. */
public final class Commands {
  private Commands() {}

  /**
   * Runs a command to its end.
   *
   * @return what it printed, both streams
   * @throws LazyDitException when it cannot be started or fails
   */
  public static String run(Path folder, List<String> command) {
    try {
      ProcessBuilder builder =
          new ProcessBuilder(command).directory(folder.toFile()).redirectErrorStream(true);
      // The launcher sets these for the peers.
      builder.environment().keySet().removeIf(name -> name.startsWith("MALLOC_"));
      Process process = builder.start();
      process.getOutputStream().close();
      String text = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
      int exit = process.waitFor();
      if (exit != 0) {
        throw new LazyDitException(
            "The command %s failed with exit code %d: %s"
                .formatted(command.getFirst(), exit, text.strip()));
      }
      return text.strip();
    } catch (IOException e) {
      throw new LazyDitException("The command " + command.getFirst() + " cannot be started.", e);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      throw new LazyDitException("Interrupted while " + command.getFirst() + " ran.", e);
    }
  }

  /** The command that starts a class in another JVM like this one. */
  public static List<String> java(Class<?> main, String... args) {
    return java(List.of(), List.of(), main, args);
  }

  /**
   * The command that starts a class in another JVM.
   *
   * @param flags for it, besides those of this one
   * @param classes folders for its class path, besides those of this one
   * @param main the class
   * @param args for the class
   * @return the command
   */
  public static List<String> java(
      List<String> flags, List<Path> classes, Class<?> main, String... args) {
    List<String> classPath = new ArrayList<>(List.of(System.getProperty("java.class.path")));
    classes.forEach(folder -> classPath.add(folder.toString()));
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(ManagementFactory.getRuntimeMXBean().getInputArguments());
    command.addAll(flags);
    command.addAll(List.of("-cp", String.join(File.pathSeparator, classPath), main.getName()));
    command.addAll(List.of(args));
    return command;
  }
}
