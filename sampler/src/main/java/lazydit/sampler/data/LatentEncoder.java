package lazydit.sampler.data;

import java.lang.foreign.MemorySegment;
import java.lang.foreign.ValueLayout;
import java.nio.ByteOrder;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.concurrent.CancellationException;
import java.util.function.BooleanSupplier;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.AutoencoderKlRun;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;
import lazydit.sampler.ProgressListener;
import lazydit.weights.CheckpointException;
import lazydit.weights.DType;
import lazydit.weights.Json;
import lazydit.weights.SafetensorsWriter;
import lazydit.weights.VaeFile;

/**
 * Makes a data set of latents from pictures, once, so that training need not encode them again: the
 * distributions that a VAE's encoder gives, from which each epoch draws other samples.
 */
public final class LatentEncoder {
  private static final ValueLayout.OfFloat FLOAT =
      ValueLayout.JAVA_FLOAT_UNALIGNED.withOrder(ByteOrder.LITTLE_ENDIAN);

  private final String vaeName;
  private final AutoencoderKlConfig config;
  private final AutoencoderKlRun run;

  /**
   * Loads a VAE's encoder.
   *
   * @param vae a file or a diffusers folder
   * @param workers who works; not to be closed before this is no longer used
   * @throws lazydit.engine.LazyDitException when it cannot be read or has no encoder
   */
  public LatentEncoder(Path vae, Workers workers) {
    try (VaeFile file = VaeFile.open(vae)) {
      vaeName = vae.getFileName().toString();
      config = file.config();
      run = file.load(AutoencoderKl.Parts.ENCODER).newRun(workers);
    }
  }

  /**
   * Encodes pictures into a file, whole or not at all; memory is that of one picture.
   *
   * @param images the pictures, RGB
   * @param target the safetensors file
   * @param progress told after every picture
   * @param cancelled asked before every picture whether to stop
   * @throws lazydit.engine.LazyDitException when a picture cannot be read or does not fit the VAE,
   *     or the file cannot be written
   * @throws CancellationException when {@code cancelled} says so
   */
  public void encode(
      ImageFiles images, Path target, ProgressListener progress, BooleanSupplier cancelled) {
    int scale = config.scale();
    if (images.channels() != config.inChannels()
        || images.height() % scale != 0
        || images.width() % scale != 0) {
      throw new CheckpointException(
          images.name(),
          "has pictures of %d x %d pixels in %d channels; VAE %s takes multiples of %d in %d"
              .formatted(
                  images.width(),
                  images.height(),
                  images.channels(),
                  vaeName,
                  scale,
                  config.inChannels()));
    }
    long[] labels = new long[images.count()];
    Arrays.setAll(labels, images::label);
    long[] shape = {
      images.count(), 2L * config.latentChannels(), images.height() / scale, images.width() / scale
    };
    new SafetensorsWriter()
        .metadata(LatentFile.SCALING_FACTOR, Float.toString(config.scalingFactor()))
        .metadata(LatentFile.CLASS_NAMES, Json.write(images.classes().names()))
        .metadata(LatentFile.VAE, vaeName)
        .add(LatentFile.LABELS, labels, shape[0])
        .add(
            LatentFile.MOMENTS,
            DType.F32,
            shape,
            new Stream(images, (int) (shape[1] * shape[2] * shape[3]), progress, cancelled))
        .writeTo(target);
  }

  /** Encodes picture after picture, as the writer asks for their values. */
  private final class Stream implements SafetensorsWriter.Elements {
    private final ImageFiles images;
    private final int length;
    private final ProgressListener progress;
    private final BooleanSupplier cancelled;
    private int encoded = -1;
    private float[] moments;

    Stream(ImageFiles images, int length, ProgressListener progress, BooleanSupplier cancelled) {
      this.images = images;
      this.length = length;
      this.progress = progress;
      this.cancelled = cancelled;
    }

    @Override
    public void read(long first, byte[] into, int count) {
      MemorySegment bytes = MemorySegment.ofArray(into);
      for (int done = 0; done < count; ) {
        int index = (int) ((first + done) / length);
        int at = (int) ((first + done) % length);
        int piece = Math.min(count - done, length - at);
        encode(index);
        MemorySegment.copy(moments, at, bytes, FLOAT, (long) done * Float.BYTES, piece);
        done += piece;
      }
    }

    private void encode(int index) {
      if (index == encoded) {
        return;
      }
      if (cancelled.getAsBoolean()) {
        throw new CancellationException("Cancelled before picture " + index + " was encoded.");
      }
      byte[] planes = images.read(index);
      Tensor image = Tensor.zeros(1, images.channels(), images.height(), images.width());
      for (int i = 0; i < planes.length; i++) {
        image.data()[i] = Byte.toUnsignedInt(planes[i]) / 127.5f - 1;
      }
      moments = run.encode(image).moments().data();
      encoded = index;
      progress.onProgress(index + 1, images.count());
    }
  }
}
