package lazydit.sampler.data;

import java.nio.file.Files;
import java.nio.file.Path;
import java.util.EnumSet;
import java.util.Set;
import lazydit.weights.CheckpointException;

/**
 * Opens data sets of every form: folders of idx files (as MNIST's and Fashion-MNIST's, packed or
 * not), folders {@code class/picture.png}, with or without {@code train} and {@code test} above
 * them, and latents, {@code train.safetensors} and {@code test.safetensors} in a folder or one such
 * file.
 */
public final class DataSets {
  private DataSets() {}

  /**
   * Finds out which parts there are.
   *
   * @param path a folder, or a file of latents
   * @return the parts, maybe none
   * @throws CheckpointException when there is nothing there
   */
  public static Set<Split> splits(Path path) {
    requireExists(path);
    Set<Split> found = EnumSet.noneOf(Split.class);
    for (Split split : Split.values()) {
      if (Files.isDirectory(path)
          ? IdxFolder.has(path, split)
              || Files.exists(latents(path, split))
              || ImageFiles.has(path, split)
          : split == Split.TRAIN) {
        found.add(split);
      }
    }
    return found;
  }

  private static Path latents(Path folder, Split split) {
    return folder.resolve(split.label() + ".safetensors");
  }

  private static void requireExists(Path path) {
    if (!Files.exists(path)) {
      String hint = path.equals(FashionMnist.DEBIAN) ? "; " + FashionMnist.HOW_TO_GET : "";
      throw new CheckpointException(path.toString(), "does not exist" + hint);
    }
  }

  /**
   * Opens one part of a data set.
   *
   * @param path a folder, or a file of latents
   * @param split which part
   * @return the data set, checked; to be closed by the caller
   * @throws CheckpointException when it is not there, damaged, or more than memory holds
   */
  public static DataSet open(Path path, Split split) {
    requireExists(path);
    if (!Files.isDirectory(path)) {
      if (split == Split.TEST) {
        throw new CheckpointException(path.toString(), "is one file, which has no test set");
      }
      return LatentFile.open(path);
    }
    if (IdxFolder.has(path, split)) {
      return IdxFolder.open(path, split);
    }
    if (Files.exists(latents(path, split))) {
      return LatentFile.open(latents(path, split));
    }
    if (ImageFiles.has(path, split)) {
      return ImageFiles.of(path, split, ImageFiles.Form.AS_IS).load();
    }
    throw new CheckpointException(
        path.toString(),
        ("has no %s set; expected idx files such as %s-images-idx3-ubyte.gz, folders of classes"
                + " with pictures, or %s.safetensors with latents")
            .formatted(split.label(), split == Split.TRAIN ? "train" : "t10k", split.label()));
  }
}
