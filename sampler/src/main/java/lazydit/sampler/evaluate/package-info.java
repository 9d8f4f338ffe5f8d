/** How good drawn pictures are: measures in a classifier's features, and whole evaluations. */
package lazydit.sampler.evaluate;
