// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

// Keys of the issuer's database (docs/formats/custody.md, "The issuer's database") and what its parts share.
namespace keel::issuer {

inline constexpr const char* kAuthorLabel = "author-0";  // firmware author's key in keys.keel
inline constexpr uint64_t kStatusTtlMs = 300'000;        // of the list and its HTTP caching alike
inline constexpr size_t kMaxDeviceCredential = 3072;     // what a device takes (keel_wallet.h)

inline std::string RowKey(std::string_view serial) { return "f/" + std::string(serial); }
inline std::string DidIndexKey(std::string_view did) { return "d/" + std::string(did); }
inline std::string BatchRecordKey(std::string_view root_hex) { return "b/" + std::string(root_hex); }
inline std::string StatusIndexKey(uint64_t index) { return "i/" + std::to_string(index); }
// A device's single-use credentials, by their places in the status list.
inline std::string SingleUsePrefix(std::string_view serial) { return "y/" + std::string(serial) + "\n"; }
inline std::string SingleUseKey(std::string_view serial, uint64_t index) {
  return SingleUsePrefix(serial) + std::to_string(index);
}
inline constexpr const char* kStatusKey = "s/list";  // as published
inline constexpr const char* kPortKey = "c/port";
inline std::string ReleaseKey(std::string_view model, uint64_t sequence) {
  char digits[24];
  std::snprintf(digits, sizeof digits, "%020llu", static_cast<unsigned long long>(sequence));
  return "r/" + std::string(model) + "\n" + digits;
}

}  // namespace keel::issuer
