package lazydit.weights;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import lazydit.dit.DitConfig;
import lazydit.dit.TransformerConfig;
import lazydit.engine.LazyDitException;

/**
 * Conversion of weights between containers, names and types. Values are copied bit for bit unless
 * another type is asked for, through one small buffer: memory use does not depend on their size.
 */
public final class Convert {
  /** Kinds of output. */
  public enum Form {
    /** One safetensors file. */
    SAFETENSORS,
    /** The folder of a diffusers pipeline, or of a VAE. */
    DIFFUSERS
  }

  /** Whose names tensors get. */
  public enum Names {
    /** facebook's, of a DiT. */
    FACEBOOK,
    /** Hugging Face diffusers', of a DiT or a VAE. */
    DIFFUSERS,
    /** CompVis', of a VAE. */
    COMPVIS
  }

  /**
   * How to convert.
   *
   * @param form the kind of output
   * @param names whose names; empty for the file's own, or diffusers' in a folder of theirs
   * @param dtype the type of real numbers; empty to leave each its own. The table of positions
   *     always keeps its own: it is computed, not learned, and other layouts compute it again
   * @param vae a VAE to put into a pipeline's folder
   */
  public record Options(
      Form form, Optional<Names> names, Optional<DType> dtype, Optional<Path> vae) {
    /** Bit for bit to a safetensors file under the same names. */
    public static final Options COPY =
        new Options(Form.SAFETENSORS, Optional.empty(), Optional.empty(), Optional.empty());
  }

  private static final int LISTED = 3;

  private final ModelFile model;
  private final Options options;
  private final List<String> notes = new ArrayList<>();
  private final Map<String, CastTensor> casts = new LinkedHashMap<>();

  private Convert(ModelFile model, Options options) {
    this.model = model;
    this.options = options;
  }

  /**
   * Writes the tensors of a checkpoint's section as one safetensors file, bit for bit: names,
   * shapes and types stay, views become contiguous. Text metadata of the checkpoint is kept.
   *
   * @param checkpoint what to convert; memory use does not depend on its size
   * @param target the file, replaced when there is one
   * @param metadata more texts for the file's metadata
   * @throws CheckpointException when the checkpoint is damaged or the file cannot be written; then
   *     nothing is left behind
   */
  public static void toSafetensors(
      Checkpoint checkpoint, Path target, Map<String, String> metadata) {
    SafetensorsWriter writer =
        new SafetensorsWriter().metadata(plain(checkpoint.metadata())).metadata(metadata);
    checkpoint.tensors().forEach(writer::add);
    writer.writeTo(target);
  }

  /**
   * Converts a model.
   *
   * @param model what to convert
   * @param target the file or folder, replaced when there is one
   * @param options how
   * @param progress told how many bytes have been written
   * @return what the user should know: tensors left out, numbers out of range
   * @throws LazyDitException when the model is damaged, has no such form, or the target cannot be
   *     written; then nothing is left behind under its name
   */
  public static List<String> run(ModelFile model, Path target, Options options, Progress progress) {
    Convert convert = new Convert(model, options);
    if (options.form == Form.DIFFUSERS) {
      convert.toFolder(target, progress);
    } else {
      convert.toFile(target, progress);
    }
    convert.noteOverflows();
    return List.copyOf(convert.notes);
  }

  // ---- one file

  private void toFile(Path target, Progress progress) {
    if (options.vae.isPresent()) {
      throw new LazyDitException("A VAE is added to the folder of a pipeline, not to a file.");
    }
    SafetensorsWriter writer =
        new SafetensorsWriter().metadata(plain(model.metadata())).metadata(facts(model));
    cast(renamed()).forEach(writer::add);
    writer.writeTo(target, progress);
  }

  /** Quantised tensors become real numbers, so the copy is not quantised. */
  private static Map<String, String> plain(Map<String, String> metadata) {
    Map<String, String> plain = new LinkedHashMap<>(metadata);
    plain.remove(Int8Rows.KEY);
    return plain;
  }

  /** What cannot be read off the shapes, and would be lost with the files around the weights. */
  static Map<String, String> facts(ModelFile model) {
    Map<String, String> facts = new LinkedHashMap<>();
    model
        .knownTransformer()
        .ifPresent(
            config -> {
              facts.put("num_heads", Integer.toString(config.numHeads()));
              facts.put("input_size", Integer.toString(config.inputSize()));
              List<String> classes = model.network().classNames(config.numClasses());
              if (!classes.isEmpty()) {
                facts.put("class_names", Json.write(classes));
              }
            });
    return facts;
  }

