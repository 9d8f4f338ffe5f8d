package lazydit.sampler.learning;

import java.nio.file.Path;
import java.util.List;
import lazydit.weights.LazyGateFile;

/** Gates that are learned round after round, in one of two ways; saved and taken up again. */
public sealed interface Learning permits RolloutLearning, OfficialLearning {
  /** {@return how many rounds are over} */
  int rounds();

  /** {@return how many rounds there are} */
  int allRounds();

  /** {@return whether all rounds are over} */
  default boolean done() {
    return rounds() >= allRounds();
  }

  /**
   * The gates that were learned.
   *
   * @param fingerprint names the model
   * @return gates to be used with thresholds of 0.5, one for each operating point
   */
  List<LazyGateFile> gates(String fingerprint);

  /**
   * Saves where the learning is. Replaces a file in one stroke.
   *
   * @param path the file
   * @param fingerprint names the model
   * @throws lazydit.weights.CheckpointException when it cannot be written; then nothing is left
   *     behind
   */
  void save(Path path, String fingerprint);

  /**
   * Goes on where a saved learning was, to the bit.
   *
   * @param path the file
   * @param fingerprint names the model
   * @throws lazydit.weights.CheckpointException when it cannot be read, or is of another model or
   *     other settings; then nothing is changed
   */
  void restore(Path path, String fingerprint);
}
