package lazydit.sampler.learning;

import java.nio.file.Path;
import java.util.Map;
import lazydit.weights.CheckpointException;

/** What all files of interrupted learning say about themselves. */
final class SavedLearning {
  private static final String RECIPE = "recipe";
  private static final String MODEL = "base_model_sha256";
  private static final String SETTINGS = "settings";

  private SavedLearning() {}

  static Map<String, String> texts(String recipe, String fingerprint, Record settings) {
    return Map.of(RECIPE, recipe, MODEL, fingerprint, SETTINGS, settings.toString());
  }

  /** Refuses the file of another recipe, of another model, or of other settings. */
  static void require(
      Path path, Map<String, String> texts, String recipe, String fingerprint, Record settings) {
    String was = texts.get(RECIPE);
    if (was == null) {
      throw new CheckpointException(path.toString(), "is not the file of an interrupted learning");
    }
    if (!recipe.equals(was)) {
      throw new CheckpointException(
          path.toString(),
          "was begun by the recipe %s, but %s was asked for".formatted(was, recipe));
    }
    if (!fingerprint.equals(texts.get(MODEL))) {
      throw new CheckpointException(path.toString(), "is of gates for another model");
    }
    if (!settings.toString().equals(texts.get(SETTINGS))) {
      throw new CheckpointException(
          path.toString(),
          "was begun with other settings: %s, not %s".formatted(texts.get(SETTINGS), settings));
    }
  }
}
