// SPDX-License-Identifier: Apache-2.0
#include "crypto/hosted/wide_agreement.h"

#include "crypto/agreement.h"
#include "crypto/hooks.h"

namespace keel::crypto {

Result<size_t> AgreeRawWide(KeyType type, ByteView private_key, const PublicKey& peer, ByteSpan out) {
  const size_t length = PrivateKeyLength(type);
  if (out.size() < length) return Fail(Code::kBufferTooSmall, "key agreement");
  if (length == 32) {
    KEEL_TRY(const SharedSecret secret, AgreeRaw(type, private_key, peer));
    std::memcpy(out.data(), secret.ExposeSecret().data(), length);
    return length;
  }
  if (!peer.valid() || peer.type() != type || private_key.size() != length) return Fail(Code::kBadKey, "key agreement");
  const auto agree = internal::Hooks().agree;
  if (agree == nullptr) return Fail(Code::kUnsupported, "key agreement (SetUpHostedCrypto not called)");
  ByteArray<kMaxUncompressed> point;
  KEEL_TRY(const size_t used, peer.ToUncompressed(point));
  if (agree(type, private_key, ByteView(point).first(used), out) != length) return Fail(Code::kBadKey, "key agreement");
  return length;
}

Result<WideEphemeralKey> GenerateWideEphemeral(KeyType type, Random& random) {
  const size_t length = PrivateKeyLength(type);
  if (length == 0 || type == KeyType::kEd25519) return Fail(Code::kUnsupported, "ephemeral key type");
  WideEphemeralKey key;
  const ByteSpan octets = ByteSpan(key.private_key.MutableSecret()).first(length);
  // A scalar out of range is drawn once in 2^32 (P-256); eight in a row mean a broken source.
  for (int tries = 0; tries < 8; ++tries) {
    KEEL_TRY_VOID(random.Fill(octets));
    if (type == KeyType::kP521) octets[0] &= 1;  // 521 bits
    auto derived = PublicFromPrivate(type, octets);
    if (derived) {
      key.public_key = *derived;
      return key;
    }
    if (derived.error().code != Code::kBadKey) return std::unexpected<Error>(std::move(derived.error()));
  }
  return Fail(Code::kNoEntropy, "ephemeral key");
}

}  // namespace keel::crypto
