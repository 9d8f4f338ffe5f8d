/** Checkpoints in and out: safetensors, torch.save, inspect, convert, parity. */
module lazydit.weights {
  requires transitive lazydit.dit;

// exports lazydit.weights; as soon as a class is in it: javac refuses to export an empty package.
}
