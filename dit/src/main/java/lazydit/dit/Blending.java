package lazydit.dit;

/**
 * What a recorded pass does with remembered outputs: of every branch it computes the output y and
 * uses {@code weight * y + (1 - weight) * old}, which is remembered in its turn.
 *
 * @param previous the outputs remembered, or null to compute everything and use it as it is
 * @param next receives the outputs used
 * @param weight how much of what is computed counts
 */
record Blending(BranchOutputs previous, BranchOutputs next, GateTrainingRun.Weight weight) {}
