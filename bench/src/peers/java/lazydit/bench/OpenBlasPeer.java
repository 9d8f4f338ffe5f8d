package lazydit.bench;

import static org.bytedeco.openblas.global.openblas_full.CblasNoTrans;
import static org.bytedeco.openblas.global.openblas_full.CblasRowMajor;
import static org.bytedeco.openblas.global.openblas_full.CblasTrans;
import static org.bytedeco.openblas.global.openblas_full.cblas_sgemm;

import org.bytedeco.javacpp.FloatPointer;
import org.bytedeco.openblas.global.openblas_full;

/** OpenBLAS, from JavaCPP's presets: matrix products, operands off the heap. */
public final class OpenBlasPeer implements Peer {
  @Override
  public String name() {
    return "openblas";
  }

  @Override
  public String version() {
    return openblas_full.openblas_get_config().getString();
  }

  @Override
  public void setThreads(int threads) {
    openblas_full.openblas_set_num_threads(threads);
  }

  @Override
  public Side open(Work work) {
    return work instanceof GemmWork gemm ? new Product(gemm) : null;
  }

  private static final class Product implements Side {
    private final GemmWork work;
    private final FloatPointer x;
    private final FloatPointer w;
    private final FloatPointer y;

    Product(GemmWork work) {
      this.work = work;
      x = new FloatPointer(work.x());
      w = new FloatPointer(work.weights());
      y = new FloatPointer((long) work.m() * work.out());
    }

    @Override
    public void run() {
      int m = work.m();
      int n = work.out();
      int k = work.in();
      cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, x, k, w, k, 0, y, n);
    }

    @Override
    public float[] result() {
      float[] result = new float[work.m() * work.out()];
      y.get(result);
      return result;
    }

    @Override
    public void close() {
      x.close();
      w.close();
      y.close();
    }
  }
}
