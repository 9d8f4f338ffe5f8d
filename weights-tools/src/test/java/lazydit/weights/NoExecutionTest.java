package lazydit.weights;

import static com.tngtech.archunit.base.DescribedPredicate.describe;
import static com.tngtech.archunit.base.DescribedPredicate.or;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.assignableTo;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.type;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaAccess;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.ObjectInputStream;
import java.lang.foreign.Linker;
import java.util.Set;
import org.junit.jupiter.api.Test;

/** No file can make this module execute anything: it has no means to. */
class NoExecutionTest {
  private static final JavaClasses READERS =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("lazydit.weights");

  private static final Set<String> CALLS = Set.of("forName", "exec", "load", "loadLibrary", "exit");

  @Test
  void nothingThatRunsOrLoadsCodeIsUsed() {
    noClasses()
        .should()
        .dependOnClassesThat(
            or(
                resideInAnyPackage("java.lang.reflect..", "java.lang.invoke..", "javax.script.."),
                assignableTo(ClassLoader.class),
                assignableTo(ObjectInputStream.class),
                type(ProcessBuilder.class),
                type(Linker.class)))
        .check(READERS);
    noClasses()
        .should()
        .accessTargetWhere(describe("runs or loads code", NoExecutionTest::runs))
        .check(READERS);
  }

  private static boolean runs(JavaAccess<?> access) {
    String owner = access.getTargetOwner().getPackageName();
    return owner.equals("java.lang") && CALLS.contains(access.getTarget().getName());
  }
}
