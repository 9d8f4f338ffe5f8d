package lazydit.sampler;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import example.Sneakers;
import java.awt.image.BufferedImage;
import java.io.File;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.stream.Collectors;
import javax.imageio.ImageIO;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The README's example compiles, runs, and is what the README shows. */
class EmbeddingExampleTest {
  @Test
  void itDrawsAPicture(@TempDir Path folder) throws IOException {
    File file = folder.resolve("sneaker.png").toFile();
    assertTrue(Sneakers.draw(file) > 0.3);
    BufferedImage image = ImageIO.read(file);
    assertEquals(28, image.getWidth());
    assertEquals(28, image.getHeight());
  }

  @Test
  void theReadmeShowsIt() throws IOException {
    Path readme = Path.of("..", "README.md");
    assumeTrue(Files.exists(readme), "sources without their README");
    List<String> lines = Files.readAllLines(Path.of("src/test/java/example/Sneakers.java"));
    int first = lines.indexOf("  public static double draw(File file) throws IOException {");
    int end = first + lines.subList(first, lines.size()).indexOf("  }");
    String example =
        lines.subList(first, end + 1).stream()
            .map(line -> line.substring(2))
            .collect(Collectors.joining("\n"));
    assertTrue(Files.readString(readme).contains(example), "The README lacks:\n" + example);
  }
}
