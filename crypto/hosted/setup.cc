// SPDX-License-Identifier: Apache-2.0
#include <sodium.h>

#include <array>

#include "crypto/hosted/curves.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"

namespace keel::crypto {
namespace {

using internal::CurveHooks;

// A compressed point costs a square root each time that it is used, half of what the use itself costs on P-256. Each
// thread remembers the last points that it met, by the low octets of x; they are public. Nobody sees it but by the
// clock.
struct KnownPoint {
  KeyType type = KeyType::kEd25519;  // no curve of ours: empty
  ByteArray<kMaxUncompressed> octets{};
};
KnownPoint& PlaceOf(ByteView x) {
  constexpr size_t kPoints = 64;
  thread_local std::array<KnownPoint, kPoints> known;
  return known[(x[x.size() - 1] ^ x[x.size() - 2]) % kPoints];
}
void Remember(KeyType type, ByteView point) {
  KnownPoint& place = PlaceOf(point.subspan(1, point.size() / 2));
  place.type = type;
  std::memcpy(place.octets.data(), point.data(), point.size());
}

bool FindPoint(KeyType type, ByteView compressed, ByteSpan out) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzUncompress(compressed, out)
                                     : internal::NistUncompress(type, compressed, out);
}
bool Uncompress(KeyType type, ByteView compressed, ByteSpan out) {
  const ByteView x = compressed.subspan(1);
  const KnownPoint& place = PlaceOf(x);
  const ByteView known = ByteView(place.octets).first(out.size());
  const auto sign = static_cast<uint8_t>(2 | (known[known.size() - 1] & 1));
  if (place.type == type && compressed[0] == sign && Equal(known.subspan(1, x.size()), x)) {
    std::memcpy(out.data(), known.data(), out.size());
    return true;
  }
  if (!FindPoint(type, compressed, out)) return false;
  Remember(type, out);
  return true;
}
bool Check(KeyType type, ByteView point) {
  if (!(type == KeyType::kSecp256k1 ? internal::KoblitzCheck(point) : internal::NistCheck(type, point))) return false;
  Remember(type, point);
  return true;
}
bool VerifySignature(KeyType type, ByteView point, ByteView message, ByteView signature) {
  return type == KeyType::kSecp256k1 ? internal::KoblitzVerify(point, message, signature)
                                     : internal::NistVerify(type, point, message, signature);
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

constexpr CurveHooks kHostedHooks = {Check, Uncompress, VerifySignature, Agree, Derive, Sign, internal::OnEdwards};

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
