package lazydit.sampler.training;

import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.ProgressListener;
import lazydit.sampler.evaluate.Judge;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

class ClassifierCourseTest {
  @TempDir private Path folder;

  private static ClassifierCourse.Plan plan(int epochs) {
    return new ClassifierCourse.Plan(1, epochs, 8, 5e-3, 1e-4, 0.25);
  }

  @Test
  void learnsToTellClassesApart() {
    try (Workers workers = new Workers(2)) {
      ClassifierCourse course =
          new ClassifierCourse(plan(8), new Stripes(40), new Stripes(16), workers);
      ClassifierCourse.Epoch first = course.epoch(ProgressListener.NONE, () -> false);
      ClassifierCourse.Epoch last = first;
      while (!course.done()) {
        last = course.epoch(ProgressListener.NONE, () -> false);
      }
      assertEquals(8, last.epoch());
      assertEquals(1, last.accuracy());
      assertTrue(last.loss() < 0.1 && first.loss() > 0.5, first + " to " + last);
      Path file = folder.resolve("classifier.safetensors");
      course.export(file);
      Judge judge = Judge.load(file, workers);
      judge.requireFits("stripes", 1, 8, 8, 4);
      assertThrows(
          CancellationException.class, () -> course.epoch(ProgressListener.NONE, () -> true));
    }
  }

  @Test
  void thePlanIsChecked() {
    assertThrows(LazyDitException.class, () -> plan(0));
    assertThrows(LazyDitException.class, () -> new ClassifierCourse.Plan(1, 1, 8, 1e-3, 0, 1));
  }
}
