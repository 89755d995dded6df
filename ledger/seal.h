// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>

#include "core/secret.h"
#include "crypto/key_store.h"
#include "ledger/limits.h"
#include "ledger/network.h"
#include "ledger/sigs.h"

// Seals and their spends (docs/formats/seals.md).
namespace keel::ledger {

// Policy: u8 t || u8 n || n x (u16 length || Multikey octets), 1 <= t <= n <= 3, keys ascending and distinct.
struct SealPolicy {
  uint8_t threshold = 1;
  uint8_t count = 0;
  std::array<crypto::PublicKey, kMaxSealKeys> keys{};
};
Result<SealPolicy> ParsePolicy(
    ByteView octets);  // kMalformed, kNotCanonical, kBadKey, kUnsupported (a key that cannot sign)
// Writes a policy; sorts the keys itself. Returns the length. kInvalidArgument, kDuplicate.
Result<size_t> WritePolicy(uint8_t threshold, std::span<const crypto::PublicKey> keys, ByteSpan out);

// seal = H("keel-seal/1\n" || policy).
Bytes32 SealOf(ByteView policy);
// seal0 = H("keel-seal0/1\n" || salt 16 || root seal): what a device's create operation commits to.
Bytes32 RootSealCommitment(std::span<const uint8_t, kSealSalt> salt, const Bytes32& root_seal);

// What a spend signs: "keel-spend/1\n" || net || seal || H(link).
inline constexpr size_t kSpendMessage = 13 + 96;
ByteArray<kSpendMessage> SpendMessage(const Net& net, const Bytes32& seal, const Bytes32& link_hash);
// The spend of `seal` on the link: the policy is the seal's, exactly t of its keys signed. kBadChain (policy of another
// seal), kNoQuorum, kBadSignature, kMalformed.
Result<> VerifySpend(const Net& net, const Bytes32& seal, const Bytes32& link_hash, ByteView policy, ByteView sigs);
// Signs with keys of a store; key_numbers[i] is the number, in the policy's order, of signers[i]. Returns the SIGS
// length.
struct SealSigner {
  uint8_t key_number = 0;
  crypto::KeyStore* store = nullptr;
  crypto::KeyHandle key;
};
Result<size_t> SignSpend(const Net& net, const Bytes32& seal, const Bytes32& link_hash,
                         std::span<const SealSigner> signers, ByteSpan out);

// The map value of a spent seal: H(link) 32 || u64 log index.
ByteArray<kMapValueSeal> SpendMapValue(const Bytes32& link_hash, uint64_t log_index);

// Ed25519 seed number `number` from a batch seed, for a device or, while it is not known, for a position in the
// request. Never for root seals.
Result<SecretBytes<32>> SealKeySeed(const SecretBytes<32>& batch_seed, const Net& net, std::string_view device_did,
                                    uint32_t number);
Result<SecretBytes<32>> SealKeySeedForRequest(const SecretBytes<32>& batch_seed, const Net& net, uint32_t position,
                                              uint32_t number);

}  // namespace keel::ledger
