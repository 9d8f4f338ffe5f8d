/** The {@code lazydit} command line. */
package lazydit.sampler.cli;
