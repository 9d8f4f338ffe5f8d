package lazydit.weights;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.file.AtomicMoveNotSupportedException;
import java.nio.file.Files;
import java.nio.file.NoSuchFileException;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.nio.file.StandardOpenOption;
import java.util.HexFormat;
import java.util.concurrent.ThreadLocalRandom;

/**
 * Files that appear whole or not at all: written under a temporary name in the same folder, then
 * renamed. A failure leaves whatever was there before, and no temporary file.
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
    if (Files.isDirectory(target)) {
      throw new CheckpointException(
          target.toString(), "cannot be written because it is a folder; expected a file name");
    }
    Path temporary = temporaryBeside(target);
    try {
      try (FileChannel channel =
          FileChannel.open(temporary, StandardOpenOption.CREATE_NEW, StandardOpenOption.WRITE)) {
        content.writeTo(channel);
        channel.force(false);
      }
      move(temporary, target);
    } catch (NoSuchFileException e) {
      throw new CheckpointException(
          target.toString(), "cannot be written because its folder does not exist", e);
    } catch (IOException e) {
      throw new CheckpointException(target.toString(), "cannot be written (" + e + ")", e);
    } finally {
      deleteQuietly(temporary);
    }
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
