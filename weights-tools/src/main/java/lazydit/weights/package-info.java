/**
 * Checkpoints in and out, and the comparison of this engine's numbers with another's.
 *
 * <h2>Reading</h2>
 *
 * <p>{@link lazydit.weights.Checkpoint} maps a file and gives its tensors as {@link
 * lazydit.weights.StoredTensor}s, read piece by piece, and everything else as plain Java values. A
 * pickle is interpreted as data: the Python names it may mention are a fixed list, and none of them
 * does anything but make a value. {@link lazydit.weights.LazyGateFile} reads the gates of lazy
 * learning.
 *
 * <h2>Writing</h2>
 *
 * <p>{@link lazydit.weights.SafetensorsWriter} streams tensors of any size; {@link
 * lazydit.weights.Convert} copies a checkpoint bit for bit. Files appear whole or not at all.
 *
 * <h2>Parity</h2>
 *
 * <p>A golden file answers whether this engine gives the numbers of the program that the weights
 * come from. It is {@code NAME.safetensors} with, beside the weights under their checkpoint's
 * names, inputs {@code in.*} and expected outputs {@code out.*}, and a sidecar {@code NAME.json}:
 *
 * <pre>{@code
 * {
 *   "kind": "dit",                      what to run
 *   "config": {"depth": 2, ...},        how
 *   "tensors": {                        optional: what the safetensors file should hold
 *     "out.final": {"dtype": "F32", "shape": [3, 8, 16, 16]}, ...
 *   },
 *   "accuracy": {                       |computed - e| <= atol + rtol * |e|
 *     "out.final": {"suggested_atol": 1.6e-4, "suggested_rtol": 0}, ...
 *   }
 * }
 * }</pre>
 *
 * <p>{@link lazydit.weights.GoldenFile} reads it, a {@link lazydit.weights.ParitySuite} computes,
 * and {@link lazydit.weights.ParityReport} compares. {@link lazydit.weights.TorchSaveParity} checks
 * the reading of checkpoints themselves.
 */
package lazydit.weights;
