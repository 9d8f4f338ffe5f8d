package lazydit.sampler.cli;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Optional;
import java.util.OptionalInt;
import java.util.concurrent.Callable;
import lazydit.engine.LazyDitException;
import lazydit.weights.Convert;
import lazydit.weights.DType;
import lazydit.weights.DitFile;
import lazydit.weights.Fingerprint;
import lazydit.weights.LazyGateFile;
import lazydit.weights.ModelFile;
import picocli.CommandLine.Command;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;

/** {@code lazydit convert}: any readable file to safetensors, or to a diffusers folder. */
@Command(
    name = "convert",
    description = {
      "Writes weights as one safetensors file, or as a diffusers folder. Names, types and values"
          + " stay, bit for bit, unless others are asked for.",
      "Gates are written in lazydit's own form: one tensor for attention, one for MLPs."
    },
    footer = {
      "",
      "Examples:",
      "  lazydit weights convert DiT-XL-2-256x256.pt dit.safetensors",
      "  lazydit weights convert --dtype bf16 DiT-XL-2-256x256.pt dit-bf16.safetensors",
      "  lazydit weights convert --vae sd-vae-ft-ema DiT-XL-2-256x256.pt dit-folder/",
      "  lazydit weights convert --names facebook dit-folder dit.safetensors"
    })
final class ConvertCommand implements Callable<Integer> {
  private final Session session;

  @Parameters(
      index = "0",
      paramLabel = "IN",
      description = "A safetensors or torch.save file, or a model's folder.")
  private Path in;

  @Parameters(
      index = "1",
      paramLabel = "OUT",
      description =
          "The safetensors file to write; or the diffusers folder, when it ends with a slash or is"
              + " a folder.")
  private String out;

  @Option(
      names = "--to",
      paramLabel = "FORM",
      description = "What to write whatever OUT looks like: safetensors or diffusers.")
  private Convert.Form form;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      converter = InitCommand.FloatType.class,
      description =
          "Type of the real numbers: f32, bf16 or f16, rounded to nearest. Default: as they are.")
  private DType dtype;

  @Option(
      names = "--names",
      paramLabel = "WHOSE",
      description =
          "Whose names the tensors get: facebook or diffusers (a DiT), diffusers or compvis (a"
              + " VAE). Default: as they are.")
  private Convert.Names names;

  @Option(
      names = "--vae",
      paramLabel = "FILE",
      description = "A VAE to put into the diffusers folder of a pipeline.")
  private Path vae;

  @Option(
      names = "--base",
      paramLabel = "MODEL",
      description = "Of gates: record the model that they were learned for.")
  private Path base;

  @Option(
      names = "--section",
      paramLabel = "NAME",
      description =
          "Part of the file to convert, such as ema or model. Default: the first of ema, model,"
              + " state_dict that there is, else everything.")
  private String section;

  @Option(
      names = "--heads",
      paramLabel = "N",
      description = "Attention heads of the model, where nothing tells them.")
  private Integer heads;

  @Option(names = "--force", description = "Replace OUT when there is one.")
  private boolean force;

  ConvertCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    Path target = Path.of(out);
    OptionalInt given = heads == null ? OptionalInt.empty() : OptionalInt.of(heads);
    try (ModelFile model = ModelFile.open(in, section, given)) {
      FileWork.requireFree(target, force);
      boolean gates = model.kind() == ModelFile.Kind.GATES;
      requireSense(gates);
      List<String> notes =
          gates
              ? gates(model, target)
              : FileWork.run(
                  session, progress -> Convert.run(model, target, options(target), progress));
      notes.forEach(session::say);
    }
    session.err().println("Wrote " + out);
    return 0;
  }

  private void requireSense(boolean gates) {
    if (gates && (form != null || dtype != null || names != null || vae != null)) {
      throw new LazyDitException(
          in + " holds gates, which are always written in lazydit's own form.");
    }
    if (!gates && base != null) {
      throw new LazyDitException(in + " holds no gates, so --base says nothing about it.");
    }
  }

  private Convert.Options options(Path target) {
    boolean folder = out.endsWith("/") || out.endsWith("\\") || Files.isDirectory(target);
    Convert.Form chosen =
        form != null ? form : folder ? Convert.Form.DIFFUSERS : Convert.Form.SAFETENSORS;
    return new Convert.Options(
        chosen, Optional.ofNullable(names), Optional.ofNullable(dtype), Optional.ofNullable(vae));
  }

  private List<String> gates(ModelFile model, Path target) {
    session.interruptWhenCancelled();
    LazyGateFile gates = LazyGateFile.read(model.checkpoints().getFirst());
    if (base != null) {
      try (DitFile network = DitFile.open(base)) {
        gates = gates.learnedFor(Fingerprint.of(network.weights()));
      }
    }
    gates.write(target);
    return List.of();
  }
}
