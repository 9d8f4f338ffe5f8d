package lazydit.engine.kernels;

import static java.nio.charset.StandardCharsets.UTF_8;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.lang.ProcessBuilder.Redirect;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import lazydit.engine.Engine;
import lazydit.engine.LazyDitException;
import lazydit.engine.RunsHere;
import org.junit.jupiter.api.Test;

/** The backend that a test run is meant for is the one it runs on: none falls back unnoticed. */
@RunsHere
class BackendTest {
  @Test
  void theExpectedKernelsAreActive() {
    Kernels active = Kernels.active();
    if ("scalar".equals(System.getProperty("lazydit.expect.backend"))) {
      assertEquals("scalar", active.description());
      assertTrue(active.tile() instanceof ScalarTile);
      assertTrue(Kernels.vector().isEmpty());
    } else {
      int bits = Integer.getInteger(Kernels.BITS_PROPERTY, RunsHere.Width.PREFERRED);
      assertTrue(active.description().contains(bits + "-bit"), active.description());
      assertEquals(bits / Float.SIZE, Lanes.COUNT);
      assertTrue(active.tile().columns() % Lanes.COUNT == 0);
      assertTrue(active.rows() instanceof VectorRows);
      assertTrue(active.softmax() instanceof VectorSoftmax);
      assertTrue(active.elements() instanceof VectorElements);
      assertTrue(active.stores() instanceof VectorTileStores);
    }
    assertTrue(Engine.describe().startsWith(active.description()));
  }

  /** In a process of its own, since kernels are chosen once in each. */
  @Test
  void aWidthThatTheMachineLacksIsRefusedInOneSentence() throws Exception {
    assertEquals(
        "-Dlazydit.vector.bits must be 128, 256 or 512, not '1024'.",
        refusal("--add-modules=jdk.incubator.vector", "-Dlazydit.vector.bits=1024"));
    assertEquals(
        "-Dlazydit.vector.bits must be 128, 256 or 512, not 'abc'.",
        refusal("--add-modules=jdk.incubator.vector", "-Dlazydit.vector.bits=abc"));
    assertEquals(
        "-Dlazydit.vector.bits is set, but there are no vectors without"
            + " --add-modules jdk.incubator.vector.",
        refusal("-Dlazydit.vector.bits=128"));
  }

  private static String refusal(String... flags) throws Exception {
    List<String> command = new ArrayList<>();
    command.add(Path.of(System.getProperty("java.home"), "bin", "java").toString());
    command.addAll(List.of(flags));
    command.addAll(List.of("-cp", System.getProperty("java.class.path"), Refused.class.getName()));
    Process process = new ProcessBuilder(command).redirectError(Redirect.DISCARD).start();
    return new String(process.getInputStream().readAllBytes(), UTF_8).strip();
  }

  /** Prints why there are no kernels, the second time that it asks. */
  static final class Refused {
    public static void main(String[] args) {
      try {
        Engine.describe();
      } catch (LazyDitException first) {
        try {
          Engine.describe();
        } catch (LazyDitException second) {
          System.out.println(second.getMessage());
        }
      }
    }
  }
}
