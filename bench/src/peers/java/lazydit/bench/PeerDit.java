package lazydit.bench;

import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import java.io.InputStream;
import java.util.Arrays;
import lazydit.dit.DitConfig;
import lazydit.dit.Embeddings;
import lazydit.dit.WeightSource;

/** The network of {@link ForwardWork} in PyTorch's own operations. */
final class PeerDit {
  /** The weights of a block, in the order in which the script takes them. */
  private static final String[] BLOCK = {
    "adaLN_modulation.1", "attn.qkv", "attn.proj", "mlp.fc1", "mlp.fc2"
  };

  private static final int FIRST_BLOCK = 11;

  private PeerDit() {}

  /** The script: {@code w} holds all weights, those of the blocks from {@link #FIRST_BLOCK} on. */
  static InputStream script(DitConfig config) {
    String body =
        """
            x = torch.conv2d(images, w[0], w[1], [PATCH, PATCH])
            x = torch.add(torch.transpose(torch.flatten(x, 2), 1, 2), w[2])
            t = torch.linear(torch.silu(torch.linear(waves, w[3], w[4])), w[5], w[6])
            c = torch.silu(torch.add(t, label))
            for i in range(DEPTH):
              at = torch.add(torch.mul(i, 10), FIRST)
              m = torch.chunk(torch.unsqueeze(torch.linear(c, w[at], w[at + 1]), 1), 6, 2)
              z = torch.layer_norm(x, [WIDTH], None, None, EPS)
              z = torch.addcmul(m[0], z, torch.add(m[1], 1), out=z)
              z = torch.reshape(torch.linear(z, w[at + 2], w[at + 3]), QKV)
              z = torch.permute(z, [2, 0, 3, 1, 4])
              q = torch.select(z, 0, 0)
              k = torch.select(z, 0, 1)
              v = torch.select(z, 0, 2)
              z = torch.scaled_dot_product_attention(q, k, v)
              z = torch.reshape(torch.transpose(z, 1, 2), [BATCH, TOKENS, WIDTH])
              x = torch.addcmul_(x, m[2], torch.linear(z, w[at + 4], w[at + 5]))
              z = torch.layer_norm(x, [WIDTH], None, None, EPS)
              z = torch.addcmul(m[3], z, torch.add(m[4], 1), out=z)
              z = torch.gelu(torch.linear(z, w[at + 6], w[at + 7]), approximate="tanh")
              x = torch.addcmul_(x, m[5], torch.linear(z, w[at + 8], w[at + 9]))
            m = torch.chunk(torch.unsqueeze(torch.linear(c, w[7], w[8]), 1), 2, 2)
            z = torch.layer_norm(x, [WIDTH], None, None, EPS)
            z = torch.linear(torch.addcmul(m[0], z, torch.add(m[1], 1)), w[9], w[10])
            y = torch.reshape(z, [BATCH, GRID, GRID, PATCH, PATCH, CHANNELS])
            y = torch.permute(y, [0, 5, 1, 3, 2, 4])
            return torch.reshape(y, [BATCH, CHANNELS, GRID * PATCH, GRID * PATCH])
        """
            .replace("QKV", "[BATCH, TOKENS, 3, HEADS, HEADDIM]")
            .replace("HEADDIM", text(config.headDim()))
            .replace("FIRST", text(FIRST_BLOCK))
            .replace("PATCH", text(config.patchSize()))
            .replace("DEPTH", text(config.depth()))
            .replace("WIDTH", text(config.hiddenSize()))
            .replace("TOKENS", text(config.tokens()))
            .replace("HEADS", text(config.numHeads()))
            .replace("BATCH", text(ForwardWork.BATCH))
            .replace("GRID", text(config.grid()))
            .replace("CHANNELS", text(config.outChannels()))
            .replace("EPS", Float.toString(NormWork.EPS));
    return TorchScript.module(
        "images: Tensor, waves: Tensor, label: Tensor, w: List[Tensor]", body.indent(4));
  }

  private static String text(int number) {
    return Integer.toString(number);
  }

  /** What the script takes. */
  static NDList inputs(ForwardWork work, NDManager manager) {
    DitConfig config = work.config();
    int batch = ForwardWork.BATCH;
    int side = config.inputSize();
    NDList inputs =
        new NDList(
            manager.create(work.images(), new Shape(batch, config.inChannels(), side, side)),
            manager.create(waves(work.timesteps()), new Shape(batch, Embeddings.TIMESTEP_FEATURES)),
            labels(work, manager));
    Reader reader = new Reader(work.weights(), manager);
    float[] positions = Embeddings.position(config.hiddenSize(), config.grid());
    NDList weights = new NDList();
    weights.addAll(reader.layer("x_embedder.proj"));
    weights.add(manager.create(positions, new Shape(1, config.tokens(), config.hiddenSize())));
    weights.addAll(reader.layer("t_embedder.mlp.0"));
    weights.addAll(reader.layer("t_embedder.mlp.2"));
    weights.addAll(reader.layer("final_layer.adaLN_modulation.1"));
    weights.addAll(reader.layer("final_layer.linear"));
    for (int i = 0; i < config.depth(); i++) {
      for (String name : BLOCK) {
        weights.addAll(reader.layer("blocks." + i + "." + name));
      }
    }
    for (NDArray weight : weights) {
      // DJL makes a list of arrays of one name that ends so.
      weight.setName("w[]");
      inputs.add(weight);
    }
    return inputs;
  }

  private static float[] waves(float[] timesteps) {
    int features = Embeddings.TIMESTEP_FEATURES;
    float[] waves = new float[timesteps.length * features];
    for (int i = 0; i < timesteps.length; i++) {
      Embeddings.timestep(timesteps[i], waves, i * features, features);
    }
    return waves;
  }

  private static NDArray labels(ForwardWork work, NDManager manager) {
    int d = work.config().hiddenSize();
    int[] labels = work.labels();
    float[] rows = new float[labels.length * d];
    for (int i = 0; i < labels.length; i++) {
      work.weights()
          .read("y_embedder.embedding_table.weight", (long) labels[i] * d, rows, i * d, d);
    }
    return manager.create(rows, new Shape(labels.length, d));
  }

  /** Makes arrays of a checkpoint. */
  record Reader(WeightSource source, NDManager manager) {
    NDList layer(String name) {
      return new NDList(tensor(name + ".weight"), tensor(name + ".bias"));
    }

    private NDArray tensor(String name) {
      long[] shape = source.shape(name);
      float[] values = new float[Math.toIntExact(Arrays.stream(shape).reduce(1, (a, b) -> a * b))];
      source.read(name, 0, values, 0, values.length);
      return manager.create(values, new Shape(shape));
    }
  }
}
