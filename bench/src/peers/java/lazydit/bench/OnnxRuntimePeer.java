package lazydit.bench;

import ai.onnxruntime.OnnxTensor;
import ai.onnxruntime.OrtEnvironment;
import ai.onnxruntime.OrtException;
import ai.onnxruntime.OrtSession;
import java.nio.FloatBuffer;
import java.util.Map;

/** ONNX Runtime: matrix products with constant weights, which it packs when it loads them. */
public final class OnnxRuntimePeer implements Peer {
  private final OrtEnvironment environment = OrtEnvironment.getEnvironment();
  private int threads = 1;

  /** Loads ONNX Runtime from the class path. */
  public OnnxRuntimePeer() {}

  @Override
  public String name() {
    return "onnxruntime";
  }

  @Override
  public String version() {
    return environment.getVersion();
  }

  @Override
  public void setThreads(int threads) {
    this.threads = threads;
  }

  @Override
  public Side open(Work work) {
    try {
      return work instanceof GemmWork gemm ? new Product(gemm) : null;
    } catch (OrtException e) {
      throw new IllegalStateException(e);
    }
  }

  private final class Product implements Side {
    private final OrtSession session;
    private final Map<String, OnnxTensor> inputs;
    private OrtSession.Result output;

    Product(GemmWork work) throws OrtException {
      try (OrtSession.SessionOptions options = new OrtSession.SessionOptions()) {
        options.setIntraOpNumThreads(threads);
        session = environment.createSession(OnnxModel.product(work), options);
      }
      long[] shape = {work.m(), work.in()};
      FloatBuffer x = FloatBuffer.wrap(work.x());
      inputs = Map.of("x", OnnxTensor.createTensor(environment, x, shape));
    }

    @Override
    public void run() {
      if (output != null) {
        output.close();
      }
      try {
        output = session.run(inputs);
      } catch (OrtException e) {
        throw new IllegalStateException(e);
      }
    }

    @Override
    public float[] result() {
      FloatBuffer values = ((OnnxTensor) output.get(0)).getFloatBuffer();
      float[] result = new float[values.remaining()];
      values.get(result);
      return result;
    }

    @Override
    public void close() {
      if (output != null) {
        output.close();
      }
      inputs.get("x").close();
      try {
        session.close();
      } catch (OrtException e) {
        throw new IllegalStateException(e);
      }
    }
  }
}
