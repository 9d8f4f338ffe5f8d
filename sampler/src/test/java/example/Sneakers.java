package example;

import java.io.File;
import java.io.IOException;
import javax.imageio.ImageIO;
import lazydit.sampler.Pipeline;
import lazydit.sampler.SampleRequest;
import lazydit.sampler.SampleResult;

/** The example of the README, which shows the method below as it stands here. */
public final class Sneakers {
  private Sneakers() {}

  public static double draw(File file) throws IOException {
    try (Pipeline pipeline = Pipeline.builtin()) {
      int sneaker = pipeline.classes().label("sneaker");
      SampleRequest request = SampleRequest.builder().labels(sneaker).steps(20).seed(7).build();
      SampleResult result = pipeline.run(request);
      ImageIO.write(result.image(0), "png", file);
      return result.lazy().ratio();
    }
  }
}
