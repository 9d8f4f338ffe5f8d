package lazydit.sampler.data;

import lazydit.sampler.ClassNames;

/**
 * Pictures in memory, a byte a value.
 *
 * @param name what to call them
 * @param origin in what form they came
 * @param channels C, 1 or 3
 * @param height H
 * @param width W
 * @param classes the classes
 * @param images of each picture {@code [C, H, W]}
 * @param labels of each picture its class
 */
record Pictures(
    String name,
    String origin,
    int channels,
    int height,
    int width,
    ClassNames classes,
    byte[][] images,
    int[] labels)
    implements DataSet {

  @Override
  public int count() {
    return images.length;
  }

  @Override
  public int label(int index) {
    return labels[index];
  }

  @Override
  public void read(int index, float[] into, int at) {
    byte[] image = images[index];
    for (int i = 0; i < image.length; i++) {
      into[at + i] = Byte.toUnsignedInt(image[i]) / 127.5f - 1;
    }
  }
}
