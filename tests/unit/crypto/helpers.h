// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fstream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <string>
#include <vector>

#include "core/encoding.h"

namespace keel::test {

using Octets = std::vector<uint8_t>;

inline nlohmann::json ReadJson(const std::string& name) {
  std::ifstream file(std::string(KEEL_SOURCE_DIR) + "/tests/vectors/" + name);
  std::stringstream text;
  text << file.rdbuf();
  return nlohmann::json::parse(text.str());
}

// Vectors spell hexadecimal both ways.
inline Octets FromHex(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'F') c = static_cast<char>(c - 'A' + 'a');
  }
  Octets out(text.size() / 2);
  if (!HexDecode(text, out)) return {};
  return out;
}
inline std::string Hex(ByteView octets) {
  std::string text(octets.size() * 2, ' ');
  static_cast<void>(HexEncode(octets, text));
  return text;
}
inline Octets FromB64(const std::string& text) {
  Octets out(text.size());
  auto n = Base64UrlDecode(text, out);
  out.resize(n ? *n : 0);
  return out;
}
inline Octets Text(std::string_view text) { return Octets(text.begin(), text.end()); }

}  // namespace keel::test
