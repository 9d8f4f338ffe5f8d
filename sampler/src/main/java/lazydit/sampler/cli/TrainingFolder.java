package lazydit.sampler.cli;

import java.io.IOException;
import java.nio.channels.FileChannel;
import java.nio.channels.FileLock;
import java.nio.channels.OverlappingFileLockException;
import java.nio.file.DirectoryStream;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.Locale;
import lazydit.weights.CheckpointException;

/**
 * Where a training puts its files.
 *
 * @param path the folder
 */
record TrainingFolder(Path path) {
  private static final String LOCK = ".lock";

  /** All that it needs to go on. */
  Path training() {
    return path.resolve("training.safetensors");
  }

  /** What it has learned. */
  Path model() {
    return path.resolve("model.safetensors");
  }

  Path chart() {
    return path.resolve("loss.svg");
  }

  Path samples(long step) {
    return path.resolve(String.format(Locale.ROOT, "samples-%07d.png", step));
  }

  void create() {
    try {
      Files.createDirectories(path);
    } catch (IOException e) {
      throw new CheckpointException(path.toString(), "cannot become a folder", e);
    }
  }

  /** Keeps other trainings out; the system lets go of it however the process ends. */
  Lock lock() {
    try {
      FileChannel channel =
          FileChannel.open(path.resolve(LOCK), StandardOpenOption.CREATE, StandardOpenOption.WRITE);
      FileLock lock = tryLock(channel);
      if (lock == null) {
        channel.close();
        throw new CheckpointException(path.toString(), "is in use by another training");
      }
      return new Lock(path, channel);
    } catch (IOException e) {
      throw new CheckpointException(path.toString(), "takes no files (" + e + ")", e);
    }
  }

  private static FileLock tryLock(FileChannel channel) throws IOException {
    try {
      return channel.tryLock();
    } catch (OverlappingFileLockException e) {
      return null;
    }
  }

  /** A folder held by one training. */
  record Lock(Path path, FileChannel channel) implements AutoCloseable {
    /** Takes away what a killed training has left half-written. */
    void sweep() {
      try (DirectoryStream<Path> left = Files.newDirectoryStream(path, ".*.tmp")) {
        for (Path file : left) {
          Files.deleteIfExists(file);
        }
      } catch (IOException e) {
        throw new CheckpointException(path.toString(), "cannot be tidied (" + e + ")", e);
      }
    }

    @Override
    public void close() {
      try {
        Files.deleteIfExists(path.resolve(LOCK));
        channel.close();
      } catch (IOException e) {
        throw new CheckpointException(path.toString(), "cannot be let go of (" + e + ")", e);
      }
    }
  }
}
