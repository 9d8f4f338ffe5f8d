/** Trainings from their first step to a model's file, which can be interrupted at any time. */
package lazydit.sampler.training;
