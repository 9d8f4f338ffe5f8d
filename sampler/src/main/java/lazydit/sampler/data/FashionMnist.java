package lazydit.sampler.data;

import java.nio.file.Path;
import java.util.List;
import java.util.Set;
import lazydit.sampler.ClassNames;

/**
 * Fashion-MNIST (Xiao, Rasul, Vollgraf 2017; MIT licence): 60 000 and 10 000 grey pictures of 28 x
 * 28 pixels in 10 classes. The data set of the built-in model.
 */
public final class FashionMnist {
  /** Where Debian's package puts it. */
  public static final Path DEBIAN = Path.of("/usr/share/datasets/fashion-mnist");

  /** The names of its classes. */
  public static final ClassNames CLASSES =
      new ClassNames(
          10,
          List.of(
              "t-shirt/top",
              "trouser",
              "pullover",
              "dress",
              "coat",
              "sandal",
              "shirt",
              "sneaker",
              "bag",
              "ankle boot"));

  /** SHA-256 of the four files as they were published, unpacked. */
  private static final Set<String> PUBLISHED =
      Set.of(
          "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
          "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
          "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
          "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34");

  /** How to get it, for people. */
  public static final String HOW_TO_GET =
      "Fashion-MNIST comes as Debian's and Ubuntu's package dataset-fashion-mnist"
          + " (apt install dataset-fashion-mnist), or as the four files"
          + " {train,t10k}-{images-idx3,labels-idx1}-ubyte.gz of its authors (zalandoresearch),"
          + " put into any folder";

  private FashionMnist() {}

  static boolean isPublished(String sha256) {
    return PUBLISHED.contains(sha256);
  }
}
