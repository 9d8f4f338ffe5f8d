package lazydit.weights;

import java.util.List;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import lazydit.dit.WeightSource;

/**
 * A VAE's tensors under the names that {@link lazydit.dit.AutoencoderKl} asks for, diffusers'
 * present ones, whichever naming the file uses. Messages name tensors as the file does.
 *
 * <table>
 * <caption>The same tensors under three namings</caption>
 * <tr><th>diffusers</th><th>CompVis</th></tr>
 * <tr><td>{@code encoder.down_blocks.i.resnets.j}</td><td>{@code encoder.down.i.block.j}</td></tr>
 * <tr><td>{@code decoder.up_blocks.i.resnets.j}</td><td>{@code decoder.up.(n-1-i).block.j}</td></tr>
 * <tr><td>{@code conv_shortcut}</td><td>{@code nin_shortcut}</td></tr>
 * <tr><td>{@code downsamplers.0.conv}, {@code upsamplers.0.conv}</td>
 *     <td>{@code downsample.conv}, {@code upsample.conv}</td></tr>
 * <tr><td>{@code mid_block.resnets.0}, {@code 1}</td><td>{@code mid.block_1}, {@code 2}</td></tr>
 * <tr><td>{@code mid_block.attentions.0.group_norm}</td><td>{@code mid.attn_1.norm}</td></tr>
 * <tr><td>{@code to_q, to_k, to_v, to_out.0} (old: {@code query, key, value, proj_attn})</td>
 *     <td>{@code q, k, v, proj_out}, 1 x 1 convolutions</td></tr>
 * <tr><td>{@code conv_norm_out}</td><td>{@code norm_out}</td></tr>
 * </table>
 *
 * <p>Any of them may stand behind {@code first_stage_model.} or {@code vae.}, as in whole Stable
 * Diffusion checkpoints.
 */
public final class VaeNames implements WeightSource {
  /** The namings of published VAEs. */
  public enum Naming {
    /** diffusers since 0.13: {@code to_q, to_k, to_v, to_out.0}. */
    DIFFUSERS("diffusers"),
    /** diffusers before: {@code query, key, value, proj_attn}. */
    DIFFUSERS_OLD("diffusers (old attention names)"),
    /** The authors': {@code encoder.down.0.block.0}. */
    COMPVIS("CompVis");

    private final String title;

    Naming(String title) {
      this.title = title;
    }

    /** {@return its name for people} */
    public String title() {
      return title;
    }
  }

  private static final List<String> PREFIXES = List.of("", "first_stage_model.", "vae.");
  private static final int MAX_LEVELS = 64;

  private static final Pattern BLOCK =
      Pattern.compile("(?:down|up)_blocks\\.(\\d{1,3})\\.(resnets\\.\\d+|\\w+samplers\\.0)\\.(.+)");

  private static final Pattern MIDDLE_RESNET =
      Pattern.compile("mid_block\\.resnets\\.([01])\\.(.+)");

  private static final Pattern ATTENTION =
      Pattern.compile(
          "mid_block\\.attentions\\.0\\.(group_norm|to_q|to_k|to_v|to_out\\.0)\\.(\\w+)");

  /** Attention outside of the middle, which the VAEs of latent diffusion do without. */
  private static final Pattern LEVEL_ATTENTION =
      Pattern.compile(
          "(encoder|decoder)\\.((down|up)\\.\\d+\\.attn|(down|up)_blocks\\.\\d+\\.attentions)\\..*");

  private final WeightSource source;
  private final String prefix;
  private final Naming naming;

  /** Levels of a CompVis decoder, which counts them the other way around. */
  private final int levels;

  private final Set<String> read = ConcurrentHashMap.newKeySet();

  private VaeNames(WeightSource source, String prefix, Naming naming, int levels) {
    this.source = source;
    this.prefix = prefix;
    this.naming = naming;
    this.levels = levels;
  }

  /**
   * Finds a VAE in a checkpoint.
   *
   * @param source the checkpoint
   * @return its VAE's tensors, readable as long as the checkpoint is
   * @throws CheckpointException when there is none, or one of another architecture
   */
  public static VaeNames of(WeightSource source) {
    for (String prefix : PREFIXES) {
      if (isPrefix(prefix, source)) {
        VaeNames names =
            new VaeNames(source, prefix, naming(source, prefix), levels(source, prefix));
        names.requireNoLevelAttention();
        return names;
      }
    }
    throw new CheckpointException(
        source.describe(),
        "holds no VAE: it has neither decoder.conv_in.weight nor encoder.conv_in.weight, alone or"
            + " behind first_stage_model. or vae.");
  }

  private static boolean isPrefix(String prefix, WeightSource source) {
    return source.contains(prefix + "decoder.conv_in.weight")
        || source.contains(prefix + "encoder.conv_in.weight");
  }

  /** Whether there is a VAE, of whatever architecture. */
  static boolean matches(WeightSource source) {
    return PREFIXES.stream().anyMatch(prefix -> isPrefix(prefix, source));
  }

