// SPDX-License-Identifier: Apache-2.0
#include "ledger/rendezvous.h"

#include "crypto/aead.h"
#include "crypto/agreement.h"
#include "crypto/hash.h"

namespace keel::ledger {
namespace {

constexpr ByteArray<crypto::kXc20pNonce> kZeroNonce{};  // every value has a key of its own

Result<SecretBytes<32>> ValueKey(const crypto::SharedSecret& shared, const SecretBytes<32>& rs, const Bytes32& index,
                                 ByteView e, ByteView rp) {
  SecretBytes<64> ikm;
  std::memcpy(ikm.MutableSecret().data(), shared.ExposeSecret().data(), 32);
  std::memcpy(ikm.MutableSecret().data() + 32, rs.ExposeSecret().data(), 32);
  ByteArray<15 + 32 + 33> info{};
  ByteWriter w(info);
  w.Put("keel-rv-seal/1\n").Put(e).Put(rp);
  SecretBytes<32> key;
  KEEL_TRY_VOID(crypto::HkdfSha256(ikm.ExposeSecret(), index, w.written(), key.MutableSecret()));
  return key;
}

// What stands for a public key in a value: X25519's octets, P-256's x.
ByteView Short(const crypto::PublicKey& key) { return key.bytes().last(32); }

Result<crypto::PublicKey> FromShort(crypto::KeyType type, ByteView octets) {
  if (type == crypto::KeyType::kX25519) return crypto::PublicKey::Create(type, octets);
  ByteArray<33> point;
  point[0] = 2;
  std::memcpy(point.data() + 1, octets.data(), 32);
  return crypto::PublicKey::Create(type, point);
}

}  // namespace

Bytes32 RendezvousIndex(const SecretBytes<32>& rs, const Net& net) {
  ByteArray<16 + 32> message{};
  ByteWriter(message).Put("keel-rv-index/1\n").Put(net);
  return crypto::HmacSha256(rs.ExposeSecret(), message);
}

Result<> SealInvitation(std::string_view invitation, const SecretBytes<32>& rs, const Net& net,
                        const crypto::PublicKey& rp, Random& random, std::span<uint8_t, kRendezvousValue> out) {
  if (invitation.empty() || invitation.size() > kMaxInvitation || invitation[invitation.size() - 1] == ' ') {
    return Fail(Code::kInvalidArgument, "invitation");
  }
  const crypto::KeyType type = rp.type();
  if (!rp.valid() || (type != crypto::KeyType::kX25519 && type != crypto::KeyType::kP256))
    return Fail(Code::kUnsupported, "rendezvous key");
  KEEL_TRY(const crypto::EphemeralKey e, crypto::GenerateEphemeral(type, random));
  KEEL_TRY(const crypto::SharedSecret shared, crypto::AgreeRaw(type, e.private_key.ExposeSecret(), rp));
  const Bytes32 index = RendezvousIndex(rs, net);
  KEEL_TRY(const SecretBytes<32> key, ValueKey(shared, rs, index, Short(e.public_key), rp.bytes()));
  ByteArray<kPaddedInvitation> padded;
  padded.fill(' ');
  std::memcpy(padded.data(), invitation.data(), invitation.size());
  const ScopedWipe wipe(padded);
  out[0] = type == crypto::KeyType::kP256 ? kRendezvousP256 : kRendezvousX25519;
  std::memcpy(out.data() + 1, Short(e.public_key).data(), 32);
  KEEL_TRY_VOID(crypto::Xc20pEncrypt(key.ExposeSecret(), kZeroNonce, index, padded, out.subspan(33)));
  return {};
}

Result<size_t> OpenInvitation(ByteView value, const SecretBytes<32>& rs, const Net& net, crypto::KeyStore& store,
                              crypto::KeyHandle rp, std::span<char> out) {
  if (value.size() != kRendezvousValue) return Fail(Code::kMalformed, "rendezvous value");
  if (value[0] != kRendezvousX25519 && value[0] != kRendezvousP256) return Fail(Code::kUnsupported, "rendezvous suite");
  KEEL_TRY(const crypto::PublicKey own, store.Public(rp));
  const crypto::KeyType type = value[0] == kRendezvousP256 ? crypto::KeyType::kP256 : crypto::KeyType::kX25519;
  if (own.type() != type) return Fail(Code::kUnsupported, "rendezvous suite");
  const auto e = FromShort(type, value.subspan(1, 32));
  if (!e) return Fail(Code::kDecryptFailed, "rendezvous value");
  const auto shared = store.Agree(rp, *e);
  if (!shared) return Fail(Code::kDecryptFailed, "rendezvous value");
  const Bytes32 index = RendezvousIndex(rs, net);
  KEEL_TRY(const SecretBytes<32> key, ValueKey(*shared, rs, index, value.subspan(1, 32), own.bytes()));
  ByteArray<kPaddedInvitation> padded;
  const ScopedWipe wipe(padded);
  KEEL_TRY_VOID(crypto::Xc20pDecrypt(key.ExposeSecret(), kZeroNonce, index, value.subspan(33), padded));
  size_t length = padded.size();
  while (length > 0 && padded[length - 1] == ' ') --length;
  if (length == 0 || length > kMaxInvitation) return Fail(Code::kMalformed, "invitation length");
  if (length > out.size()) return Fail(Code::kBufferTooSmall, "invitation");
  std::memcpy(out.data(), padded.data(), length);
  return length;
}

// Whose device an empty index would be nobody knows: its suite is the common one.
Result<> DummyValue(Random& random, std::span<uint8_t, kRendezvousValue> out) {
  KEEL_TRY_VOID(random.Fill(out));
  out[0] = kRendezvousX25519;
  // X25519 public keys never have the top bit set.
  out[32] = static_cast<uint8_t>(out[32] & 0x7f);
  return {};
}

}  // namespace keel::ledger
