package lazydit.sampler.cli;

import static org.junit.jupiter.api.Assertions.assertEquals;

import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalDouble;
import java.util.OptionalInt;
import lazydit.sampler.GateChoice;
import lazydit.sampler.Pipeline;
import lazydit.sampler.TinyDit;
import lazydit.sampler.evaluate.EvaluationRow;
import lazydit.weights.LazyGateFile;
import lazydit.weights.LazyGateSet;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class RowSyntaxTest {
  @TempDir private Path folder;

  private static LazyGateFile gates() {
    float[] none = new float[4 * 2 * 16];
    OptionalDouble usual = OptionalDouble.empty();
    return new LazyGateFile(
        "test", 4, 2, 16, none, none, usual, usual, Optional.empty(), Optional.empty());
  }

  @Test
  void operatingPointsOfAFileAreOneLineOfAChart() {
    Path file = folder.resolve("two.safetensors");
    LazyGateSet.of(
            List.of(gates(), gates()),
            List.of(new LazyGateSet.Ratio(0.3, 0.3), new LazyGateSet.Ratio(0.6, 0.6)))
        .write(file);
    Path model = TinyDit.write(folder.resolve("tiny.safetensors"), 1);
    try (Pipeline pipeline = Pipeline.load(model, 1, OptionalInt.of(2))) {
      RowSyntax syntax = new RowSyntax(pipeline);
      EvaluationRow low = syntax.parse("gates@0.3:" + file + ":4");
      EvaluationRow high = syntax.parse("lazier=gates@0.6:" + file + ":4");
      assertEquals("gates@0.3:two.safetensors:4", low.name());
      assertEquals("lazier", high.name());
      assertEquals("gates:two.safetensors:4", low.group());
      assertEquals(low.group(), high.group());
      assertEquals(4, low.request().steps());
      assertEquals("lazier", syntax.parse("lazier=gates:" + file + ":4").group());
      EvaluationRow plain = syntax.parse("plain=ddim:7");
      assertEquals("ddim", plain.group());
      assertEquals(GateChoice.NONE, plain.request().gates());
    }
  }
}
