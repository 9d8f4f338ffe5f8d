/** Checkpoints in and out: safetensors, torch.save, inspect, convert, parity. */
package lazydit.weights;
