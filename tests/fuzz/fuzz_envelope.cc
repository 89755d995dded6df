// SPDX-License-Identifier: Apache-2.0
// Envelopes, host against wallet: authcrypt and anoncrypt (XC20P, A256CBC-HS512) over X25519 and P-256. An input that
// begins with '{' is an envelope for the fixed recipients; any other is u8 (edits % 4 | layer << 2 | curve << 4) ||
// edits x (u16 place || u8 value) || plaintext: packed by each side, bent, opened by both.
#include "tests/fuzz/envelope_pair.h"
#include "tests/fuzz/fuzz.h"

namespace {

using keel::Code;
using keel::fuzz::Layer;
using keel::fuzz::Pair;

void Agree(const Pair& pair, Layer layer, std::string_view envelope) {
  const auto wallet = pair.WalletOpen(envelope, layer);
  const auto host = pair.HostOpen(envelope, layer);
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
  static const Pair pairs[] = {Pair(keel::crypto::KeyType::kX25519), Pair(keel::crypto::KeyType::kP256)};
  if (size == 0) return 0;
  if (data[0] == '{') {
    for (const Pair& pair : pairs) {
      for (const Layer layer : {Layer::kAuthcrypt, Layer::kAnoncryptCbc})
        Agree(pair, layer, keel::fuzz::Text(data, size));
      // What an envelope says before it is opened is read without a crash, for whomever it is.
      (void)keel::wallet::ReadEnvelopeHead({data, size}, pair.to.Kid());
    }
    return 0;
  }
  const size_t edits = data[0] % 4;
  const auto layer = static_cast<Layer>((data[0] >> 2) % 3);
  const Pair& pair = pairs[(data[0] >> 4) % 2];
  if (size < 1 + 3 * edits || size > 5300) return 0;
  const std::string_view plaintext = keel::fuzz::Text(data, size).substr(1 + 3 * edits);
  const auto by_wallet = pair.WalletPack(plaintext, layer);
  const auto by_host = pair.HostPack(plaintext, layer);
  FUZZ_CHECK(by_wallet.has_value() && by_host.has_value());
  for (const std::string& good : {*by_wallet, *by_host}) {
    std::string bent = good;
    for (size_t i = 0; i < edits; ++i) {
      const uint8_t* edit = data + 1 + 3 * i;
      bent[static_cast<size_t>(edit[0] << 8 | edit[1]) % bent.size()] = static_cast<char>(edit[2]);
    }
    if (bent == good) {
      const auto host = pair.HostOpen(good, layer);
      const auto wallet = pair.WalletOpen(good, layer);
      FUZZ_CHECK(host && *host == plaintext);
      FUZZ_CHECK(wallet && *wallet == plaintext);
    } else {
      Agree(pair, layer, bent);
    }
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 4000; }