  private Map<String, TensorData> renamed() {
    if (options.names.isEmpty()) {
      return new LinkedHashMap<>(model.tensors());
    }
    Names names = options.names.get();
    boolean fits =
        switch (model.kind()) {
          case DIT -> names != Names.COMPVIS;
          case VAE -> names != Names.FACEBOOK;
          default -> false;
        };
    if (!fits) {
      throw new CheckpointException(
          model.describe(),
          "has no names of %s: %s"
              .formatted(names.toString().toLowerCase(Locale.ROOT), model.architecture()));
    }
    return switch (names) {
      case FACEBOOK -> canonical();
      case DIFFUSERS -> model.kind() == ModelFile.Kind.DIT ? diffusersDit() : canonical();
      case COMPVIS -> Renaming.toCompVis(canonical(), model.vae().levels());
    };
  }

  private Map<String, TensorData> canonical() {
    if (model.isDiffusersDit()) {
      Renaming.requireEqualCopies(model.tensors(), model.describe());
    }
    return noted(model.canonical());
  }

  private Map<String, TensorData> diffusersDit() {
    return model.isDiffusersDit()
        ? new LinkedHashMap<>(model.tensors())
        : noted(Renaming.toDiffusers(model.tensors(), dit(), model.describe()));
  }

  private DitConfig dit() {
    TransformerConfig config = model.transformer();
    if (config instanceof DitConfig dit) {
      return dit;
    }
    throw new CheckpointException(
        model.describe(), "is a Large-DiT, which diffusers does not have");
  }

  // ---- a folder

  private void toFolder(Path target, Progress progress) {
    if (options.names.isPresent() && options.names.get() != Names.DIFFUSERS) {
      throw new LazyDitException("The folder of a diffusers pipeline has diffusers' names.");
    }
    switch (model.kind()) {
      case DIT, LARGE_DIT -> toPipeline(target, progress);
      case VAE ->
          DiffusersFolder.write(
              target, new DiffusersFolder.Vae(model.vae(), cast(canonical())), progress);
      default ->
          throw new CheckpointException(
              model.describe(),
              "is nothing that a diffusers folder holds: " + model.architecture());
    }
  }

  private void toPipeline(Path target, Progress progress) {
    DitConfig config = dit();
    Map<String, TensorData> tensors = cast(diffusersDit());
    List<String> classes = model.network().classNames(config.numClasses());
    Optional<Path> scheduler =
        model.isDiffusersDit()
            ? model.beside("scheduler").map(folder -> folder.resolve("scheduler_config.json"))
            : Optional.empty();
    Optional<Path> vaePath =
        options.vae.isPresent() || !model.isDiffusersDit() ? options.vae : model.beside("vae");
    if (vaePath.isEmpty()) {
      notes.add("The folder holds no VAE; add one with --vae.");
      DiffusersFolder.write(
          target,
          new DiffusersFolder.Pipeline(
              config, tensors, classes, Optional.empty(), scheduler.filter(Files::isRegularFile)),
          progress);
      return;
    }
    try (ModelFile vae = ModelFile.open(vaePath.get())) {
      if (vae.kind() != ModelFile.Kind.VAE) {
        throw new CheckpointException(vae.describe(), "is no VAE: " + vae.architecture());
      }
      Map<String, TensorData> parts = cast(noted(vae.canonical()));
      DiffusersFolder.write(
          target,
          new DiffusersFolder.Pipeline(
              config,
              tensors,
              classes,
              Optional.of(new DiffusersFolder.Vae(vae.vae(), parts)),
              scheduler.filter(Files::isRegularFile)),
          progress);
    }
  }

  // ---- values

  private Map<String, TensorData> cast(Map<String, TensorData> tensors) {
    if (options.dtype.isEmpty()) {
      return tensors;
    }
    Map<String, TensorData> result = CastTensor.all(tensors, options.dtype.get());
    result.forEach(
        (name, tensor) -> {
          if (tensor instanceof CastTensor cast) {
            casts.put(name, cast);
          }
        });
    return result;
  }

  private Map<String, TensorData> noted(Renaming renaming) {
    List<String> leftOut = renaming.leftOut();
    if (!leftOut.isEmpty()) {
      String more = leftOut.size() > LISTED ? " and others" : "";
      List<String> listed = leftOut.subList(0, Math.min(LISTED, leftOut.size()));
      notes.add(
          "Left out %d tensors that have no name there: %s%s."
              .formatted(leftOut.size(), Printable.of(String.join(", ", listed)), more));
    }
    return renaming.tensors();
  }

  private void noteOverflows() {
    casts.forEach(
        (name, cast) -> {
          if (cast.overflows() > 0) {
            notes.add(
                "%d numbers of %s are too large for %s and became infinite."
                    .formatted(cast.overflows(), Printable.of(name), cast.dtype()));
          }
        });
  }
}
