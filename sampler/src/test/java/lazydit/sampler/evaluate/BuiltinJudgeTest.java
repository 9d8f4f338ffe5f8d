package lazydit.sampler.evaluate;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.stream.IntStream;
import lazydit.dit.ClassifierConfig;
import lazydit.engine.Workers;
import lazydit.sampler.Pipeline;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleResult;
import org.junit.jupiter.api.Test;

/** The classifier in the jar, on what the model in the jar draws. */
class BuiltinJudgeTest {
  @Test
  void knowsClothes() {
    int[] labels = IntStream.range(0, 20).map(i -> i % 10).toArray();
    try (Pipeline pipeline = Pipeline.builtin(2);
        Workers workers = new Workers(2)) {
      Judge judge = Judge.builtin(workers);
      assertEquals(new ClassifierConfig(1, 28, 32, 64, 64, 10), judge.config());
      SampleResult drawn =
          pipeline.run(SampleRequest.of(labels).toBuilder().steps(10).guidance(2.5).build());
      double accuracy = judge.look(drawn.samples(), drawn.count()).accuracy(labels);
      assertTrue(accuracy >= 0.7, "accuracy " + accuracy);
    }
  }
}
