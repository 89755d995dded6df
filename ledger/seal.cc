// SPDX-License-Identifier: Apache-2.0
#include "ledger/seal.h"

#include "crypto/hash.h"
#include "crypto/signature.h"

namespace keel::ledger {
namespace {

using MultikeyOctets = ByteArray<crypto::kMaxMultikeyOctets>;

bool Signs(const crypto::PublicKey& key) {
  return key.type() == crypto::KeyType::kEd25519 || key.type() == crypto::KeyType::kP256;
}

// Lexicographic, a prefix before what it begins.
int Compare(ByteView a, ByteView b) {
  const size_t n = a.size() < b.size() ? a.size() : b.size();
  const int order = n == 0 ? 0 : std::memcmp(a.data(), b.data(), n);
  if (order != 0) return order;
  return a.size() == b.size() ? 0 : (a.size() < b.size() ? -1 : 1);
}

Result<SecretBytes<32>> Derive(const SecretBytes<32>& batch_seed, const Net& net, const Bytes32& about,
                               uint32_t number) {
  ByteArray<16 + 32 + 4> info{};
  ByteWriter(info).Put("keel-seal-key/1\n").Put(about).U32(number);
  SecretBytes<32> seed;
  KEEL_TRY_VOID(crypto::HkdfSha256(batch_seed.ExposeSecret(), net, info, seed.MutableSecret()));
  return seed;
}

}  // namespace

Result<SealPolicy> ParsePolicy(ByteView octets) {
  ByteReader r(octets);
  SealPolicy policy;
  policy.threshold = r.U8();
  policy.count = r.U8();
  if (policy.count < 1 || policy.count > kMaxSealKeys || policy.threshold < 1 || policy.threshold > policy.count) {
    return Fail(Code::kMalformed, "seal policy");
  }
  ByteView before;
  for (size_t i = 0; i < policy.count; ++i) {
    const ByteView multikey = r.Take(r.U16());
    if (!r.ok()) return Fail(Code::kMalformed, "seal policy");
    if (i > 0 && Compare(before, multikey) >= 0) return Fail(Code::kNotCanonical, "seal policy: keys do not rise");
    before = multikey;
    KEEL_TRY(policy.keys[i], crypto::PublicKey::FromMultikeyOctets(multikey));
    if (!Signs(policy.keys[i])) return Fail(Code::kUnsupported, "seal policy: only Ed25519 and P-256 keys");
  }
  if (!r.done()) return Fail(Code::kMalformed, "seal policy");
  return policy;
}

Result<size_t> WritePolicy(uint8_t threshold, std::span<const crypto::PublicKey> keys, ByteSpan out) {
  if (keys.empty() || keys.size() > kMaxSealKeys || threshold < 1 || threshold > keys.size()) {
    return Fail(Code::kInvalidArgument, "seal policy");
  }
  std::array<MultikeyOctets, kMaxSealKeys> octets;
  std::array<size_t, kMaxSealKeys> lengths{};
  std::array<uint8_t, kMaxSealKeys> order{0, 1, 2};
  for (size_t i = 0; i < keys.size(); ++i) {
    if (!Signs(keys[i])) return Fail(Code::kInvalidArgument, "seal policy: only Ed25519 and P-256 keys");
    KEEL_TRY(lengths[i], keys[i].ToMultikeyOctets(octets[i]));
  }
  const auto view = [&](size_t i) { return ByteView(octets[order[i]]).first(lengths[order[i]]); };
  for (size_t i = 1; i < keys.size(); ++i) {
    for (size_t j = i; j > 0; --j) {
      const int c = Compare(view(j - 1), view(j));
      if (c == 0) return Fail(Code::kDuplicate, "seal policy keys");
      if (c < 0) break;
      std::swap(order[j - 1], order[j]);
    }
  }
  ByteWriter w(out);
  w.U8(threshold).U8(static_cast<uint8_t>(keys.size()));
  for (size_t i = 0; i < keys.size(); ++i) w.U16(static_cast<uint16_t>(view(i).size())).Put(view(i));
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "seal policy");
  return w.size();
}

Bytes32 SealOf(ByteView policy) { return crypto::Sha256().Update("keel-seal/1\n").Update(policy).Final(); }

Bytes32 RootSealCommitment(std::span<const uint8_t, kSealSalt> salt, const Bytes32& root_seal) {
  return crypto::Sha256().Update("keel-seal0/1\n").Update(salt).Update(root_seal).Final();
}

ByteArray<kSpendMessage> SpendMessage(const Net& net, const Bytes32& seal, const Bytes32& link_hash) {
  ByteArray<kSpendMessage> out{};
  ByteWriter(out).Put("keel-spend/1\n").Put(net).Put(seal).Put(link_hash);
  return out;
}

Result<> VerifySpend(const Net& net, const Bytes32& seal, const Bytes32& link_hash, ByteView policy, ByteView sigs) {
  if (policy.size() > kMaxPolicy) return Fail(Code::kTooLarge, "seal policy");
  if (SealOf(policy) != seal) return Fail(Code::kBadChain, "spend: the policy is another seal's");
  KEEL_TRY(const SealPolicy parsed, ParsePolicy(policy));
  return VerifySigs(sigs, std::span(parsed.keys).first(parsed.count), parsed.threshold, /*exact=*/true,
                    SpendMessage(net, seal, link_hash));
}

Result<size_t> SignSpend(const Net& net, const Bytes32& seal, const Bytes32& link_hash,
                         std::span<const SealSigner> signers, ByteSpan out) {
  if (signers.empty() || signers.size() > kMaxSealKeys) return Fail(Code::kInvalidArgument, "spend signers");
  const auto message = SpendMessage(net, seal, link_hash);
  std::array<ByteArray<crypto::kMaxSignature>, kMaxSealKeys> signatures;
  std::array<SigsEntry, kMaxSealKeys> entries;
  for (size_t i = 0; i < signers.size(); ++i) {
    if (signers[i].store == nullptr) return Fail(Code::kInvalidArgument, "spend signers");
    KEEL_TRY(const size_t n, signers[i].store->Sign(signers[i].key, message, signatures[i]));
    entries[i] = SigsEntry{signers[i].key_number, ByteView(signatures[i]).first(n)};
  }
  return WriteSigs(std::span(entries).first(signers.size()), out);
}

ByteArray<kMapValueSeal> SpendMapValue(const Bytes32& link_hash, uint64_t log_index) {
  ByteArray<kMapValueSeal> out{};
  ByteWriter(out).Put(link_hash).U64(log_index);
  return out;
}

Result<SecretBytes<32>> SealKeySeed(const SecretBytes<32>& batch_seed, const Net& net, std::string_view device_did,
                                    uint32_t number) {
  return Derive(batch_seed, net, crypto::Sha256::Of(device_did), number);
}

Result<SecretBytes<32>> SealKeySeedForRequest(const SecretBytes<32>& batch_seed, const Net& net, uint32_t position,
                                              uint32_t number) {
  ByteArray<4> be{};
  ByteWriter(be).U32(position);
  return Derive(batch_seed, net, crypto::Sha256().Update("request\n").Update(be).Final(), number);
}

}  // namespace keel::ledger
