package lazydit.dit;

import java.util.Arrays;
import java.util.List;
import lazydit.engine.Attention;
import lazydit.engine.ChannelsLast;
import lazydit.engine.Convolution;
import lazydit.engine.Epilogue;
import lazydit.engine.LazyDitException;
import lazydit.engine.Linear;
import lazydit.engine.PerGroup;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * Takes one image through the layers of a VAE, in three arrays that change their parts: the image x
 * as it is, and two for what a layer needs on the way. Images are channels-last.
 */
final class VaeExecutor {
  private static final int[] FIRST = {0};

  private final Workers workers;
  private final Scratch scratch;
  private ForwardProbe probe;

  private float[] x = {};
  private float[] y = {};
  private float[] z = {};
  private int channels;
  private int height;
  private int width;

  VaeExecutor(Workers workers) {
    this.workers = workers;
    scratch = new Scratch(workers);
  }

  void probe(ForwardProbe probe) {
    this.probe = probe;
  }

  /** Takes in an image {@code [C, H, W]}. */
  void enter(float[] planes, int at, int channels, int height, int width) {
    this.channels = channels;
    this.height = height;
    this.width = width;
    x = roomFor(x, channels);
    ChannelsLast.fromPlanes(planes, at, 1, channels, height * width, x);
  }

  /** What came out, {@code [H, W, C]}; good until the next image. */
  float[] result() {
    return x;
  }

  void run(List<VaeLayer> layers) {
    for (VaeLayer layer : layers) {
      switch (layer) {
        case VaeLayer.Conv(String _, var convolution) -> convolve(convolution);
        case VaeLayer.Pointwise(String _, var linear) -> project(linear);
        case VaeLayer.Upsample up -> upsample(up);
        case VaeLayer.NormSilu(String _, var norm) ->
            norm.apply(workers, scratch, x, 1, height * width, true, x);
        case VaeLayer.Resnet resnet -> residual(resnet);
        case VaeLayer.MidAttention attention -> attend(attention);
        case VaeLayer.End _ -> {}
      }
      if (probe != null) {
        probe.observe(layer.name(), x, 0, 1, height, width, channels);
      }
    }
  }

  private void convolve(Convolution convolution) {
    int rows = convolution.window().count(height);
    int columns = convolution.window().count(width);
    y = roomFor(y, convolution.out(), rows, columns);
    convolution.apply(workers, scratch, x, 1, height, width, y);
    height = rows;
    width = columns;
    becomeY(convolution.out());
  }

  private void project(Linear linear) {
    y = roomFor(y, linear.out());
    linear.apply(workers, scratch, x, Rows.all(height * width), new Epilogue.Store(y));
    becomeY(linear.out());
  }

  private void upsample(VaeLayer.Upsample up) {
    y = roomFor(y, up.convolution().out(), 2 * height, 2 * width);
    up.convolution().apply(workers, scratch, x, 1, height, width, y);
    height *= 2;
    width *= 2;
    becomeY(up.convolution().out());
  }

  /** Where channels change, x is not needed any more once its shortcut is taken. */
  private void residual(VaeLayer.Resnet resnet) {
    int pixels = height * width;
    int out = resnet.conv1().out();
    Linear shortcut = resnet.shortcut();
    y = roomFor(y, out);
    z = roomFor(z, out);
    if (shortcut != null) {
      shortcut.apply(workers, scratch, x, Rows.all(pixels), new Epilogue.Store(z));
    }
    float[] normed = shortcut == null ? z : x;
    float[] sum = shortcut == null ? x : z;
    resnet.norm1().apply(workers, scratch, x, 1, pixels, true, normed);
    resnet.conv1().apply(workers, scratch, normed, 1, height, width, y);
    resnet.norm2().apply(workers, scratch, y, 1, pixels, true, y);
    resnet.conv2().addTo(workers, scratch, y, 1, height, width, sum);
    z = normed;
    x = sum;
    channels = out;
  }

  private void attend(VaeLayer.MidAttention attention) {
    int pixels = height * width;
    y = roomFor(y, 3 * channels);
    z = roomFor(z, channels);
    attention.norm().apply(workers, scratch, x, 1, pixels, false, z);
    attention.qkv().apply(workers, scratch, z, Rows.all(pixels), new Epilogue.Store(y));
    new Attention(pixels, 1, channels).apply(workers, scratch, y, new Rows(FIRST, 1, pixels), z);
    float[] ones = new float[channels];
    Arrays.fill(ones, 1);
    PerGroup gate = new PerGroup(ones, FIRST, 0, pixels);
    Epilogue add = new Epilogue.GatedAdd(x, gate, null);
    attention.out().apply(workers, scratch, z, Rows.all(pixels), add);
  }

  private void becomeY(int channels) {
    float[] old = x;
    x = y;
    y = old;
    this.channels = channels;
  }

  private float[] roomFor(float[] array, int channels) {
    return roomFor(array, channels, height, width);
  }

  private static float[] roomFor(float[] array, int channels, long height, long width) {
    double size = (double) channels * height * width;
    if (size > Integer.MAX_VALUE - 8) {
      throw new LazyDitException(
          "An image of %d x %d pixels has more than an array holds on its way through the VAE: go tile by tile."
              .formatted(height, width));
    }
    return array.length >= size ? array : new float[(int) size];
  }
}
