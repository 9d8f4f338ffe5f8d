/** JMH benchmarks, peers and the report. Nothing depends on it. */
package lazydit.bench;
