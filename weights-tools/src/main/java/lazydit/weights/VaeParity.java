package lazydit.weights;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeSet;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.AutoencoderKl;
import lazydit.dit.AutoencoderKlConfig;
import lazydit.dit.AutoencoderKlRun;
import lazydit.dit.LatentDistribution;
import lazydit.engine.ChannelsLast;
import lazydit.engine.Tensor;
import lazydit.engine.Workers;

/**
 * A VAE, looked at inside: golden files of kind {@code vae}, with latents {@code in.decN.z} and
 * images {@code in.encN.image}, {@code [B, C, H, W]}. Expected are {@code out.decN.image}, {@code
 * out.encN.moments}, {@code mean}, {@code logvar}, {@code std} and (for {@code in.encN.noise})
 * {@code sample}, and any intermediate under its name in the checkpoint, such as {@code
 * out.dec0.mid_block.attentions.0}; with {@code .first_channels} behind it the first few channels.
 */
public final class VaeParity implements ParitySuite {
  private static final Pattern CASE = Pattern.compile("out\\.((?:dec|enc)\\d{1,6})\\..+");
  private static final String FIRST_CHANNELS = ".first_channels";

  /** A suite; it holds nothing. */
  public VaeParity() {}

  @Override
  public boolean handles(GoldenFile golden) {
    return golden.kind().equals("vae");
  }

  @Override
  public Map<String, Computed> run(GoldenFile golden) {
    TreeSet<String> cases = new TreeSet<>();
    for (String name : golden.expectedNames()) {
      Matcher matcher = CASE.matcher(name);
      if (matcher.matches()) {
        cases.add(matcher.group(1));
      }
    }
    boolean decodes = cases.stream().anyMatch(name -> name.startsWith("dec"));
    boolean encodes = cases.stream().anyMatch(name -> name.startsWith("enc"));
    VaeNames names = VaeNames.of(golden.weights());
    Map<String, Object> stated = Json.object(golden.config(), golden.path().toString(), "'config'");
    AutoencoderKlConfig config = VaeFile.config(names, stated, golden.path().toString());
    AutoencoderKl.Parts parts =
        !encodes
            ? AutoencoderKl.Parts.DECODER
            : decodes ? AutoencoderKl.Parts.BOTH : AutoencoderKl.Parts.ENCODER;
    AutoencoderKl vae = new AutoencoderKl(config, names, parts);
    Map<String, Computed> computed = new LinkedHashMap<>();
    try (Workers workers = new Workers(Workers.defaultThreads())) {
      for (String name : cases) {
        new Case(golden, name, vae, computed).run(workers);
      }
    }
    return computed;
  }

  /** One input, and what is wanted of the way that it goes. */
  private static final class Case {
    private final GoldenFile golden;
    private final String name;
    private final AutoencoderKl vae;
    private final Map<String, Computed> computed;

    /** By name of a layer, one image after the other: planes and their shape. */
    private final Map<String, List<Tensor>> seen = new LinkedHashMap<>();

    Case(GoldenFile golden, String name, AutoencoderKl vae, Map<String, Computed> computed) {
      this.golden = golden;
      this.name = name;
      this.vae = vae;
      this.computed = computed;
    }

    void run(Workers workers) {
      AutoencoderKlRun run = vae.newRun(workers);
      run.probe(this::see);
      if (name.startsWith("dec")) {
        keep("image", run.decode(input("z", vae.config().latentChannels())));
      } else {
        encode(run);
      }
      String half = name.startsWith("dec") ? "decoder." : "encoder.";
      seen.forEach((layer, images) -> keepLayer(layer.replaceFirst("^" + half, ""), images));
    }

    private void encode(AutoencoderKlRun run) {
      LatentDistribution latents = run.encode(input("image", vae.config().inChannels()));
      keep("moments", latents.moments());
      keep("mean", latents.mean());
      keep("logvar", latents.logVariance());
      keep("std", latents.std());
      if (golden.hasInput(name + ".noise")) {
        keep("sample", latents.sample(input("noise", vae.config().latentChannels())));
      }
    }

    private Tensor input(String what, int channels) {
      StoredTensor stored = golden.input(name + "." + what, -1, channels, -1, -1);
      int[] shape = Arrays.stream(stored.shape()).mapToInt(Math::toIntExact).toArray();
      return Tensor.of(stored.toFloats(), shape);
    }

    private void see(String layer, float[] values, int offset, long... shape) {
      int channels = (int) shape[3];
      int pixels = (int) (shape[1] * shape[2]);
      float[] pixelwise = Arrays.copyOfRange(values, offset, offset + pixels * channels);
      Tensor planes = Tensor.zeros(1, channels, (int) shape[1], (int) shape[2]);
      ChannelsLast.toPlanes(pixelwise, 1, channels, pixels, planes.data(), 0);
      seen.computeIfAbsent(layer, any -> new ArrayList<>()).add(planes);
    }

    private void keepLayer(String layer, List<Tensor> images) {
      if (golden.expects(out(layer))) {
        keep(layer, joined(images, images.getFirst().size(1)));
      }
      String first = out(layer + FIRST_CHANNELS);
      if (golden.expects(first)) {
        long[] shape = golden.expected(first).shape();
        int channels = images.getFirst().size(1);
        int some = shape.length == 4 ? (int) Math.clamp(shape[1], 0L, channels) : channels;
        keep(layer + FIRST_CHANNELS, joined(images, some));
      }
    }

    /** The first channels of all images as one tensor. */
    private static Tensor joined(List<Tensor> images, int channels) {
      Tensor one = images.getFirst();
      Tensor all = Tensor.zeros(images.size(), channels, one.size(2), one.size(3));
      int length = all.data().length / images.size();
      for (int i = 0; i < images.size(); i++) {
        System.arraycopy(images.get(i).data(), 0, all.data(), i * length, length);
      }
      return all;
    }

    private void keep(String what, Tensor tensor) {
      if (golden.expects(out(what))) {
        long[] shape = Arrays.stream(tensor.shape()).asLongStream().toArray();
        computed.put(out(what), Computed.of(tensor.data(), shape));
      }
    }

    private String out(String what) {
      return "out." + name + "." + what;
    }
  }
}
