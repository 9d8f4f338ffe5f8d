package lazydit.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AccessDeniedException;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.FileSystemException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, then
 * renamed. A failure leaves whatever was there before, and no temporary file.
 *
 * <p>Symbolic links are followed. A device or pipe is written to directly: renaming would replace
 * it.
 */
public final class AtomicFile {
  private AtomicFile() {}

  /** Produces the content of a file. */
  @FunctionalInterface
  public interface Content {
    /**
     * Writes the bytes.
     *
     * @param channel where the bytes go, at its beginning
     * @throws IOException when the file system refuses
     */
    void writeTo(FileChannel channel) throws IOException;
  }

  /**
   * Writes a file, replacing one of the same name.
   *
   * @param target the file
   * @param content produces its bytes
   * @throws CheckpointException when the file cannot be written; what {@code content} itself throws
   *     passes unchanged
   */
  public static void write(Path target, Content content) {
    requireNoFolder(target);
    try {
      if (Files.exists(target) && !Files.isRegularFile(target)) {
        writeDirectly(target, content);
      } else {
        writeBeside(Files.exists(target) ? target.toRealPath() : target, content);
      }
    } catch (IOException e) {
      throw cannotWrite(target, e);
    }
  }

  /**
   * Finds out early, before the work that produces it, that a file cannot be written.
   *
   * @param target the file to be written later
   * @throws CheckpointException when it is a folder, or its folder does not exist or takes no files
   */
  public static void requireWritable(Path target) {
    requireNoFolder(target);
    if (Files.exists(target) && !Files.isRegularFile(target)) {
      return;
    }
    Path probe = temporaryBeside(target);
    try {
      Files.createFile(probe);
    } catch (IOException e) {
      throw cannotWrite(target, e);
    } finally {
      deleteQuietly(probe);
    }
  }

  private static void requireNoFolder(Path target) {
    if (Files.isDirectory(target)) {
      throw new CheckpointException(
          target.toString(), "cannot be written because it is a folder; expected a file name");
    }
  }

  private static void writeDirectly(Path device, Content content) throws IOException {
    try (FileChannel channel = FileChannel.open(device, StandardOpenOption.WRITE)) {
      content.writeTo(channel);
    }
  }

  private static void writeBeside(Path target, Content content) throws IOException {
    Path temporary = temporaryBeside(target);
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(false);
      }
      move(temporary, target);
    } finally {
      deleteQuietly(temporary);
    }
  }

  private static CheckpointException cannotWrite(Path target, IOException e) {
    return new CheckpointException(target.toString(), "cannot be written: " + reason(target, e), e);
  }

  private static String reason(Path target, IOException e) {
    Path folder = target.toAbsolutePath().getParent();
    if (folder != null && !Files.isDirectory(folder)) {
      return "there is no folder " + folder;
    }
    return switch (e) {
      case AccessDeniedException denied -> "access is denied";
      case FileSystemException f when f.getReason() != null -> f.getReason();
      // Its message is but the name of the temporary file.
      case FileSystemException f -> "its folder takes no such file";
      default -> e.getMessage();
    };
  }

  private static Path temporaryBeside(Path target) {
    String suffix = HexFormat.of().toHexDigits(ThreadLocalRandom.current().nextLong());
    return target.resolveSibling("." + target.getFileName() + "." + suffix + ".tmp");
  }

  private static void move(Path from, Path to) throws IOException {
    try {
      Files.move(from, to, StandardCopyOption.ATOMIC_MOVE);
    } catch (AtomicMoveNotSupportedException e) {
      Files.move(from, to, StandardCopyOption.REPLACE_EXISTING);
    }
  }

  private static void deleteQuietly(Path temporary) {
    try {
      Files.deleteIfExists(temporary);
    } catch (IOException e) {
      // The failure that brought us here is the one worth reporting.
    }
  }
}
