package lazydit.weights;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.LinkedHashSet;
import java.util.Map;
import java.util.Set;

/** What a reader found in a file; the same whatever the container. */
final class Contents {
  /** All tensors by their full name, in the file's order. */
  final Map<String, StoredTensor> tensors = new LinkedHashMap<>();

  /** The top-level names under which nested tensors were found. */
  final Set<String> sections = new LinkedHashSet<>();

  /** Free text, as safetensors files carry it. */
  Map<String, String> metadata = Map.of();

  /** Everything that is not a tensor. */
  Map<String, Object> values = Collections.emptyMap();
}
