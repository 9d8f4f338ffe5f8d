/** Diffusion transformers, the block executor, caches and gates. Has never heard of files. */
module lazydit.dit {
  requires transitive lazydit.engine;

  exports lazydit.dit;
}
