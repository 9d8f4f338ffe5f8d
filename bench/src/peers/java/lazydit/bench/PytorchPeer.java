package lazydit.bench;

import ai.djl.Device;
import ai.djl.MalformedModelException;
import ai.djl.Model;
import ai.djl.engine.Engine;
import ai.djl.ndarray.NDArray;
import ai.djl.ndarray.NDList;
import ai.djl.ndarray.NDManager;
import ai.djl.ndarray.types.Shape;
import ai.djl.pytorch.engine.PtModel;
import ai.djl.pytorch.jni.JniUtils;
import ai.djl.training.ParameterStore;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.util.function.Function;

/**
 * PyTorch with MKL and oneDNN, through DJL: each work as a TorchScript function, so that PyTorch
 * uses the best operations it has.
 */
public final class PytorchPeer implements Peer {
  private final Engine engine;

  /** Loads PyTorch from the class path; nothing is downloaded, nobody told. */
  public PytorchPeer() {
    System.setProperty("ai.djl.offline", "true");
    System.setProperty("OPT_OUT_TRACKING", "true");
    engine = Engine.getEngine("PyTorch");
  }

  @Override
  public String name() {
    return "pytorch";
  }

  @Override
  public String version() {
    return engine.getVersion() + " through DJL " + Engine.getDjlVersion();
  }

  @Override
  public void setThreads(int threads) {
    JniUtils.setNumThreads(threads);
  }

  @Override
  public Side open(Work work) {
    return switch (work) {
      case GemmWork w ->
          new Script(
              TorchScript.module("x: Tensor, w: Tensor", "        return torch.linear(x, w)"),
              m -> new NDList(m.create(w.x(), new Shape(w.m(), w.in())), weights(w, m)));
      case AttentionWork w -> new Script(attention(), m -> new NDList(qkv(w, m)));
      case NormWork w -> new Script(norm(w), m -> normInputs(w, m));
      case GeluWork w -> new Script(gelu(), m -> geluInputs(w, m));
      case ResidualWork w -> new Script(residual(), m -> residualInputs(w, m));
      case ForwardWork w -> new Script(PeerDit.script(w.config()), m -> PeerDit.inputs(w, m));
      case VaeWork w -> new Script(PeerVae.script(w), m -> PeerVae.inputs(w, m));
    };
  }

  private static NDArray weights(GemmWork work, NDManager manager) {
    return manager.create(work.weights(), new Shape(work.out(), work.in()));
  }

  private static InputStream attention() {
    return TorchScript.module(
        "qkv: Tensor",
        """
            a = torch.permute(qkv, [2, 0, 3, 1, 4])
            q = torch.select(a, 0, 0)
            k = torch.select(a, 0, 1)
            v = torch.select(a, 0, 2)
            y = torch.scaled_dot_product_attention(q, k, v)
            return torch.contiguous(torch.transpose(y, 1, 2))
        """
            .indent(4));
  }

  private static NDArray qkv(AttentionWork w, NDManager manager) {
    Shape shape = new Shape(w.batch(), w.tokens(), 3, w.heads(), w.headDim());
    return manager.create(w.qkv(), shape);
  }

  private static InputStream norm(NormWork work) {
    return TorchScript.module(
        "x: Tensor, shift: Tensor, scale: Tensor",
        """
            z = torch.layer_norm(x, [%d], None, None, %s)
            return torch.addcmul(shift, z, torch.add(scale, 1), out=z)
        """
            .formatted(work.width(), NormWork.EPS)
            .indent(4));
  }

  private static NDList normInputs(NormWork w, NDManager manager) {
    Shape vectors = new Shape(w.samples(), 1, w.width());
    return new NDList(
        manager.create(w.x(), new Shape(w.samples(), w.tokens(), w.width())),
        manager.create(w.shift(), vectors),
        manager.create(w.scale(), vectors));
  }

  private static InputStream gelu() {
    return TorchScript.module(
        "x: Tensor, y: Tensor", "        return torch.gelu(x, approximate=\"tanh\", out=y)");
  }

  private static NDList geluInputs(GeluWork w, NDManager manager) {
    float[] all = new float[w.pieces() * w.size()];
    for (int i = 0; i < w.pieces(); i++) {
      System.arraycopy(w.x(i), 0, all, i * w.size(), w.size());
    }
    return new NDList(
        manager.create(all, new Shape(all.length)),
        manager.create(new float[all.length], new Shape(all.length)));
  }

  private static InputStream residual() {
    return TorchScript.module(
        "x: Tensor, gate: Tensor, y: Tensor", "        return torch.addcmul_(x, gate, y)");
  }

  private static NDList residualInputs(ResidualWork w, NDManager manager) {
    Shape rows = new Shape(w.samples(), w.tokens(), w.width());
    return new NDList(
        manager.create(w.x(), rows),
        manager.create(w.gate(), new Shape(w.samples(), 1, w.width())),
        manager.create(w.y(), rows));
  }

  /** A script with its inputs. */
  private static final class Script implements Side {
    private final Model model;
    private final NDManager manager;
    private final NDList inputs;
    private final ParameterStore parameters;
    private NDList outputs;

    Script(InputStream script, Function<NDManager, NDList> inputs) {
      model = Model.newInstance("work", Device.cpu(), "PyTorch");
      try {
        ((PtModel) model).load(script, false);
      } catch (IOException e) {
        throw new UncheckedIOException(e);
      } catch (MalformedModelException e) {
        throw new IllegalStateException(e);
      }
      manager = model.getNDManager();
      parameters = new ParameterStore(manager, false);
      this.inputs = inputs.apply(manager);
    }

    @Override
    public void run() {
      if (outputs != null) {
        outputs.close();
      }
      outputs = model.getBlock().forward(parameters, inputs, false);
    }

    @Override
    public float[] result() {
      return outputs.head().toFloatArray();
    }

    @Override
    public void close() {
      model.close();
    }
  }
}
