/** Tensors, kernels and threads. Has never heard of diffusion. */
module lazydit.engine {
  // Optional at run time: without it the scalar kernels run, and say so.
  requires static jdk.incubator.vector;

  exports lazydit.engine;
}
