package lazydit.dit;

import lazydit.engine.Convolution;
import lazydit.engine.GroupNorm;
import lazydit.engine.Linear;
import lazydit.engine.UpsampledConvolution;

/** One step on the way through the encoder or decoder of a VAE. */
sealed interface VaeLayer {
  /** Its name in the checkpoint. */
  String name();

  /** A 3 x 3 convolution, over all pixels or every second. */
  record Conv(String name, Convolution convolution) implements VaeLayer {}

  /** A 1 x 1 convolution: a linear layer over the pixels. */
  record Pointwise(String name, Linear linear) implements VaeLayer {}

  /** Nearest doubling and a 3 x 3 convolution. */
  record Upsample(String name, UpsampledConvolution convolution) implements VaeLayer {}

  /** Group norm and SiLU. */
  record NormSilu(String name, GroupNorm norm) implements VaeLayer {}

  /**
   * x + conv2(silu(norm2(conv1(silu(norm1(x)))))).
   *
   * @param shortcut a 1 x 1 convolution of x in the sum, where the channels change; else null
   */
  record Resnet(
      String name,
      GroupNorm norm1,
      Convolution conv1,
      GroupNorm norm2,
      Convolution conv2,
      Linear shortcut)
      implements VaeLayer {}

  /** x + out(attention(qkv(norm(x)))) over all pixels, with one head. */
  record MidAttention(String name, GroupNorm norm, Linear qkv, Linear out) implements VaeLayer {}

  /** The end of a block of layers, for a probe. */
  record End(String name) implements VaeLayer {}
}
