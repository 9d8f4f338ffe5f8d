package lazydit.sampler.data;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import java.util.stream.IntStream;
import lazydit.sampler.ClassNames;
import lazydit.weights.CheckpointException;

/**
 * A folder of idx files as MNIST and its successors come: for each part a file of images and one of
 * labels, whose names begin with {@code train} or with {@code t10k} or {@code test}.
 */
final class IdxFolder {
  private IdxFolder() {}

  /** The two files of a part. */
  private record Pair(Path images, Path labels) {}

  static boolean has(Path folder, Split split) {
    return find(folder, split, "images").isPresent() || find(folder, split, "labels").isPresent();
  }

  private static Optional<Path> find(Path folder, Split split, String kind) {
    List<String> beginnings = split == Split.TRAIN ? List.of("train") : List.of("t10k", "test");
    List<Path> found =
        Folders.files(folder).stream()
            .filter(
                file -> {
                  String name = file.getFileName().toString();
                  return beginnings.stream().anyMatch(name::startsWith)
                      && name.contains(kind)
                      && name.matches(".*idx\\d-ubyte(\\.gz)?");
                })
            .toList();
    // Of a file and its packed form either will do; the plain one comes first.
    return found.stream().findFirst();
  }

  private static Pair pair(Path folder, Split split) {
    return new Pair(required(folder, split, "images"), required(folder, split, "labels"));
  }

  private static Path required(Path folder, Split split, String kind) {
    return find(folder, split, kind)
        .orElseThrow(
            () ->
                new CheckpointException(
                    folder.toString(),
                    "has no %s of its %s set; expected a file such as %s-%s-idx%d-ubyte.gz"
                        .formatted(
                            kind,
                            split.label(),
                            split == Split.TRAIN ? "train" : "t10k",
                            kind,
                            kind.equals("images") ? 3 : 1)));
  }

  static DataSet open(Path folder, Split split) {
    Pair files = pair(folder, split);
    IdxFile labels = IdxFile.read(files.labels(), 1);
    IdxFile images = IdxFile.read(files.images(), 3);
    int count = images.shape()[0];
    if (labels.shape()[0] != count) {
      throw new CheckpointException(
          files.labels().toString(),
          "has %d labels, but %s has %d images"
              .formatted(labels.shape()[0], files.images().getFileName(), count));
    }
    int[] classes = new int[count];
    Arrays.setAll(classes, labels::value);
    boolean published =
        FashionMnist.isPublished(images.sha256()) && FashionMnist.isPublished(labels.sha256());
    return new Pictures(
        "%s (%s)".formatted(folder, split.label()),
        published
            ? "idx files as published as Fashion-MNIST"
            : "idx files, not those published as Fashion-MNIST",
        1,
        images.shape()[1],
        images.shape()[2],
        published ? FashionMnist.CLASSES : unnamed(classes),
        images.items(),
        classes);
  }

  private static ClassNames unnamed(int[] labels) {
    return new ClassNames(IntStream.of(labels).max().orElseThrow() + 1, List.of());
  }
}
