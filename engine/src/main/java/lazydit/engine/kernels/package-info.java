/**
 * The kernels, in three layers: an interface, the scalar code that reads like the formula, and the
 * Vector API's. {@link lazydit.engine.kernels.Kernels} chooses once.
 */
package lazydit.engine.kernels;
