package lazydit.weights;

import java.util.LinkedHashMap;
import java.util.Map;

/**
 * What the numbers in a tensor are like. Those that are not finite are counted and otherwise left
 * out.
 *
 * @param min the least; NaN when there is no finite number
 * @param max the greatest; likewise
 * @param mean their mean; likewise
 * @param deviation their standard deviation; likewise
 * @param nans how many are not a number
 * @param infinities how many are infinite
 */
public record TensorStatistics(
    double min, double max, double mean, double deviation, long nans, long infinities) {
  private static final int CHUNK = 1 << 14;

  /**
   * Reads a tensor once.
   *
   * @param tensor the tensor
   * @param progress told how many of its elements have been read
   * @return its statistics
   */
  public static TensorStatistics of(TensorData tensor, Progress progress) {
    Collector all = new Collector();
    double[] values = new double[(int) Math.min(CHUNK, tensor.size())];
    for (long first = 0; first < tensor.size(); first += CHUNK) {
      int count = (int) Math.min(CHUNK, tensor.size() - first);
      tensor.readDoubles(first, values, 0, count);
      all.add(values, count);
      progress.onProgress(first + count, tensor.size());
    }
    return all.result();
  }

  /** {@return whether all numbers are finite} */
  public boolean finite() {
    return nans == 0 && infinities == 0;
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("min", min);
    json.put("max", max);
    json.put("mean", mean);
    json.put("std", deviation);
    json.put("nan", nans);
    json.put("inf", infinities);
    return json;
  }

  /** Sums of chunks, merged as Chan, Golub and LeVeque (1979) do, so that no digits cancel. */
  private static final class Collector {
    private double min = Double.POSITIVE_INFINITY;
    private double max = Double.NEGATIVE_INFINITY;
    private double mean;
    private double squares;
    private long count;
    private long nans;
    private long infinities;

    void add(double[] values, int length) {
      double sum = 0;
      int finite = 0;
      for (int i = 0; i < length; i++) {
        double value = values[i];
        if (Math.abs(value) <= Double.MAX_VALUE) {
          min = Math.min(min, value);
          max = Math.max(max, value);
          sum += value;
          finite++;
        } else if (Double.isNaN(value)) {
          nans++;
        } else {
          infinities++;
        }
      }
      if (finite > 0) {
        merge(values, length, finite, sum / finite);
      }
    }

    private void merge(double[] values, int length, int finite, double chunkMean) {
      double chunkSquares = 0;
      for (int i = 0; i < length; i++) {
        double difference = values[i] - chunkMean;
        chunkSquares += Math.abs(values[i]) <= Double.MAX_VALUE ? difference * difference : 0;
      }
      double difference = chunkMean - mean;
      long total = count + finite;
      squares += chunkSquares + difference * difference * ((double) count * finite / total);
      mean += difference * finite / total;
      count = total;
    }

    TensorStatistics result() {
      return count == 0
          ? new TensorStatistics(Double.NaN, Double.NaN, Double.NaN, Double.NaN, nans, infinities)
          : new TensorStatistics(min, max, mean, Math.sqrt(squares / count), nans, infinities);
    }
  }
}
