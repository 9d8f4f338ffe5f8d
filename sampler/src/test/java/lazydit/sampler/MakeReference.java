package lazydit.sampler;

import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import lazydit.weights.Checkpoint;
import lazydit.weights.Convert;
import lazydit.weights.SafetensorsWriter;

/**
 * Makes the test data of {@link ReferenceTest} and {@link ReferenceLossTest} out of the reference
 * run's files: the checkpoint as safetensors, and of the recorded trajectories and losses what the
 * tests compare.
 *
 * <p>Arguments: the folder with {@code fmnist-dit.pt}, {@code golden_fmnist.safetensors} and {@code
 * golden_lazy_loss.safetensors}, and the folder to write to.
 */
final class MakeReference {
  private static final List<String> TRAJECTORIES =
      List.of(
          "z|labels|cfg_scale|timestep_map",
          "fwd0\\.model_out|fwd0\\.cfg_out|fwdt\\.\\w+",
          "\\w+20\\.x_steps|ddim[15]0\\.final",
          "\\w+20\\.(skip|logit)_(attn|mlp)",
          "\\w+20\\.gate_(attn|mlp)\\.block\\d+");

  private static final List<String> LOSSES =
      List.of(
          "x_start|labels",
          "[a-d]\\.(t|gate_index|drop|noise|ratio|\\w+_loss|score_attn|score_mlp)",
          "[a-d]\\.(gate|grad)_(attn|mlp)\\.block\\d|[a-d]\\.gate_attn_after_adamw\\.block\\d",
          "base\\.(t|noise|loss|mse|vb)",
          "base\\.grad\\.(blocks\\..*bias|[xy]_embedder.*)");

  private MakeReference() {}

  public static void main(String[] args) {
    Path from = Path.of(args[0]);
    Path to = Path.of(args[1]);
    try (Checkpoint model = Checkpoint.open(from.resolve("fmnist-dit.pt"))) {
      Convert.toSafetensors(model, to.resolve("fmnist-dit.safetensors"), Map.of());
    }
    copy(from, "golden_fmnist.safetensors", TRAJECTORIES, to.resolve("trajectories.safetensors"));
    copy(from, "golden_lazy_loss.safetensors", LOSSES, to.resolve("losses.safetensors"));
  }

  private static void copy(Path folder, String name, List<String> kept, Path to) {
    try (Checkpoint golden = Checkpoint.open(folder.resolve(name), "")) {
      SafetensorsWriter writer = new SafetensorsWriter().metadata(golden.metadata());
      golden.tensors().values().stream()
          .filter(tensor -> kept.stream().anyMatch(tensor.name()::matches))
          .forEach(tensor -> writer.add(tensor.name(), tensor));
      writer.writeTo(to);
    }
  }
}
