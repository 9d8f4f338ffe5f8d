package lazydit.sampler.evaluate;

import lazydit.sampler.SampleRequest;

/**
 * One way to sample, to be compared with others.
 *
 * @param name what to call it
 * @param group rows of one group are one line of a chart, such as one sampler with different steps
 * @param request how to sample; which pictures, from which noise and under which guidance is the
 *     evaluation's to say
 */
public record EvaluationRow(String name, String group, SampleRequest request) {}
