package lazydit.bench;

import static com.tngtech.archunit.base.DescribedPredicate.not;
import static com.tngtech.archunit.core.domain.JavaAccess.Predicates.target;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAPackage;
import static com.tngtech.archunit.core.domain.JavaClass.Predicates.resideInAnyPackage;
import static com.tngtech.archunit.core.domain.properties.HasName.Predicates.nameStartingWith;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertTrue;

import com.tngtech.archunit.core.domain.JavaClass;
import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.domain.JavaModifier;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import java.io.IOException;
import java.io.InputStream;
import java.lang.module.ModuleDescriptor;
import java.net.URL;
import java.util.ArrayList;
import java.util.Collections;
import java.util.List;
import java.util.TreeMap;
import jdk.incubator.vector.VectorShape;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.ValueSource;

/** Dependencies point one way only, and the libraries need nothing but the JDK. */
class ArchitectureTest {
  /** Lowest first: each may use those before it. */
  private static final List<String> MODULES =
      List.of("lazydit.engine", "lazydit.dit", "lazydit.weights", "lazydit.sampler");

  private static final String COMMAND_LINE = "lazydit.sampler.cli..";

  private static final JavaClasses PRODUCTION =
      new ClassFileImporter()
          .withImportOption(new ImportOption.DoNotIncludeTests())
          .importPackages("lazydit");

  @ParameterizedTest
  @ValueSource(ints = {0, 1, 2, 3})
  void aModuleUsesOnlyTheJdkAndTheModulesBelow(int level) {
    classes()
        .that(resideInAPackage(MODULES.get(level) + "..").and(not(resideInAPackage(COMMAND_LINE))))
        .should()
        .onlyDependOnClassesThat(
            resideInAnyPackage(allowed(level)).and(not(resideInAPackage(COMMAND_LINE))))
        .check(PRODUCTION);
  }

  @Test
  void theCommandLineAddsOnlyItsParserAndCharts() {
    List<String> allowed = new ArrayList<>(List.of(allowed(MODULES.size() - 1)));
    allowed.addAll(List.of("picocli", "org.knowm.xchart.."));
    classes()
        .that(resideInAPackage(COMMAND_LINE))
        .should()
        .onlyDependOnClassesThat(resideInAnyPackage(allowed.toArray(String[]::new)))
        .allowEmptyShould(true)
        .check(PRODUCTION);
  }

  @Test
  void aModuleWithPublicClassesExportsThem() throws IOException {
    TreeMap<String, ModuleDescriptor> descriptors = descriptors();
    assertEquals(List.copyOf(descriptors.keySet()), MODULES.stream().sorted().toList());
    for (JavaClass type : PRODUCTION) {
      ModuleDescriptor module = descriptors.get(type.getPackageName());
      if (module != null && type.getModifiers().contains(JavaModifier.PUBLIC)) {
        assertTrue(
            module.exports().stream().anyMatch(e -> e.source().equals(type.getPackageName())),
            () -> type.getName() + " is public, but its module-info does not export its package");
      }
    }
  }

  /**
   * Float vectors of two lengths in a process cost the speed of both: C2 then cannot tell by its
   * class which operation is meant. So no kernel but those that widen other types, to as many
   * floats, names a length.
   */
  @Test
  void kernelsShareOneLengthOfVectors() {
    noClasses()
        .that(resideInAPackage("lazydit.engine.."))
        .and()
        .doNotHaveSimpleName("VectorWidth")
        .should()
        .accessFieldWhere(target(nameStartingWith("SPECIES_")))
        .check(PRODUCTION);
    noClasses()
        .that(resideInAPackage("lazydit.engine.."))
        .and()
        .doNotHaveSimpleName("Lanes")
        .and()
        .doNotHaveSimpleName("VectorBfloat16")
        .and()
        .doNotHaveSimpleName("VectorInt8")
        .should()
        .dependOnClassesThat()
        .areAssignableTo(VectorShape.class)
        .check(PRODUCTION);
  }

  /** Packages that a module may use: the JDK, itself and what lies below it. */
  private static String[] allowed(int level) {
    List<String> packages = new ArrayList<>(List.of("", "java..", "javax.imageio.."));
    packages.add("jdk.incubator.vector..");
    for (String module : MODULES.subList(0, level + 1)) {
      packages.add(module + "..");
    }
    return packages.toArray(String[]::new);
  }

  private static TreeMap<String, ModuleDescriptor> descriptors() throws IOException {
    TreeMap<String, ModuleDescriptor> found = new TreeMap<>();
    ClassLoader loader = ArchitectureTest.class.getClassLoader();
    for (URL url : Collections.list(loader.getResources("module-info.class"))) {
      try (InputStream in = url.openStream()) {
        ModuleDescriptor descriptor = ModuleDescriptor.read(in);
        if (descriptor.name().startsWith("lazydit.")) {
          found.put(descriptor.name(), descriptor);
        }
      }
    }
    return found;
  }
}
