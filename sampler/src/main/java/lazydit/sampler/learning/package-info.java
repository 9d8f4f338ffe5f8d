/** How lazy gates are learned for a network that stays as it is. */
package lazydit.sampler.learning;
