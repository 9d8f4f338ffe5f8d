package lazydit.bench;

import java.util.stream.IntStream;
import lazydit.engine.Attention;
import lazydit.engine.Rows;
import lazydit.engine.Scratch;
import lazydit.engine.Workers;

/**
 * Multi-head self-attention from the matrix of queries, keys and values to mixed rows.
 *
 * @param batch B, samples
 * @param heads H, heads
 * @param tokens T, tokens of a sample
 * @param headDim d, features of a head
 */
public record AttentionWork(int batch, int heads, int tokens, int headDim) implements Work {
  @Override
  public String benchmark() {
    return "attention";
  }

  @Override
  public String shape() {
    return batch + "x" + heads + "x" + tokens + "x" + headDim;
  }

  @Override
  public Limit limit() {
    return Limit.COMPUTE;
  }

  /** The two products; exponentials come on top and are not counted. */
  @Override
  public double amount() {
    return 4.0 * batch * heads * tokens * tokens * headDim;
  }

  @Override
  public double intensity() {
    return amount() / (4.0 * Float.BYTES * batch * heads * tokens * headDim);
  }

  /** {@return queries, keys and values, {@code [B, T, 3, H, d]}} */
  public float[] qkv() {
    float[] values = Work.uniform(3, 3 * batch * tokens * heads * headDim);
    for (int i = 0; i < values.length; i++) {
      values[i] *= 4;
    }
    return values;
  }

  @Override
  public Side ours(Workers workers) {
    float[] qkv = qkv();
    float[] out = new float[qkv.length / 3];
    Attention attention = new Attention(tokens, heads, headDim);
    Scratch scratch = new Scratch(workers);
    Rows samples = new Rows(IntStream.range(0, batch).toArray(), batch, tokens);
    return new Side() {
      @Override
      public void run() {
        attention.apply(workers, scratch, qkv, samples, out);
      }

      @Override
      public float[] result() {
        return out;
      }
    };
  }
}
