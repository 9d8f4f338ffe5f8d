package lazydit.sampler.cli;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.OptionalInt;
import java.util.Set;
import java.util.concurrent.Callable;
import java.util.stream.Collectors;
import java.util.stream.IntStream;
import lazydit.engine.Workers;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.DataSets;
import lazydit.sampler.data.FashionMnist;
import lazydit.sampler.data.ImageFiles;
import lazydit.sampler.data.LatentEncoder;
import lazydit.sampler.data.Split;
import lazydit.weights.AtomicFile;
import lazydit.weights.CheckpointException;
import lazydit.weights.Json;
import picocli.CommandLine.Command;
import picocli.CommandLine.Model.CommandSpec;
import picocli.CommandLine.Option;
import picocli.CommandLine.ParameterException;
import picocli.CommandLine.Parameters;
import picocli.CommandLine.Spec;

/** {@code lazydit data}: what is in a data set, and a data set of latents from one of pictures. */
@Command(
    name = "data",
    description = {
      "Checks a data set and says what is in it; with --encode, makes one of latents from it.",
      "",
      "A data set is a folder of idx files, as MNIST's and Fashion-MNIST's; or of folders"
          + " class/picture.png, with or without train and test above them; or of latents,"
          + " train.safetensors and test.safetensors."
    },
    footer = {
      "",
      FashionMnist.HOW_TO_GET + ".",
      "",
      "Examples:",
      "  lazydit data",
      "  lazydit data imagenet --encode sd-vae-ft-ema --size 256 --out imagenet-latents"
    })
final class DataCommand implements Callable<Integer> {
  private static final int MOST_LISTED = 20;
  private static final int MOST_SIDE = 4096;

  private final Session session;

  @Spec private CommandSpec command;

  @Parameters(
      arity = "0..1",
      paramLabel = "FOLDER",
      description = "The data set. Default: where Debian's package puts Fashion-MNIST.")
  private Path folder = FashionMnist.DEBIAN;

  @Option(names = "--json", description = "Print one JSON object instead of text.")
  private boolean json;

  @Option(
      names = "--encode",
      paramLabel = "VAE",
      description = "Encode all pictures with this VAE, a file or a diffusers folder.")
  private Path vae;

  @Option(
      names = "--out",
      paramLabel = "FOLDER",
      description = "Where --encode puts train.safetensors and test.safetensors.")
  private Path out;

  @Option(
      names = "--size",
      paramLabel = "N",
      description =
          "With --encode: crop the middle square of each picture and scale it to N x N. Default:"
              + " leave them as they are.")
  private Integer size;

  DataCommand(Session session) {
    this.session = session;
  }

  @Override
  public Integer call() {
    if ((vae == null) != (out == null) || size != null && vae == null) {
      throw new ParameterException(
          command.commandLine(), "--encode VAE and --out FOLDER belong together, --size to both.");
    }
    if (size != null && (size < 1 || size > MOST_SIDE)) {
      throw new ParameterException(
          command.commandLine(), "--size must be 1 to %d, but is %d.".formatted(MOST_SIDE, size));
    }
    Set<Split> splits = DataSets.splits(folder);
    if (vae != null) {
      encode(splits);
      return 0;
    }
    // With nothing there, opening says what was expected.
    List<Part> parts = new ArrayList<>();
    for (Split split : splits.isEmpty() ? Set.of(Split.TRAIN) : splits) {
      try (DataSet set = DataSets.open(folder, split)) {
        parts.add(Part.of(split, set));
      }
    }
    session.out().print(json ? Json.write(json(parts)) + "\n" : text(parts));
    session.out().flush();
    return 0;
  }

  // ---- what is there

  /** One part of a data set. */
  private record Part(
      Split split, int count, int[] shape, String origin, List<String> names, int[] counts) {
    static Part of(Split split, DataSet set) {
      List<String> names =
          IntStream.range(0, set.classes().count()).mapToObj(set.classes()::name).toList();
      int[] shape = {set.channels(), set.height(), set.width()};
      return new Part(split, set.count(), shape, set.origin(), names, set.counts());
    }

    String line() {
      return String.format(
          Locale.ROOT,
          "  %-5s  %,d of %s, %d classes: %s%n",
          split.label(),
          count,
          Arrays.stream(shape).mapToObj(Integer::toString).collect(Collectors.joining(" x ")),
          names.size(),
          origin);
    }

    String classLine() {
      if (names.size() > MOST_LISTED) {
        return String.format(
            Locale.ROOT,
            "         %,d to %,d of each class%n",
            Arrays.stream(counts).min().orElseThrow(),
            Arrays.stream(counts).max().orElseThrow());
      }
      return IntStream.range(0, counts.length)
          .mapToObj(k -> String.format(Locale.ROOT, "%,d %s", counts[k], names.get(k)))
          .collect(Collectors.joining(", ", "         ", System.lineSeparator()));
    }
  }

  private String text(List<Part> parts) {
    return parts.stream()
        .map(part -> part.line() + part.classLine())
        .collect(Collectors.joining("", folder + System.lineSeparator(), ""));
  }

  private Map<String, Object> json(List<Part> parts) {
    Map<String, Object> all = new LinkedHashMap<>();
    all.put("folder", folder.toString());
    for (Part part : parts) {
      Map<String, Object> of = new LinkedHashMap<>();
      of.put("count", part.count());
      of.put("shape", part.shape());
      of.put("origin", part.origin());
      of.put("classes", part.names());
      of.put("class_counts", part.counts());
      all.put(part.split().label(), of);
    }
    return all;
  }

  // ---- latents

  private void encode(Set<Split> splits) {
    try {
      Files.createDirectories(out);
    } catch (IOException e) {
      throw new CheckpointException(out.toString(), "cannot become a folder", e);
    }
    OptionalInt side = size == null ? OptionalInt.empty() : OptionalInt.of(size);
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      LatentEncoder encoder = new LatentEncoder(vae, workers);
      for (Split split : splits.isEmpty() ? Set.of(Split.TRAIN) : splits) {
        ImageFiles images = ImageFiles.of(folder, split, new ImageFiles.Form(side, true));
        Path file = out.resolve(split.label() + ".safetensors");
        AtomicFile.requireWritable(file);
        try (ProgressLine progress =
            new ProgressLine(session.err(), ProgressLine.somebodyIsLooking())) {
          encoder.encode(images, file, progress, session::cancelled);
        }
        session.leaves(file + " was written");
        session.say("wrote %,d latents to %s.".formatted(images.count(), file));
      }
    }
  }
}
