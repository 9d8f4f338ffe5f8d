package lazydit.bench;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import lazydit.engine.LazyDitException;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.condition.DisabledOnOs;
import org.junit.jupiter.api.condition.OS;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** A program to compare with, played by the shell. */
@DisabledOnOs(OS.WINDOWS)
class PytorchProgramTest {
  private static double seconds(String script) {
    return new PytorchProgram("/bin/sh -c '" + script + "' peer", Path.of(".")).seconds(3);
  }

  @Test
  void itsTimeIsRead() {
    String json = "{\"cmd\": \"forward\", \"seconds\": 5.25, \"torch\": \"2.7\"}";
    assertEquals(5.25, seconds("echo warning; echo \"" + json.replace("\"", "\\\"") + "\""));
  }

  @Test
  void itIsToldWhatToRun() {
    String script = "test \"$*\" = \"forward --preset XL/2 --batch 2 --threads 3\"";
    assertEquals(2, seconds(script + " && echo \"{\\\"seconds\\\": 2}\""));
  }

  @ParameterizedTest
  @ValueSource(strings = {"", "5.1", "{}", "{\"seconds\": 0}", "{\"seconds\": \"5\"}", "{\"sec"})
  void otherOutputIsRefused(String output) {
    assertThrows(LazyDitException.class, () -> PytorchProgram.parse(output));
  }

  @Test
  void aFailureIsShown() {
    String message =
        assertThrows(LazyDitException.class, () -> seconds("echo no torch; exit 3")).getMessage();
    assertTrue(message.contains("exit code 3: no torch"), message);
  }
}
