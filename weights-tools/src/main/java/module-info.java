/** Checkpoints in and out: safetensors, torch.save, inspect, convert, parity. */
module lazydit.weights {
  requires transitive lazydit.dit;

  exports lazydit.weights;
}
