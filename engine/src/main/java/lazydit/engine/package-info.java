/**
 * The tensor engine: fused operations of a transformer over float32 arrays, in bands over threads.
 *
 * <p>Matrices are row-major {@code float[]}; sizes come beside them. Operations read and write
 * arrays of their caller and keep nothing; what they need in passing lies in a {@link
 * lazydit.engine.Scratch} that the caller owns.
 */
package lazydit.engine;
