/** Diffusion: schedules, samplers, guidance, the pipeline, the command line. */
package lazydit.sampler;
