package lazydit.dit;

import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import lazydit.engine.Parameters;

/**
 * What has been trained, as a checkpoint.
 *
 * @param describe what to call it
 * @param parameters the names and places
 * @param values the numbers: the parameters' own, or their average
 * @param fixed what belongs to the checkpoint too, but does not learn
 */
record ParameterSource(
    String describe, Parameters parameters, float[] values, Map<String, Fixed> fixed)
    implements WeightSource {

  /** A tensor that does not learn. */
  record Fixed(float[] values, long... shape) {}

  @Override
  public boolean contains(String name) {
    return parameters.contains(name) || fixed.containsKey(name);
  }

  @Override
  public long[] shape(String name) {
    return (fixed.containsKey(name) ? fixed.get(name).shape : parameters.get(name).shape()).clone();
  }

  @Override
  public void read(String name, long offset, float[] into, int at, int count) {
    int from = Math.toIntExact(offset);
    if (fixed.containsKey(name)) {
      System.arraycopy(fixed.get(name).values, from, into, at, count);
    } else {
      System.arraycopy(values, parameters.get(name).offset() + from, into, at, count);
    }
  }

  @Override
  public List<String> names() {
    return Stream.concat(
            parameters.list().stream().map(Parameters.Parameter::name), fixed.keySet().stream())
        .toList();
  }
}
