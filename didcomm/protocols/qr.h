// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"

// QR codes of out-of-band URLs (DIDComm v2.1, "URL & QR Codes"): encoded by libqrencode, drawn here. Library
// keel::didcomm_qr, so that what shows none needs neither it nor libpng. docs/decisions/0040-qr-codes.md.
namespace keel::didcomm {

inline constexpr size_t kMaxQrOctets = 2953;  // the largest symbol at the lowest correction

// How much of a symbol may be unreadable: about 7, 15, 25, 30 %.
enum class QrCorrection : uint8_t { kLow, kMedium, kQuartile, kHigh };

// A square of modules without its quiet zone. Value type.
struct QrCode {
  size_t width = 0;
  std::vector<bool> dark;  // row by row
  bool At(size_t x, size_t y) const { return x < width && y < width && dark[y * width + x]; }

  // The smallest symbol for these octets. kInvalidArgument (nothing to encode), kTooLarge (over what a symbol holds at
  // this correction: serve a short URL).
  static Result<QrCode> Encode(std::string_view text, QrCorrection correction = QrCorrection::kLow);
};

// For a terminal: two modules a character, in half blocks, lines ended by '\n', quiet zone included. Light modules are
// drawn, as for light text on a dark ground; `dark_on_light` for the other kind of terminal.
std::string QrToTerminal(const QrCode& code, bool dark_on_light = false);
// An SVG image (one path, black on white), quiet zone included.
std::string QrToSvg(const QrCode& code);
// A PNG image (8-bit grey) of `scale` pixels a module, 1 to 64, quiet zone included. kInvalidArgument.
Result<std::string> QrToPng(const QrCode& code, unsigned scale = 8);

}  // namespace keel::didcomm
