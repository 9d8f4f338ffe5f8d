package lazydit.sampler.cli;

import java.util.LinkedHashMap;
import java.util.Map;
import lazydit.sampler.SampleResult;

/**
 * A run with gates beside the same run without.
 *
 * @param seconds without gates
 * @param speedup the time without gates divided by the time with them
 * @param meanSquared the mean squared difference of the samples, whose range is about [-1, 1]
 * @param largest the largest difference
 */
record Comparison(double seconds, double speedup, double meanSquared, double largest) {
  static Comparison of(SampleResult lazy, double lazySeconds, SampleResult full, double seconds) {
    double sum = 0;
    double largest = 0;
    for (int i = 0; i < lazy.samples().length; i++) {
      double difference = Math.abs((double) lazy.samples()[i] - full.samples()[i]);
      sum += difference * difference;
      largest = Math.max(largest, difference);
    }
    return new Comparison(seconds, seconds / lazySeconds, sum / lazy.samples().length, largest);
  }

  Map<String, Object> json() {
    Map<String, Object> json = new LinkedHashMap<>();
    json.put("seconds_without_gates", seconds);
    json.put("speedup", speedup);
    json.put("mean_squared_difference", meanSquared);
    json.put("max_abs_difference", largest);
    return json;
  }
}
