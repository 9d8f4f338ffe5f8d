package lazydit.sampler;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lazydit.weights.Checkpoint;
import lazydit.weights.Convert;
import lazydit.weights.SafetensorsWriter;

/**
 * Makes the test data of {@link ReferenceTest} out of the reference run's files: the checkpoint as
 * safetensors, and of the recorded trajectories what the test compares.
 *
 * <p>Arguments: the folder with {@code fmnist-dit.pt} and {@code golden_fmnist.safetensors}, and
 * the folder to write to.
 */
final class MakeReference {
  private static final List<String> KEPT =
      List.of(
          "z|labels|cfg_scale|timestep_map",
          "fwd0\\.model_out|fwd0\\.cfg_out|fwdt\\.\\w+",
          "\\w+20\\.x_steps|ddim[15]0\\.final",
          "\\w+20\\.(skip|logit)_(attn|mlp)",
          "\\w+20\\.gate_(attn|mlp)\\.block\\d+");

  private MakeReference() {}

  public static void main(String[] args) {
    Path from = Path.of(args[0]);
    Path to = Path.of(args[1]);
    try (Checkpoint model = Checkpoint.open(from.resolve("fmnist-dit.pt"))) {
      Convert.toSafetensors(model, to.resolve("fmnist-dit.safetensors"), Map.of());
    }
    try (Checkpoint golden = Checkpoint.open(from.resolve("golden_fmnist.safetensors"), "")) {
      SafetensorsWriter writer = new SafetensorsWriter().metadata(golden.metadata());
      golden.tensors().values().stream()
          .filter(tensor -> KEPT.stream().anyMatch(tensor.name()::matches))
          .forEach(tensor -> writer.add(tensor.name(), tensor));
      writer.writeTo(to.resolve("trajectories.safetensors"));
    }
  }
}
