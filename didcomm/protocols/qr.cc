// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/qr.h"

#include <png.h>
#include <qrencode.h>

#include <cerrno>
#include <cstring>
#include <memory>

namespace keel::didcomm {
namespace {

constexpr size_t kQuiet = 4;  // modules of quiet zone on each side (ISO/IEC 18004)

QRecLevel LevelOf(QrCorrection correction) {
  switch (correction) {
    case QrCorrection::kLow: return QR_ECLEVEL_L;
    case QrCorrection::kMedium: return QR_ECLEVEL_M;
    case QrCorrection::kQuartile: return QR_ECLEVEL_Q;
    case QrCorrection::kHigh: return QR_ECLEVEL_H;
  }
  return QR_ECLEVEL_L;
}

// By position in the whole image.
bool Dark(const QrCode& code, size_t x, size_t y) {
  return x >= kQuiet && y >= kQuiet && code.At(x - kQuiet, y - kQuiet);
}

}  // namespace

Result<QrCode> QrCode::Encode(std::string_view text, QrCorrection correction) {
  if (text.empty()) return Fail(Code::kInvalidArgument, "QR code", "nothing to encode");
  if (text.size() > kMaxQrOctets)
    return Fail(Code::kTooLarge, "QR code",
                std::to_string(text.size()) + " octets are more than a symbol holds: serve a short URL instead");
  const std::unique_ptr<QRcode, decltype(&QRcode_free)> made(
      QRcode_encodeData(static_cast<int>(text.size()), reinterpret_cast<const unsigned char*>(text.data()), 0,
                        LevelOf(correction)),
      &QRcode_free);
  if (made == nullptr) {
    if (errno == ERANGE)
      return Fail(Code::kTooLarge, "QR code",
                  std::to_string(text.size()) + " octets are more than a symbol holds at this correction");
    return Fail(Code::kInternalError, "QR code", std::strerror(errno));
  }
  QrCode code;
  code.width = static_cast<size_t>(made->width);
  code.dark.resize(code.width * code.width);
  for (size_t i = 0; i < code.dark.size(); ++i) code.dark[i] = (made->data[i] & 1) != 0;
  return code;
}

std::string QrToTerminal(const QrCode& code, bool dark_on_light) {
  const size_t side = code.width + 2 * kQuiet;
  std::string out;
  for (size_t y = 0; y < side; y += 2) {
    for (size_t x = 0; x < side; ++x) {
      const bool top = Dark(code, x, y) == dark_on_light;
      // Below the last row of an odd side there is nothing: like the quiet zone above it.
      const bool bottom = Dark(code, x, y + 1) == dark_on_light;
      out += top ? (bottom ? "\u2588" : "\u2580") : (bottom ? "\u2584" : " ");
    }
    out += '\n';
  }
  return out;
}

std::string QrToSvg(const QrCode& code) {
  const std::string side = std::to_string(code.width + 2 * kQuiet);
  std::string out =
      "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " + side +
      " " + side + "\" shape-rendering=\"crispEdges\">\n<rect width=\"" + side + "\" height=\"" + side +
      "\" fill=\"#fff\"/>\n<path fill=\"#000\" d=\"";
  for (size_t y = 0; y < code.width; ++y) {
    for (size_t x = 0; x < code.width;) {
      if (!code.At(x, y)) {
        ++x;
        continue;
      }
      size_t run = 1;
      while (code.At(x + run, y)) ++run;
      out += "M" + std::to_string(x + kQuiet) + " " + std::to_string(y + kQuiet) + "h" + std::to_string(run) + "v1h-" +
             std::to_string(run) + "z";
      x += run;
    }
  }
  return out + "\"/>\n</svg>\n";
}

Result<std::string> QrToPng(const QrCode& code, unsigned scale) {
  if (scale < 1 || scale > 64) return Fail(Code::kInvalidArgument, "QR code", "a module has 1 to 64 pixels");
  const size_t side = (code.width + 2 * kQuiet) * scale;
  // libpng's simplified writer: no long jumps, no state of our own to lose. Grey pixels, 8 bits each, compress well.
  std::vector<png_byte> pixels(side * side);
  for (size_t y = 0; y < side; ++y) {
    for (size_t x = 0; x < side; ++x)
      pixels[y * side + x] = Dark(code, x / scale, y / scale) ? png_byte{0} : png_byte{255};
  }
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  image.width = static_cast<png_uint_32>(side);
  image.height = static_cast<png_uint_32>(side);
  image.format = PNG_FORMAT_GRAY;
  png_alloc_size_t size = 0;
  std::string out;
  if (png_image_write_get_memory_size(image, size, 0, pixels.data(), 0, nullptr) != 0) {
    out.resize(size);
    if (png_image_write_to_memory(&image, out.data(), &size, 0, pixels.data(), 0, nullptr) != 0) {
      out.resize(size);
      return out;
    }
  }
  return Fail(Code::kInternalError, "QR code", image.message);
}

}  // namespace keel::didcomm
