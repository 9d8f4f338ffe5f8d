package lazydit.weights;

/** Limits on what an untrusted file may make us allocate: the smaller the heap, the lower. */
final class HeapBudget {
  private HeapBudget() {}

  /**
   * @param most the limit where memory is no concern
   * @param bytesEach what one may cost in heap, counted generously
   */
  static long limit(long most, int bytesEach) {
    return Math.min(most, Runtime.getRuntime().maxMemory() / bytesEach);
  }
}
