package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Stream;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class AtomicFolderTest {
  @TempDir Path folder;

  /** The temporary folder is gone when its name is read. */
  @Test
  void aFailureNamesTheFileThatWasWanted() throws IOException {
    Path target = folder.resolve("model");
    LazyDitException failure =
        assertThrows(
            LazyDitException.class,
            () ->
                AtomicFolder.write(
                    target,
                    temporary -> {
                      String file = temporary.resolve("weights").toString();
                      throw new CheckpointException(file, "cannot be written: no space");
                    }));
    assertEquals(target.resolve("weights") + ": cannot be written: no space", failure.getMessage());
    try (Stream<Path> files = Files.list(folder)) {
      assertEquals(List.of(), files.toList());
    }
  }
}
