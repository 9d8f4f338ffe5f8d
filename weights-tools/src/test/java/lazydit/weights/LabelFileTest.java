package lazydit.weights;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertFalse;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import net.jqwik.api.ForAll;
import net.jqwik.api.Property;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;
import org.junit.jupiter.params.provider.ValueSource;

class LabelFileTest {
  @TempDir Path folder;

  private Path file(String text) throws IOException {
    return Files.writeString(folder.resolve("labels"), text);
  }

  @ParameterizedTest
  @ValueSource(
      strings = {
        "tench, Tinca tinca\nFußball\notter",
        "\ufefftench, Tinca tinca\r\n  Fußball\t\r\notter\r\n\r\n",
        "[\"tench, Tinca tinca\", \"Fußball\", \" otter \"]",
        "\ufeff \n[\"tench, Tinca tinca\", \"Fußball\", \"otter\"]",
        "{\"2\": \"otter\", \"0\": \"tench, Tinca tinca\", \"1\": \"Fußball\"}",
        "{\"x\": 1, \"id2label\":"
            + " {\"0\": \"tench, Tinca tinca\", \"1\": \"Fußball\", \"2\": \"otter\"}}"
      })
  void namesAreReadFromLinesAndJson(String text) throws IOException {
    assertEquals(List.of("tench, Tinca tinca", "Fußball", "otter"), LabelFile.read(file(text), 3));
  }

  @ParameterizedTest
  @CsvSource(
      delimiter = '|',
      quoteCharacter = '`',
      value = {
        "a\\nb                                     | has 2 names; expected 3",
        "a\\nb\\nc\\nd                             | has 4 names; expected 3",
        "a\\n\\nc                                  | name for class 1 of 3 is empty",
        "``                                        | has 0 names; expected 3",
        "a\\nb\\nc\\033[2J                         | name for class 2 of 3 is no name",
        "[\"a\", \"b\"]                            | has 2 names; expected 3",
        "[\"a\", \"b\", 3]                         | has 3 where a name is expected",
        "[\"a\", \"b\", [\"n01\", \"c\"]]          | has [\"n01\",\"c\"] where a name is expected",
        "[\"a\", \"b\", null]                      | has null where a name is expected",
        "[\"a\", \"b\", \" \"]                     | name for class 2 of 3 is empty",
        "[\"a\", \"b\", \"c\"                      | is not valid JSON",
        "{\"0\": \"a\", \"2\": \"c\"}              | has no name for class 1 of 3",
        "{\"0\": \"a\", \"1\": \"b\", \"1\": \"c\"} | is not valid JSON",
        "{\"0\":\"a\",\"1\":\"b\",\"2\":\"c\",\"3\":\"d\"} | has 4 names; expected 3",
        "{\"a\": 0, \"b\": 1, \"c\": 2}            | has no name for class 0 of 3",
        "{\"0\": \"a\", \"1\": {}, \"2\": \"c\"}   | has {} where a name is expected",
        "{}                                        | has no name for class 0 of 3",
      })
  void otherContentsAreRefused(String text, String reason) throws IOException {
    refused(file(text.translateEscapes()), reason);
  }

  private static void refused(Path file, String reason) {
    CheckpointException e = assertThrows(CheckpointException.class, () -> LabelFile.read(file, 3));
    assertTrue(e.getMessage().startsWith(file + ": "), e.getMessage());
    assertTrue(e.getMessage().contains(reason), e.getMessage());
    assertTrue(e.getMessage().length() < 300, e.getMessage());
    assertFalse(e.getMessage().contains("\u001b"));
  }

  @Test
  void whatIsNoTextIsRefused() throws IOException {
    Path file = folder.resolve("labels");
    Files.write(file, "a\nb\n\u00e9".getBytes(StandardCharsets.ISO_8859_1));
    refused(file, "not UTF-8");
    Files.write(file, "\ufeffa\nb\nc".getBytes(StandardCharsets.UTF_16LE));
    refused(file, "not UTF-8");
    Files.write(file, new byte[(16 << 20) + 1]);
    refused(file, "more than the 16777216 bytes");
    Files.writeString(file, "a\nb\n" + "c".repeat(1001));
    refused(file, "is no name");
    Files.delete(file);
    refused(file, "does not exist");
    refused(folder, "is a folder");
  }

  @Property(tries = 500)
  void anyTextIsReadOrRefused(@ForAll String text) throws IOException {
    Path file = Files.createTempFile("labels", "");
    try {
      Files.write(file, text.getBytes(StandardCharsets.UTF_8));
      assertEquals(1, LabelFile.read(file, 1).size());
    } catch (CheckpointException e) {
      assertTrue(e.getMessage().startsWith(file.toString()), e.getMessage());
    } finally {
      Files.delete(file);
    }
  }
}
