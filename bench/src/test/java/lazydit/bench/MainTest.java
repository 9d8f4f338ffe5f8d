package lazydit.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.ByteArrayOutputStream;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.util.ServiceLoader;
import java.util.Set;
import java.util.stream.Collectors;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledIf;
import org.junit.jupiter.api.condition.EnabledIf;

/** The command line; nothing here is measured. */
class MainTest {
  private final ByteArrayOutputStream out = new ByteArrayOutputStream();
  private final ByteArrayOutputStream err = new ByteArrayOutputStream();

  private int run(String... args) {
    return Main.run(
        args,
        new PrintStream(out, true, StandardCharsets.UTF_8),
        new PrintStream(err, true, StandardCharsets.UTF_8));
  }

  private void assertMisunderstood(String expected, String... args) {
    assertEquals(2, run(args));
    assertEquals(
        "lazydit: " + expected + "\nlazydit: see lazydit bench --help.\n",
        err.toString(StandardCharsets.UTF_8));
    assertEquals(0, out.size());
  }

  @Test
  void anUnknownFilterIsOneSentence() {
    assertMisunderstood(
        "No benchmark matches \"gemn\"; there are gemm, attention, norm, gelu, residual, forward,"
            + " step, scaling, lazy50, lazy90, gates, bf16, int8, allocation, vae, memory, start.",
        "--filter",
        "gemn",
        "--threads",
        "2");
  }

  @Test
  void aBrokenFilterIsOneSentence() {
    assertMisunderstood("--filter is no regular expression: Unclosed group.", "--filter", "(");
  }

  @Test
  void threadsMustBePositive() {
    assertMisunderstood("--threads must be 1 to 1024, but is 0.", "--threads", "0");
  }

  /** The build of the profile "peers" runs these tests too. */
  static boolean hasPeers() {
    return ServiceLoader.load(Peer.class).stream().findAny().isPresent();
  }

  @Test
  @DisabledIf("hasPeers")
  void peersNeedTheirBuild() {
    assertEquals(1, run("--peers", "--filter", "gemn"));
    assertEquals(
        "lazydit: This build has no peers: start it as ./lazydit bench --peers, which makes one"
            + " that has.\n",
        err.toString(StandardCharsets.UTF_8));
  }

  @Test
  @EnabledIf("hasPeers")
  void thePeersAreThree() {
    assertEquals(
        Set.of("OpenBlasPeer", "PytorchPeer", "OnnxRuntimePeer"),
        ServiceLoader.load(Peer.class).stream()
            .map(peer -> peer.type().getSimpleName())
            .collect(Collectors.toSet()));
  }

  @Test
  void aPytorchProgramRunsAllBlocks() {
    assertMisunderstood(
        "--torch-peer runs all blocks, so not with --quick.", "--torch-peer", "true", "--quick");
  }

  @Test
  void aSweepRefusesWhatIsNoTile() {
    assertEquals(1, run("sweep", "--tiles", "4x2,four"));
    assertEquals(
        "lazydit: A tile is named by rows x vectors, such as 13x2 or 8x2u2, not \"four\".\n",
        err.toString(StandardCharsets.UTF_8));
    assertEquals(2, run("sweep", "--tile"));
    assertTrue(err.toString(StandardCharsets.UTF_8).contains("see lazydit bench sweep --help."));
  }

  @Test
  void helpShowsAnExample() {
    assertEquals(0, run("--help"));
    assertTrue(out.toString(StandardCharsets.UTF_8).contains("lazydit bench --quick --filter"));
  }
}
