package lazydit.dit;

import static org.junit.jupiter.api.Assertions.assertArrayEquals;
import static org.junit.jupiter.api.Assertions.assertEquals;
import static org.junit.jupiter.api.Assertions.assertThrows;
import static org.junit.jupiter.api.Assertions.assertTrue;

import java.util.Arrays;
import java.util.HashMap;
import java.util.Map;
import java.util.SplittableRandom;
import lazydit.engine.AdamW;
import lazydit.engine.LazyDitException;
import lazydit.engine.Parameters;
import lazydit.engine.Workers;
import org.junit.jupiter.api.AfterAll;
import org.junit.jupiter.api.Test;

class TrainableClassifierTest {
  private static final ClassifierConfig CONFIG = new ClassifierConfig(2, 8, 5, 7, 6, 3);
  private static final int BATCH = 3;
  private static final int[] LABELS = {2, 0, 2};
  private static final Workers WORKERS = new Workers(2);

  @AfterAll
  static void close() {
    WORKERS.close();
  }

  private static TrainableClassifier network() {
    return new TrainableClassifier(CONFIG, new InitialWeights(CONFIG, 3));
  }

  private static float[] dropout(int size) {
    SplittableRandom random = new SplittableRandom(2);
    float[] factors = new float[size];
    for (int i = 0; i < size; i++) {
      factors[i] = random.nextInt(4) == 0 ? 0 : 4 / 3f;
    }
    return factors;
  }

  private static double loss(Map<String, double[]> weights, float[] images, float[] dropout) {
    double mean = 0;
    for (int n = 0; n < BATCH; n++) {
      double[] logits =
          new ReferenceClassifier(CONFIG)
              .see(
                  weights::get,
                  Samples.widened(Samples.part(images, n, BATCH)),
                  Samples.widened(Samples.part(dropout, n, BATCH)))
              .logits();
      double sum = Arrays.stream(logits).map(Math::exp).sum();
      mean += (Math.log(sum) - logits[LABELS[n]]) / BATCH;
    }
    return mean;
  }

  @Test
  void gradientsAreTheDerivativesOfTheDefinition() {
    TrainableClassifier network = network();
    ClassifierTrainingRun run = network.newRun(BATCH, WORKERS);
    float[] images = Samples.normal(1, BATCH * CONFIG.inputLength());
    float[] dropout = dropout(BATCH * run.dropoutLength());
    double mean = 0;
    for (float loss : run.pass(images, LABELS, dropout)) {
      mean += loss / BATCH;
    }
    Parameters parameters = network.parameters();
    Map<String, double[]> weights = new HashMap<>();
    for (Parameters.Parameter p : parameters.list()) {
      int end = p.offset() + p.size();
      float[] values = Arrays.copyOfRange(parameters.values(), p.offset(), end);
      weights.put(p.name(), Samples.widened(values));
    }
    assertEquals(loss(weights, images, dropout), mean, 1e-6);
    for (Parameters.Parameter p : parameters.list()) {
      double[] at = weights.get(p.name());
      double[] expected = new double[at.length];
      for (int i = 0; i < at.length; i++) {
        double old = at[i];
        at[i] = old + 1e-5;
        double above = loss(weights, images, dropout);
        at[i] = old - 1e-5;
        expected[i] = (above - loss(weights, images, dropout)) / 2e-5;
        at[i] = old;
      }
      float[] found = Arrays.copyOfRange(parameters.gradients(), p.offset(), p.offset() + p.size());
      Samples.assertClose(expected, found, 1e-5, p.name());
    }
  }

  @Test
  void learnsAndIsTheClassifierThatIsShipped() {
    float[] images = Samples.normal(1, BATCH * CONFIG.inputLength());
    TrainableClassifier network = network();
    ClassifierTrainingRun run = network.newRun(BATCH, WORKERS);
    float[] all = new float[BATCH * run.dropoutLength()];
    Arrays.fill(all, 1);
    AdamW optimiser = new AdamW(network.parameters(), 0.9, 0.999, 1e-8, 0);
    float[] losses = run.pass(images, LABELS, all);
    for (int i = 0; i < 60; i++) {
      network.parameters().clearGradients();
      losses = run.pass(images, LABELS, all);
      optimiser.step(WORKERS, 0.02);
      network.repack(WORKERS);
    }
    for (float loss : losses) {
      assertTrue(loss < 0.05, "loss " + loss);
    }
    float[] logits = new float[BATCH * CONFIG.classes()];
    Classifier classifier = new Classifier(network.weights());
    assertEquals(CONFIG, classifier.config());
    classifier
        .newRun(BATCH, WORKERS)
        .forward(images, 0, BATCH, new float[BATCH * CONFIG.features()], logits);
    for (int n = 0; n < BATCH; n++) {
      float[] own = Samples.part(logits, n, BATCH);
      for (int k = 0; k < CONFIG.classes(); k++) {
        assertTrue(k == LABELS[n] || own[k] < own[LABELS[n]] - 2, Arrays.toString(own));
      }
    }
  }

  @Test
  void threadsDoNotShow() {
    float[] images = Samples.normal(1, BATCH * CONFIG.inputLength());
    TrainableClassifier[] networks = {network(), network()};
    float[] dropout = dropout(BATCH * networks[0].newRun(BATCH, WORKERS).dropoutLength());
    networks[0].newRun(BATCH, WORKERS).pass(images, LABELS, dropout);
    try (Workers one = new Workers(1)) {
      networks[1].newRun(BATCH, one).pass(images, LABELS, dropout);
    }
    assertArrayEquals(networks[0].parameters().gradients(), networks[1].parameters().gradients());
  }

  @Test
  void otherLengthsAreRefused() {
    ClassifierTrainingRun run = network().newRun(BATCH, WORKERS);
    float[] images = new float[BATCH * CONFIG.inputLength()];
    float[] dropout = new float[BATCH * run.dropoutLength()];
    assertThrows(LazyDitException.class, () -> run.pass(images, new int[2], dropout));
    assertThrows(LazyDitException.class, () -> run.pass(images, LABELS, images));
    assertThrows(LazyDitException.class, () -> run.pass(dropout, LABELS, dropout));
  }
}
