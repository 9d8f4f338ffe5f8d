package lazydit.engine;

import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;
import jdk.incubator.vector.FloatVector;
import lazydit.engine.kernels.Kernels;
import net.jqwik.api.lifecycle.AddLifecycleHook;
import net.jqwik.api.lifecycle.LifecycleContext;
import net.jqwik.api.lifecycle.SkipExecutionHook;
import org.junit.jupiter.api.extension.ConditionEvaluationResult;
import org.junit.jupiter.api.extension.ExecutionCondition;
import org.junit.jupiter.api.extension.ExtendWith;
import org.junit.jupiter.api.extension.ExtensionContext;

/** For tests that need kernels: skips them where the width asked for is wider than the machine. */
@Target(ElementType.TYPE)
@Retention(RetentionPolicy.RUNTIME)
@ExtendWith(RunsHere.AvailableWidth.class)
@AddLifecycleHook(RunsHere.AvailableWidth.class)
public @interface RunsHere {
  /** The same condition for JUnit and for jqwik. */
  final class AvailableWidth implements ExecutionCondition, SkipExecutionHook {
    @Override
    public ConditionEvaluationResult evaluateExecutionCondition(ExtensionContext context) {
      return tooWide()
          ? ConditionEvaluationResult.disabled(reason())
          : ConditionEvaluationResult.enabled("");
    }

    @Override
    public SkipResult shouldBeSkipped(LifecycleContext context) {
      return tooWide() ? SkipResult.skip(reason()) : SkipResult.doNotSkip();
    }

    private static boolean tooWide() {
      return Integer.getInteger(Kernels.BITS_PROPERTY) != null && requested() > Width.PREFERRED;
    }

    private static int requested() {
      return Integer.getInteger(Kernels.BITS_PROPERTY);
    }

    private static String reason() {
      return "%d bits asked for, this machine has %d".formatted(requested(), Width.PREFERRED);
    }
  }

  /** Apart, because the module may be absent. */
  final class Width {
    /** Bits of the widest vector that pays on this machine. */
    public static final int PREFERRED = FloatVector.SPECIES_PREFERRED.vectorBitSize();

    private Width() {}
  }
}
