package lazydit.bench;

import java.io.PrintStream;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.function.DoubleSupplier;
import lazydit.engine.LazyDitException;
import lazydit.engine.WeightType;
import lazydit.engine.Workers;

/** What the tasks of one run share: settings, peers, threads, and the network once it is needed. */
final class Bench implements AutoCloseable {
  private final Effort effort;
  private final int threads;
  private final List<Peer> peers;
  private final PytorchProgram program;
  private final PrintStream err;
  private final Ceilings ceilings = new Ceilings();
  private final Map<Integer, Workers> workers = new HashMap<>();
  private ForwardWork network;

  /**
   * A run's surroundings.
   *
   * @param effort how long to measure
   * @param threads the larger number of threads; the smaller is 1
   * @param peers whom to compare with; closed with this
   * @param program a PyTorch program to compare the forward pass with, or null
   * @param err for everything that people read
   */
  Bench(Effort effort, int threads, List<Peer> peers, PytorchProgram program, PrintStream err) {
    this.effort = effort;
    this.threads = threads;
    this.peers = peers;
    this.program = program;
    this.err = err;
  }

  Effort effort() {
    return effort;
  }

  int threads() {
    return threads;
  }

  List<Peer> peers() {
    return peers;
  }

  /** May be null. */
  PytorchProgram program() {
    return program;
  }

  Ceilings ceilings() {
    return ceilings;
  }

  /** The ceiling behind work that multiplies and adds, its code warm. */
  DoubleSupplier computeCeiling(int threads) {
    Workers own = workers(threads);
    ceilings.warm(Limit.COMPUTE, own);
    return () -> ceilings.behind(Limit.COMPUTE, own);
  }

  Workers workers(int threads) {
    return workers.computeIfAbsent(threads, Workers::new);
  }

  /** DiT-XL/2, or as many blocks of it as the effort allows; packed once. */
  ForwardWork network() {
    if (network == null) {
      ceilings.release();
      network = network(WeightType.FLOAT32);
    }
    return network;
  }

  /** The network once more, with weights kept in another way. */
  ForwardWork network(WeightType type) {
    return ForwardWork.ofBlocks(effort.blocks(), type, workers(threads()));
  }

  /**
   * Lets ours and every peer that can do a work take turns at it, after a comparison of results.
   *
   * @param ours our side
   * @param work what is done
   * @param threads how many threads each side uses
   * @param ceiling measures the limit behind our runs, or null
   * @param tolerance how far results may differ, relative, in the Euclidean norm
   * @return our turns, and how many times as fast as each peer we are
   * @throws LazyDitException when a peer's result is another
   */
  Duel duel(Side ours, Work work, int threads, DoubleSupplier ceiling, double tolerance) {
    Map<String, Side> sides = new LinkedHashMap<>();
    try {
      ours.run();
      for (Peer peer : peers) {
        peer.setThreads(threads);
        Side side = peer.open(work);
        if (side != null) {
          sides.put(peer.name(), side);
          side.run();
          check(work, peer, ours.result(), side.result(), tolerance);
        }
      }
      List<Side> all = new ArrayList<>(List.of(ours));
      all.addAll(sides.values());
      Turns turns = Turns.take(all, ceiling, effort);
      Map<String, Double> ratios = new LinkedHashMap<>();
      int at = 0;
      for (String name : sides.keySet()) {
        ratios.put(name, turns.ratio(++at));
      }
      return new Duel(turns, ratios);
    } finally {
      sides.values().forEach(Side::close);
    }
  }

  /**
   * What came of it.
   *
   * @param turns all turns, ours first
   * @param ratios how many times as fast as each peer
   */
  record Duel(Turns turns, Map<String, Double> ratios) {}

  private void check(Work work, Peer peer, float[] ours, float[] theirs, double tolerance) {
    if (ours.length != theirs.length) {
      throw new LazyDitException(
          "%s: our result has %d values, that of %s %d."
              .formatted(work.name(), ours.length, peer.name(), theirs.length));
    }
    double difference = 0;
    double size = 0;
    for (int i = 0; i < ours.length; i++) {
      double d = (double) ours[i] - theirs[i];
      difference += d * d;
      size += (double) theirs[i] * theirs[i];
    }
    double relative = Math.sqrt(difference / size);
    if (!(relative <= tolerance)) {
      throw new LazyDitException(
          String.format(
              Locale.ROOT,
              "%s: our result and that of %s differ by %.2g, relative; at most %.2g was expected.",
              work.name(),
              peer.name(),
              relative,
              tolerance));
    }
    err.printf(Locale.ROOT, "    same result as %s within %.1e%n", peer.name(), relative);
  }

  @Override
  public void close() {
    workers.values().forEach(Workers::close);
    peers.forEach(Peer::close);
  }
}
