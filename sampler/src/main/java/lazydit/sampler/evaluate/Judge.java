package lazydit.sampler.evaluate;

import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.file.Path;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import lazydit.dit.Classifier;
import lazydit.dit.ClassifierConfig;
import lazydit.dit.ClassifierRun;
import lazydit.engine.LazyDitException;
import lazydit.engine.Workers;
import lazydit.sampler.ProgressListener;
import lazydit.sampler.data.DataSet;
import lazydit.weights.Checkpoint;

/**
 * A classifier at work on many pictures. Drawn pictures are judged as a PNG holds them: clamped, in
 * 256 levels.
 *
 * <p>For one thread at a time; closing it is the business of whoever owns its workers.
 */
public final class Judge {
  private static final int BATCH = 64;
  private static final String BUILTIN = "/lazydit/sampler/builtin/classifier.safetensors";

  private final String name;
  private final ClassifierConfig config;
  private final ClassifierRun run;
  private final Workers workers;

  /**
   * A judge.
   *
   * @param name what to call it
   * @param classifier the network
   * @param workers who works
   */
  public Judge(String name, Classifier classifier, Workers workers) {
    this.name = name;
    this.workers = workers;
    config = classifier.config();
    run = classifier.newRun(BATCH, workers);
  }

  /**
   * Loads a classifier.
   *
   * @param file its weights, safetensors or from torch.save
   * @param workers who works
   * @return the judge
   * @throws LazyDitException when it cannot be read or is no {@link Classifier}
   */
  public static Judge load(Path file, Workers workers) {
    try (Checkpoint weights = Checkpoint.open(file)) {
      return new Judge(file.getFileName().toString(), new Classifier(weights), workers);
    }
  }

  /**
   * The classifier that comes with lazydit, for Fashion-MNIST.
   *
   * @param workers who works
   * @return the judge
   */
  public static Judge builtin(Workers workers) {
    try (InputStream in = Judge.class.getResourceAsStream(BUILTIN)) {
      if (in == null) {
        throw new LazyDitException("The built-in classifier is missing from this lazydit's jar.");
      }
      String name = "built-in";
      try (Checkpoint weights = Checkpoint.of(in.readAllBytes(), name + " classifier")) {
        return new Judge(name, new Classifier(weights), workers);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** {@return what to call it} */
  public String name() {
    return name;
  }

  /** {@return the classifier's sizes} */
  public ClassifierConfig config() {
    return config;
  }

  Workers workers() {
    return workers;
  }

  /**
   * Checks that it can judge such pictures.
   *
   * @param what whose pictures, for the message
   * @param channels of them
   * @param height of them
   * @param width of them
   * @param classes how many classes they are of
   * @throws LazyDitException when it takes others
   */
  public void requireFits(String what, int channels, int height, int width, int classes) {
    if (channels != config.channels()
        || height != config.side()
        || width != config.side()
        || classes != config.classes()) {
      throw new LazyDitException(
          "Classifier %s takes pictures [%d, %d, %d] of %d classes, but those of %s are [%d, %d, %d] of %d."
              .formatted(
                  name,
                  config.channels(),
                  config.side(),
                  config.side(),
                  config.classes(),
                  what,
                  channels,
                  height,
                  width,
                  classes));
    }
  }

  /** {@return room for the features of so many pictures} */
  Features room(int count) {
    return Features.room(count, config.features(), config.classes());
  }

  /**
   * Looks at drawn pictures.
   *
   * @param images {@code [count, C, H, W]}, -1 to 1; rounded to 256 levels in place
   * @param count how many pictures
   * @param into receives their features
   * @param at where the first picture's go
   */
  void look(float[] images, int count, Features into, int at) {
    round(images);
    see(images, count, into, at);
  }

  private void see(float[] images, int count, Features into, int at) {
    float[] features = new float[BATCH * config.features()];
    float[] logits = new float[BATCH * config.classes()];
    for (int first = 0; first < count; first += BATCH) {
      int part = Math.min(BATCH, count - first);
      run.forward(images, first * config.inputLength(), part, features, logits);
      System.arraycopy(
          features, 0, into.features(), (at + first) * config.features(), part * config.features());
      System.arraycopy(
          logits, 0, into.logits(), (at + first) * config.classes(), part * config.classes());
    }
  }

  /**
   * Looks at drawn pictures.
   *
   * @param images {@code [count, C, H, W]}, about -1 to 1; rounded to 256 levels in place
   * @param count how many pictures
   * @return what the classifier sees
   */
  public Features look(float[] images, int count) {
    Features seen = room(count);
    look(images, count, seen, 0);
    return seen;
  }

  /**
   * Looks at a data set.
   *
   * @param data its pictures
   * @param progress told after every batch
   * @param cancelled asked before every batch whether to stop
   * @return what the classifier sees in each
   * @throws LazyDitException when the pictures are not such as it takes
   * @throws CancellationException when {@code cancelled} says so
   */
  public Features look(DataSet data, ProgressListener progress, BooleanSupplier cancelled) {
    requireFits(data.name(), data.channels(), data.height(), data.width(), data.classes().count());
    Features seen = room(data.count());
    float[] images = new float[BATCH * data.length()];
    for (int first = 0; first < data.count(); first += BATCH) {
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("Cancelled while looking at the data set.");
      }
      int part = Math.min(BATCH, data.count() - first);
      for (int i = 0; i < part; i++) {
        data.read(first + i, images, i * data.length());
      }
      see(images, part, seen, first);
      progress.onProgress(first + part, data.count());
    }
    return seen;
  }

  /** To what an 8-bit picture holds. */
  private static void round(float[] images) {
    System.arraycopy(ofLevels(levels(images)), 0, images, 0, images.length);
  }

  /** {@return pictures in 256 levels, clamped} */
  static byte[] levels(float[] images) {
    byte[] levels = new byte[images.length];
    for (int i = 0; i < images.length; i++) {
      levels[i] = (byte) Math.clamp(127.5f * images[i] + 128, 0f, 255f);
    }
    return levels;
  }

  /** {@return pictures of 256 levels, -1 to 1} */
  static float[] ofLevels(byte[] levels) {
    float[] images = new float[levels.length];
    for (int i = 0; i < images.length; i++) {
      images[i] = Byte.toUnsignedInt(levels[i]) / 127.5f - 1;
    }
    return images;
  }
}
