/** Diffusion transformers, the block executor, caches and gates. Has never heard of files. */
package lazydit.dit;
