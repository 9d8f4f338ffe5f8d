package lazydit.weights;

import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.engine.ChannelsLast;
import lazydit.engine.Convolution;
import lazydit.engine.GroupNorm;
import lazydit.engine.Linear;
import lazydit.engine.Scratch;
import lazydit.engine.UpsampledConvolution;
import lazydit.engine.Workers;

/**
 * Operations on images: those of golden files of kind {@code kernels} that {@link KernelParity} has
 * no rule for. {@code out.convI} is a convolution with as many zeros around as keep the size, and
 * {@code out.convI.asym} one with zeros on the right and below only; {@code out.gnI} is a group
 * norm, also with SiLU behind it and of an input with an offset; {@code out.up.nearest2x} doubles.
 */
public final class ImageKernelParity implements ParitySuite {
  private static final Pattern CONVOLUTION = Pattern.compile("out\\.conv(\\d{1,6})(\\.asym)?");
  private static final Pattern NORM = Pattern.compile("out\\.gn(\\d{1,6})(\\.silu|\\.offset)?");
  private static final String DOUBLED = "out.up.nearest2x";
  private static final float EPSILON = 1e-6f;

  /** A suite; it holds nothing. */
  public ImageKernelParity() {}

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("kernels");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      for (String name : golden.expectedNames()) {
        Matcher convolution = CONVOLUTION.matcher(name);
        Matcher norm = NORM.matcher(name);
        if (convolution.matches()) {
          int index = Integer.parseInt(convolution.group(1));
          computed.put(name, convolve(golden, index, convolution.group(2) != null, workers));
        } else if (norm.matches()) {
          int index = Integer.parseInt(norm.group(1));
          String kind = norm.group(2) == null ? "" : norm.group(2);
          computed.put(name, normalise(golden, index, kind, workers));
        } else if (name.equals(DOUBLED)) {
          computed.put(name, doubled(golden, workers));
        }
      }
    }
    return computed;
  }

  /** Images of a golden file, turned to channels-last, and the way back. */
  private record Images(int batch, int channels, int height, int width, float[] values) {
    static Images input(GoldenFile golden, String name, long channels) {
      StoredTensor stored = golden.input(name, -1, channels, -1, -1);
      long[] shape = stored.shape();
      Images images = blank((int) shape[0], (int) shape[1], (int) shape[2], (int) shape[3]);
      ChannelsLast.fromPlanes(
          stored.toFloats(), 0, images.batch, images.channels, images.pixels(), images.values);
      return images;
    }

    static Images blank(int batch, int channels, int height, int width) {
      int pixels = Math.multiplyExact(Math.multiplyExact(batch, height), width);
      return new Images(
          batch, channels, height, width, new float[Math.multiplyExact(pixels, channels)]);
    }

    int pixels() {
      return height * width;
    }

    Computed computed() {
      float[] planes = new float[values.length];
      ChannelsLast.toPlanes(values, batch, channels, pixels(), planes, 0);
      return Computed.of(planes, batch, channels, height, width);
    }
  }

  private static Computed convolve(GoldenFile golden, int index, boolean right, Workers workers) {
    String name = "conv" + index;
    StoredTensor weight = golden.input(name + ".weight", -1, -1, -1, -1);
    int out = (int) weight.shape()[0];
    int in = (int) weight.shape()[1];
    int size = (int) weight.shape()[3];
    golden.input(name + ".weight", out, in, size, size);
    int stride = sizes(golden, "conv_n_cin_cout_h_w_k_stride", index, 6);
    int zeros = size / 2;
    Convolution.Window window =
        right
            ? new Convolution.Window(size, stride, 0, zeros)
            : new Convolution.Window(size, stride, zeros, zeros);
    Convolution convolution =
        Convolution.pack(
            out,
            in,
            window,
            rows(weight.toFloats(), in * size * size),
            golden.input(name + ".bias", out).toFloats());
    Images x = Images.input(golden, name + ".x", in);
    Images y = Images.blank(x.batch, out, window.count(x.height), window.count(x.width));
    Scratch scratch = new Scratch(workers);
    convolution.apply(workers, scratch, x.values, x.batch, x.height, x.width, y.values);
    return y.computed();
  }

  private static Linear.RowReader rows(float[] weight, int length) {
    return (row, into, at) -> System.arraycopy(weight, row * length, into, at, length);
  }

  /** The case with an offset has neither weight nor bias: it is about digits lost. */
  private static Computed normalise(GoldenFile golden, int index, String kind, Workers workers) {
    String name = "gn" + index;
    boolean offset = kind.equals(".offset");
    Images x = Images.input(golden, name + (offset ? ".x_offset" : ".x"), -1);
    float[] weight = golden.input(name + ".weight", x.channels).toFloats();
    float[] bias = golden.input(name + ".bias", x.channels).toFloats();
    if (offset) {
      Arrays.fill(weight, 1);
      Arrays.fill(bias, 0);
    }
    int groups = sizes(golden, "groupnorm_n_c_h_w_groups", index, 4);
    new GroupNorm(groups, weight, bias, EPSILON)
        .apply(
            workers,
            new Scratch(workers),
            x.values,
            x.batch,
            x.pixels(),
            kind.equals(".silu"),
            x.values);
    return x.computed();
  }

  /** Doubling is only done on the way into a convolution: here one that hands on its middle. */
  private static Computed doubled(GoldenFile golden, Workers workers) {
    Images x = Images.input(golden, "up.x", -1);
    int middle = 4;
    Linear.RowReader identity =
        (row, into, at) -> {
          Arrays.fill(into, at, at + 9 * x.channels, 0);
          into[at + 9 * row + middle] = 1;
        };
    Images y = Images.blank(x.batch, x.channels, 2 * x.height, 2 * x.width);
    UpsampledConvolution.pack(x.channels, x.channels, identity, null)
        .apply(workers, new Scratch(workers), x.values, x.batch, x.height, x.width, y.values);
    return y.computed();
  }

  /** A number of the configuration's lists of sizes, one list a case. */
  private static int sizes(GoldenFile golden, String key, int index, int position) {
    if (golden.config(key) instanceof List<?> cases
        && index < cases.size()
        && cases.get(index) instanceof List<?> sizes
        && position < sizes.size()
        && sizes.get(position) instanceof Long value
        && value == value.intValue()) {
      return value.intValue();
    }
    throw golden.fault(
        "its sidecar has no '%s' in 'config' with a number %d for case %d"
            .formatted(key, position, index));
  }
}
