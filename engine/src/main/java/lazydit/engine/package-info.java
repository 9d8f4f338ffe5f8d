/** Tensors, kernels and threads. Has never heard of diffusion. */
package lazydit.engine;
