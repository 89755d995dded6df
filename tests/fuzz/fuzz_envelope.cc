// SPDX-License-Identifier: Apache-2.0
// Authcrypt, host against wallet. An input that begins with '{' is an envelope for the fixed recipient; any other is
// u8 edits % 4 || edits x (u16 place || u8 value) || plaintext: packed by each side, bent, opened by both.
#include "tests/fuzz/envelope_pair.h"
#include "tests/fuzz/fuzz.h"

namespace {

using keel::Code;

void Agree(const keel::fuzz::Pair& pair, std::string_view envelope) {
  const auto wallet = pair.WalletOpen(envelope);
  const auto host = pair.HostOpen(envelope);
  if (wallet) {
    FUZZ_CHECK(host.has_value());
    FUZZ_CHECK(*wallet == *host);
  } else if (host) {
    // The wallet's language is smaller: size, escapes in strings, members that it doesn't know. It never finds the
    // cryptography wanting where the host doesn't.
    const Code code = wallet.error().code;
    FUZZ_CHECK(code == Code::kTooLarge || code == Code::kUnsupported || code == Code::kMalformed ||
               code == Code::kBufferTooSmall || code == Code::kOutOfRange);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const keel::fuzz::Pair pair;
  if (size == 0) return 0;
  if (data[0] == '{') {
    Agree(pair, keel::fuzz::Text(data, size));
    return 0;
  }
  const size_t edits = data[0] % 4;
  if (size < 1 + 3 * edits || size > 5300) return 0;
  const std::string_view plaintext = keel::fuzz::Text(data, size).substr(1 + 3 * edits);
  const auto by_wallet = pair.WalletPack(plaintext);
  const auto by_host = pair.HostPack(plaintext);
  FUZZ_CHECK(by_wallet.has_value() && by_host.has_value());
  for (const std::string& good : {*by_wallet, *by_host}) {
    std::string bent = good;
    for (size_t i = 0; i < edits; ++i) {
      const uint8_t* edit = data + 1 + 3 * i;
      bent[static_cast<size_t>(edit[0] << 8 | edit[1]) % bent.size()] = static_cast<char>(edit[2]);
    }
    if (bent == good) {
      const auto host = pair.HostOpen(good);
      const auto wallet = pair.WalletOpen(good);
      FUZZ_CHECK(host && *host == plaintext);
      FUZZ_CHECK(wallet && *wallet == plaintext);
    } else {
      Agree(pair, bent);
    }
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 4000; }
