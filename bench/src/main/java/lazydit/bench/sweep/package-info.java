/**
 * The tile sweep, {@code lazydit bench sweep}: which block of a matrix product to keep in
 * registers, found by trying.
 */
package lazydit.bench.sweep;
