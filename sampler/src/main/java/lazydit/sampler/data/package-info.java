/** Data sets: pictures with labels to train on and to compare with, and their order. */
package lazydit.sampler.data;
