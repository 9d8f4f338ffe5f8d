package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Iterator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.concurrent.Callable;
import lazydit.weights.DType;
import lazydit.weights.Init;
import picocli.CommandLine.Command;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.Option;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.TypeConversionException;

/** {@code lazydit weights init}: random weights in the layout of a published model. */
@Command(
    name = "init",
    description = {
      "Writes random weights in exactly the layout of a published model, to try things without it.",
      "The same seed gives the same weights in every layout."
    },
    footer = {
      "",
      "Examples:",
      "  lazydit weights init --preset DiT-XL/2 dit.pt",
      "  lazydit weights init --preset DiT-XL/2 --layout diffusers --seed 1 dit-folder",
      "  lazydit weights init --preset Large-DiT-3B --dtype bf16 large-dit",
      "  lazydit weights init --preset vae sd-vae"
    })
final class InitCommand implements Callable<Integer> {
  private final Session session;

  @Parameters(paramLabel = "OUT", description = "The file or folder to write.")
  private Path out;

  @Option(
      names = "--preset",
      paramLabel = "NAME",
      required = true,
      description =
          "DiT-S, -B, -L or -XL with /2, /4 or /8; Large-DiT-600M, -3B or -7B; or vae, that of"
              + " Stable Diffusion.")
  private String preset;

  @Option(
      names = "--layout",
      paramLabel = "NAME",
      converter = LayoutName.class,
      completionCandidates = LayoutNames.class,
      description =
          "One of ${COMPLETION-CANDIDATES}. Default: facebook-pt, largedit, or vae-diffusers.")
  private Init.Layout layout;

  @Option(
      names = "--image-size",
      paramLabel = "PIXELS",
      defaultValue = "256",
      description = "Height and width of the model's images. Default: ${DEFAULT-VALUE}.")
  private int imageSize;

  @Option(
      names = "--classes",
      paramLabel = "N",
      defaultValue = "1000",
      description = "How many classes the model knows. Default: ${DEFAULT-VALUE}.")
  private int classes;

  @Option(
      names = "--dtype",
      paramLabel = "TYPE",
      defaultValue = "f32",
      converter = FloatType.class,
      description = "Type of the weights: f32, bf16 or f16. Default: ${DEFAULT-VALUE}.")
  private DType dtype;

  @Option(
      names = "--seed",
      paramLabel = "N",
      defaultValue = "0",
      description = "Decides the weights. Default: ${DEFAULT-VALUE}.")
  private long seed;

  @Option(names = "--no-vae", description = "Leave the VAE out of a diffusers pipeline.")
  private boolean noVae;

  @Option(names = "--force", description = "Replace OUT when there is one.")
  private boolean force;

  InitCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    FileWork.requireFree(out, force);
    Init.Options options =
        new Init.Options(
            preset, Optional.ofNullable(layout), imageSize, classes, dtype, seed, !noVae);
    String made = FileWork.run(session, progress -> Init.run(options, out, progress));
    session.err().println(made);
    session.err().println("Wrote " + out);
    return 0;
  }

  /** Reads a layout's name. */
  static final class LayoutName implements ITypeConverter<Init.Layout> {
    @Override
    public Init.Layout convert(String text) {
      return Arrays.stream(Init.Layout.values())
          .filter(layout -> layout.option().equalsIgnoreCase(text))
          .findFirst()
          .orElseThrow(
              () ->
                  new TypeConversionException(
                      "'%s' is none of %s".formatted(text, String.join(", ", names()))));
    }
  }

  /** The names of all layouts. */
  static final class LayoutNames implements Iterable<String> {
    @Override
    public Iterator<String> iterator() {
      return names().iterator();
    }
  }

  private static List<String> names() {
    return Arrays.stream(Init.Layout.values()).map(Init.Layout::option).toList();
  }

  /** Reads a type that weights can be stored in. */
  static final class FloatType implements ITypeConverter<DType> {
    private static final List<DType> TYPES = List.of(DType.F32, DType.BF16, DType.F16);

    @Override
    public DType convert(String text) {
      return DType.named(text.toUpperCase(Locale.ROOT))
          .filter(TYPES::contains)
          .orElseThrow(
              () -> new TypeConversionException("'" + text + "' is none of f32, bf16, f16"));
    }
  }
}
