// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <array>
#include <string_view>

#include "ledger/checkpoint.h"
#include "ledger/history.h"
#include "ledger/sigs.h"

// The registry descriptor: who the members are, and how one epoch hands over to the next (docs/formats/descriptor.md).
namespace keel::ledger {

struct DescriptorMember {
  std::string_view id;
  std::string_view key;  // Multikey, Ed25519
};

// A parsed descriptor; views point into `octets`, which the caller keeps.
struct Descriptor {
  ByteView octets;
  std::string_view label;
  uint32_t epoch = 0;
  uint8_t quorum = 1;
  uint8_t member_count = 0;
  std::array<DescriptorMember, kMaxMembers> members{};
  uint8_t endpoint_count = 0;
  std::array<std::string_view, kMaxEndpoints> endpoints{};  // hints: URLs, untrusted
  uint8_t root_threshold = 1;
  uint8_t root_count = 0;
  std::array<std::string_view, kMaxRoots> roots{};  // Multikeys
  uint8_t next_threshold = 1;
  uint8_t next_count = 0;
  std::array<Bytes32, kMaxRoots> next{};  // KeyHash of the next epoch's roots, in their order
  Bytes32 prev{};                         // H(octets of the epoch before); zero in epoch 0, where the member is absent
};

// H(octets): for epoch 0 this is net.
Bytes32 DescriptorHash(ByteView octets);

// Reads a descriptor's JSON (without white space, at most kMaxDescriptor). Checks counts, distinct ids and keys, that
// member keys are Ed25519, q between floor(2n/3)+1 and n. kTooLarge, kMalformed, kUnknownVersion, kDuplicate, kBadKey,
// kOutOfRange (q), kMissing.
Result<Descriptor> ParseDescriptor(ByteView octets);
// Writes one from the struct (octets is not looked at). Returns the length. The result parses to the same.
Result<size_t> BuildDescriptor(const Descriptor& fields, std::span<char> out);

// The members' keys for judging signatures. net: H(genesis octets).
Result<MemberSet> MemberSetOf(const Descriptor& descriptor, const Net& net);

// What roots sign: "keel-desc/1\n" || net || H(octets); what an anchor signs: "keel-endorse/1\n" || net || H(octets).
inline constexpr size_t kDescriptorMessage = 12 + 64, kEndorseMessage = 15 + 64;
ByteArray<kDescriptorMessage> DescriptorMessage(const Net& net, const Bytes32& descriptor_hash);
ByteArray<kEndorseMessage> EndorseMessage(const Net& net, const Bytes32& descriptor_hash);

// Epoch 0 stands by being net: H(octets) = net and epoch = 0; own roots' signatures are checked as well. kWrongNetwork,
// kNoQuorum, ...
Result<> VerifyGenesis(const Descriptor& genesis, const Net& net, ByteView own_sigs);
// Epoch e+1 after e: number, label, prev, roots as e committed to, t_e of e's roots and t_{e+1} of its own signed it.
// kWrongEpoch, kWrongNetwork, kConflict (prev or commitment), kNoQuorum, kBadSignature.
Result<> VerifyTransition(const Descriptor& current, const Descriptor& next, const Net& net, ByteView sigs_of_current,
                          ByteView sigs_of_next);

// ENDORSEMENT: u16 length || Multikey octets || u16 length || signature.
Result<size_t> WriteEndorsement(const crypto::PublicKey& key, ByteView signature, ByteSpan out);
// `anchor`: the anchor's history replayed from create to its end, at least `known_operations` long (what the stamp or
// the last endorsement knew). Its key must be current for assertions. kHistoryTooLong is never given; kStale (shorter
// than known), kUntrusted, kBadSignature.
Result<> VerifyEndorsement(ByteView endorsement, const Net& net, const Bytes32& descriptor_hash,
                           const DidHistory& anchor, uint32_t known_operations);

// The whole of one step, as R0 and files carry it (EPOCH bundle): u16 length || descriptor || u16 length || SIGS of e's
// roots || u16 length || SIGS of its own || u8 count || count x (u64 index || u16 length || operation) || u16 length ||
// ENDORSEMENT.
struct EpochBundle {
  ByteView descriptor;
  ByteView sigs_of_current;
  ByteView sigs_of_next;
  uint8_t operation_count = 0;
  ByteView operations;  // the (index, length, operation) items
  ByteView endorsement;
};
Result<EpochBundle> ParseEpochBundle(ByteView octets);
struct AnchoredOperation {
  uint64_t index = 0;
  ByteView jws;
};
Result<size_t> WriteEpochBundle(ByteView descriptor, ByteView sigs_of_current, ByteView sigs_of_next,
                                std::span<const AnchoredOperation> anchor_operations, ByteView endorsement,
                                ByteSpan out);
struct Anchor {
  std::string_view did;
  uint32_t known_operations = 1;
};
// Verifies a bundle as the step after `current`, endorsed by one of the anchors. The result's views point into the
// bundle. `endorsed_by` (may be null) tells which and how long its history was: keep it for the next step.
struct EndorsedBy {
  uint8_t anchor = 0;
  uint32_t operations = 0;
};
Result<Descriptor> VerifyEpochBundle(const EpochBundle& bundle, const Descriptor& current, const Net& net,
                                     std::span<const Anchor> anchors, EndorsedBy* endorsed_by);
// Its two halves, for a small stack: the roots (as VerifyTransition), then the endorsement of what they signed. Only
// both together say that the step is good. `label`: the network's. `work`: kOperationWork octets, or none.
struct BundleStep {
  uint32_t epoch = 0;
  Bytes32 descriptor_hash{};
};
Result<BundleStep> VerifyBundleStep(const EpochBundle& bundle, const Descriptor& current, const Net& net);
Result<EndorsedBy> VerifyBundleEndorsement(const EpochBundle& bundle, std::string_view label, const Net& net,
                                           const Bytes32& descriptor_hash, std::span<const Anchor> anchors,
                                           ByteSpan work);

// Eight words for people to compare, from net's first 64 bits: "amber-..." joined by spaces in `out` (at most
// kMaxWords). The list is ledger/words.cc: 256 words, never to change.
inline constexpr size_t kMaxWords = 8 * 8 + 7;
Result<size_t> NetWords(const Net& net, std::span<char> out);
std::string_view WordAt(uint8_t octet);

}  // namespace keel::ledger
