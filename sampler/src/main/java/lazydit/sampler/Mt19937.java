package lazydit.sampler;

/** The Mersenne Twister MT19937 (Matsumoto and Nishimura 1998), 32 random bits at a time. */
final class Mt19937 {
  private static final int SIZE = 624;
  private static final int MIDDLE = 397;

  private final int[] state = new int[SIZE];
  private int position = SIZE;

  Mt19937(int seed) {
    state[0] = seed;
    for (int i = 1; i < SIZE; i++) {
      state[i] = 1812433253 * (state[i - 1] ^ (state[i - 1] >>> 30)) + i;
    }
  }

  int next() {
    if (position == SIZE) {
      twist();
      position = 0;
    }
    int word = state[position++];
    word ^= word >>> 11;
    word ^= (word << 7) & 0x9d2c5680;
    word ^= (word << 15) & 0xefc60000;
    return word ^ (word >>> 18);
  }

  private void twist() {
    for (int i = 0; i < SIZE; i++) {
      int word = (state[i] & 0x80000000) | (state[(i + 1) % SIZE] & 0x7fffffff);
      int matrix = (word & 1) == 0 ? 0 : 0x9908b0df;
      state[i] = state[(i + MIDDLE) % SIZE] ^ (word >>> 1) ^ matrix;
    }
  }
}
