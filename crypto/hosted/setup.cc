// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include "crypto/hosted/curves.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"

namespace keel::crypto {
namespace {

using internal::CurveHooks;

bool Uncompress(KeyType type, ByteView compressed, ByteSpan out) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzUncompress(compressed, out)
                                     : internal::NistUncompress(type, compressed, out);
}
bool Check(KeyType type, ByteView compressed) {
  ByteArray<kMaxUncompressed> point;
  return Uncompress(type, compressed, ByteSpan(point).first(2 * compressed.size() - 1));
}
bool VerifySignature(KeyType type, ByteView compressed, ByteView message, ByteView signature) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzVerify(compressed, message, signature)
                                     : internal::NistVerify(type, compressed, message, signature);
}
size_t Agree(KeyType type, ByteView private_key, ByteView peer, ByteSpan out) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzAgree(private_key, peer, out)
                                     : internal::NistAgree(type, private_key, peer, out);
}
size_t Derive(KeyType type, ByteView private_key, ByteSpan out) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzDerive(private_key, out)
                                     : internal::NistDerive(type, private_key, out);
}
size_t Sign(KeyType type, ByteView private_key, ByteView message, ByteSpan out) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzSign(private_key, message, out)
                                     : internal::NistSign(type, private_key, message, out);
}

constexpr CurveHooks kHostedHooks = {Check, Uncompress, VerifySignature, Agree, Derive, Sign};

class OsRandom final : public Random {
 public:
  Result<> Fill(ByteSpan out) override {
    // Picks libsodium's fastest implementations too; cheap and thread-safe when already done.
    if (sodium_init() < 0) return Fail(Code::kNoEntropy, "random", "libsodium found no source of randomness");
    if (!out.empty()) randombytes_buf(out.data(), out.size());  // aborts rather than give weak octets
    return {};
  }
};

}  // namespace

void SetUpHostedCrypto() {
  KEEL_ASSERT(sodium_init() >= 0);
  internal::SetHooks(&kHostedHooks);
}

Random& SystemRandom() {
  static OsRandom random;  // stateless
  return random;
}

}  // namespace keel::crypto