  private static Naming naming(WeightSource source, String prefix) {
    for (String half : List.of(prefix + "decoder", prefix + "encoder")) {
      if (source.contains(half + ".mid.block_1.conv1.weight")) {
        return Naming.COMPVIS;
      }
      if (source.contains(half + ".mid_block.attentions.0.query.weight")) {
        return Naming.DIFFUSERS_OLD;
      }
    }
    return Naming.DIFFUSERS;
  }

  private static int levels(WeightSource source, String prefix) {
    int levels = 0;
    while (levels < MAX_LEVELS
        && source.contains(prefix + "decoder.up." + levels + ".block.0.conv1.weight")) {
      levels++;
    }
    return levels;
  }

  private void requireNoLevelAttention() {
    for (String name : source.names()) {
      if (name.startsWith(prefix)
          && LEVEL_ATTENTION.matcher(name.substring(prefix.length())).matches()) {
        throw new CheckpointException(
            source.describe(),
            "its tensor '%s' belongs to attention outside of the middle block, which AutoencoderKL as in Stable Diffusion does not have"
                .formatted(name));
      }
    }
  }

  /** {@return which naming the file uses} */
  public Naming naming() {
    return naming;
  }

  /** {@return what stands before every name in the file; often empty} */
  public String prefix() {
    return prefix;
  }

  /** {@return the file's tensors that nothing has read through this view, in the file's order} */
  public List<String> unread() {
    return source.names().stream().filter(name -> !read.contains(name)).toList();
  }

  @Override
  public String nameOf(String name) {
    return prefix + translated(name, naming, levels);
  }

  /** What a naming calls a tensor of a VAE of so many levels. */
  static String translated(String name, Naming naming, int levels) {
    return switch (naming) {
      case DIFFUSERS -> name;
      case DIFFUSERS_OLD -> oldAttention(name);
      case COMPVIS -> compVis(name, levels);
    };
  }

  /** Whether a tensor is a matrix that CompVis stores as a 1 x 1 convolution. */
  static boolean isProjection(String name) {
    return name.endsWith(".weight") && matcher(ATTENTION, name) != null;
  }

  private static String oldAttention(String name) {
    Matcher attention = matcher(ATTENTION, name);
    if (attention == null) {
      return name;
    }
    String layer =
        switch (attention.group(1)) {
          case "to_q" -> "query";
          case "to_k" -> "key";
          case "to_v" -> "value";
          case "to_out.0" -> "proj_attn";
          default -> attention.group(1);
        };
    return half(name) + "mid_block.attentions.0." + layer + "." + attention.group(2);
  }

  private static String compVis(String name, int levels) {
    Matcher block = matcher(BLOCK, name);
    if (block != null) {
      int index = Integer.parseInt(block.group(1));
      boolean up = name.startsWith("decoder.");
      String part = block.group(2).replace("resnets.", "block.").replace("samplers.0", "sample");
      String rest = block.group(3).replace("conv_shortcut", "nin_shortcut");
      return "%s%s.%d.%s.%s"
          .formatted(half(name), up ? "up" : "down", up ? levels - 1 - index : index, part, rest);
    }
    Matcher resnet = matcher(MIDDLE_RESNET, name);
    if (resnet != null) {
      int index = Integer.parseInt(resnet.group(1)) + 1;
      return half(name) + "mid.block_" + index + "." + resnet.group(2);
    }
    Matcher attention = matcher(ATTENTION, name);
    if (attention != null) {
      String layer =
          switch (attention.group(1)) {
            case "group_norm" -> "norm";
            case "to_out.0" -> "proj_out";
            default -> attention.group(1).substring("to_".length());
          };
      return half(name) + "mid.attn_1." + layer + "." + attention.group(2);
    }
    return name.replace("conv_norm_out", "norm_out");
  }

  /** A match of what follows {@code encoder.} or {@code decoder.}, or null. */
  private static Matcher matcher(Pattern pattern, String name) {
    Matcher matcher = pattern.matcher(name.substring(half(name).length()));
    return matcher.matches() ? matcher : null;
  }

  private static String half(String name) {
    return name.startsWith("encoder.") || name.startsWith("decoder.") ? name.substring(0, 8) : "";
  }

  @Override
  public boolean contains(String name) {
    return source.contains(nameOf(name));
  }

  /** The shape, without the two ones of a projection of attention that is a 1 x 1 convolution. */
  @Override
  public long[] shape(String name) {
    long[] shape = source.shape(nameOf(name));
    return isProjection(name) && shape.length == 4 && shape[2] == 1 && shape[3] == 1
        ? new long[] {shape[0], shape[1]}
        : shape;
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    String own = nameOf(name);
    source.read(own, offset, into, at, count);
    read.add(own);
  }

  /** {@return the names in the file, in its order} */
  @Override
  public List<String> names() {
    return source.names();
  }

  @Override
  public String describe() {
    return source.describe();
  }
}
