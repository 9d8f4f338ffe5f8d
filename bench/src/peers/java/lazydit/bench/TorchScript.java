package lazydit.bench;

import java.io.ByteArrayInputStream;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.InputStream;
import java.io.UncheckedIOException;
import java.nio.charset.StandardCharsets;
import java.util.zip.CRC32;
import java.util.zip.ZipEntry;
import java.util.zip.ZipOutputStream;

/**
 * A TorchScript archive with one module without parameters, as {@code torch.jit.load} reads it. It
 * gives Java the operations of PyTorch for which DJL has no method of its own.
 */
final class TorchScript {
  /** A pickle of an object of class {@code __torch__.M} that is not training. */
  private static final String MODULE =
      "\u0080\u0002c__torch__\nM\n)\u0081}(X\u0008\0\0\0training\u0089ub.";

  /** A pickle of the empty tuple: no constants. */
  private static final String NO_CONSTANTS = "\u0080\u0002).";

  /** The first format whose gelu knows its tanh approximation. */
  private static final String VERSION = "10\n";

  private TorchScript() {}

  /**
   * Makes the archive.
   *
   * @param arguments of {@code forward}, in TorchScript, such as {@code x: Tensor}
   * @param body of {@code forward}, each line indented by four spaces
   * @return its bytes
   */
  static InputStream module(String arguments, String body) {
    String code =
        """
        class M(Module):
          __parameters__ = []
          __buffers__ = []
          training : bool
          def forward(self: __torch__.M,
              %s) -> Tensor:
        %s
        """
            .formatted(arguments, body.stripTrailing());
    ByteArrayOutputStream bytes = new ByteArrayOutputStream();
    try (ZipOutputStream zip = new ZipOutputStream(bytes)) {
      zip.setMethod(ZipOutputStream.STORED);
      put(zip, "m/data.pkl", MODULE.getBytes(StandardCharsets.ISO_8859_1));
      put(zip, "m/code/__torch__.py", code.getBytes(StandardCharsets.UTF_8));
      put(zip, "m/constants.pkl", NO_CONSTANTS.getBytes(StandardCharsets.ISO_8859_1));
      put(zip, "m/version", VERSION.getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
    return new ByteArrayInputStream(bytes.toByteArray());
  }

  private static void put(ZipOutputStream zip, String name, byte[] content) throws IOException {
    CRC32 crc = new CRC32();
    crc.update(content);
    ZipEntry entry = new ZipEntry(name);
    entry.setSize(content.length);
    entry.setCrc(crc.getValue());
    zip.putNextEntry(entry);
    zip.write(content);
    zip.closeEntry();
  }
}
