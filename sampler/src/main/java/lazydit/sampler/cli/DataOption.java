package lazydit.sampler.cli;

import java.nio.file.Path;
import java.util.Set;
import lazydit.sampler.data.DataSet;
import lazydit.sampler.data.DataSets;
import lazydit.sampler.data.FashionMnist;
import lazydit.sampler.data.Split;
import picocli.CommandLine.Option;

/** The data set that a command learns from or compares with. */
final class DataOption {
  @Option(
      names = "--data",
      paramLabel = "FOLDER",
      description =
          "The data set, see lazydit data. Default: where Debian's package puts Fashion-MNIST.")
  private Path folder = FashionMnist.DEBIAN;

  /** Adds the same choice to a line to type. */
  void option(StringBuilder line) {
    ModelOptions.option(line, "--data", folder.equals(FashionMnist.DEBIAN) ? null : folder);
  }

  Set<Split> splits() {
    return DataSets.splits(folder);
  }

  DataSet open(Split split) {
    return DataSets.open(folder, split);
  }
}
