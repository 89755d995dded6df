// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "ledger/seal.h"

// Link records and the chain of ownership (docs/formats/seals.md).
namespace keel::ledger {

// "keel-link/1\n" || net || device tag || u32 i || prev || seal_i || cred: kLinkRecord octets. It names nobody.
struct LinkRecord {
  Net net{};
  Bytes32 device_tag{};
  uint32_t i = 0;  // 1 is the first
  Bytes32 prev{};  // H(link_{i-1}); for i = 1 the root seal
  Bytes32 seal{};  // the new holder's
  Bytes32 cred{};  // H(OwnershipCredential_i octets)
};
ByteArray<kLinkRecord> WriteLink(const LinkRecord& link);
Result<LinkRecord> ParseLink(ByteView octets);  // kMalformed
Bytes32 LinkHash(ByteView link_octets);
// H("keel-dev/1\n" || device DID).
Bytes32 DeviceTag(std::string_view device_did);

// Where a chain starts from: the stamp's root seal, or what the last finished onboarding saved.
struct ChainBase {
  uint32_t k = 0;  // links behind it
  Bytes32 seal{};  // seal_k, not yet spent when it was saved
  Bytes32 prev{};  // H(link_k); for k = 0 the root seal again
  Bytes32 cred{};  // cred_k; zero for k = 0
  static ChainBase Root(const Bytes32& root_seal) { return {0, root_seal, root_seal, {}}; }
};

// Checks a chain link by link in constant memory: Link, then (at a checkpoint) Spent, again and again, then Tail.
// Custodians that hold a sale not yet anchored leave out Spent. After an error the object must not be used on. Not
// thread-safe.
class ChainVerifier {
 public:
  void Start(const Net& net, const Bytes32& device_tag, const ChainBase& base);

  // The next link: number, network, device, prev; its spend by the seal before. kBadChain, and VerifySpend's errors.
  Result<> Link(ByteView link_octets, ByteView policy, ByteView sigs);
  // The map holds the last link's spend at log_index: map[K(seal before)] = H(link) || index. kBadProof; kWrongState
  // without a Link before.
  Result<> Spent(uint64_t log_index, ByteView map_proof, const Bytes32& map_root);
  // The last seal is unspent at this map root. kBadProof, kWrongState when a Link lacks its Spent.
  Result<> Tail(ByteView map_proof, const Bytes32& map_root);

  // The chain's end: what to save as the next base.
  const ChainBase& end() const { return end_; }
  uint32_t links() const { return links_; }  // added since Start
  bool tail_seen() const { return tail_; }
  bool spent_pending() const { return pending_; }
  const Bytes32& spent_seal() const { return spent_seal_; }  // of the last Link: the seal that it spent

 private:
  Bytes32 net_{};
  Bytes32 device_tag_{};
  Bytes32 spent_seal_{};
  ChainBase end_;
  uint32_t links_ = 0;
  bool pending_ = false;
  bool skipped_ = false;  // a link whose spend was never shown: no tail any more
  bool tail_ = false;
};

}  // namespace keel::ledger
