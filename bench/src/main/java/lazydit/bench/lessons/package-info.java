/**
 * The steps that lead to the engine's kernels, each as short as it can be: the code beside {@code
 * docs/kernels.md}. A lesson runs on one thread, and leaves out what the engine must do besides:
 * odd sizes, threads, epilogues.
 */
package lazydit.bench.lessons;
