// SPDX-License-Identifier: Apache-2.0
#include "ledger/link.h"

#include "crypto/hash.h"
#include "ledger/entry.h"
#include "ledger/map_proof.h"

namespace keel::ledger {
namespace {
constexpr std::string_view kTag = "keel-link/1\n";
}  // namespace

ByteArray<kLinkRecord> WriteLink(const LinkRecord& link) {
  ByteArray<kLinkRecord> out{};
  ByteWriter(out).Put(kTag).Put(link.net).Put(link.device_tag).U32(link.i).Put(link.prev).Put(link.seal).Put(link.cred);
  return out;
}

Result<LinkRecord> ParseLink(ByteView octets) {
  ByteReader r(octets);
  const ByteView tag = r.Take(kTag.size());
  LinkRecord link;
  link.net = r.Fixed<32>();
  link.device_tag = r.Fixed<32>();
  link.i = r.U32();
  link.prev = r.Fixed<32>();
  link.seal = r.Fixed<32>();
  link.cred = r.Fixed<32>();
  if (!r.done() || !Equal(tag, AsBytes(kTag)) || link.i == 0 || link.i > kMaxLinks) {
    return Fail(Code::kMalformed, "link record");
  }
  return link;
}

Bytes32 LinkHash(ByteView link_octets) { return crypto::Sha256::Of(link_octets); }

Bytes32 DeviceTag(std::string_view device_did) {
  return crypto::Sha256().Update("keel-dev/1\n").Update(device_did).Final();
}

void ChainVerifier::Start(const Net& net, const Bytes32& device_tag, const ChainBase& base) {
  *this = ChainVerifier();
  net_ = net;
  device_tag_ = device_tag;
  end_ = base;
}

Result<> ChainVerifier::Link(ByteView link_octets, ByteView policy, ByteView sigs) {
  if (tail_) return Fail(Code::kWrongState, "chain: a link after the tail");
  KEEL_TRY(const LinkRecord link, ParseLink(link_octets));
  if (link.net != net_) return Fail(Code::kBadChain, "link of another network");
  if (link.device_tag != device_tag_) return Fail(Code::kBadChain, "link of another device");
  if (link.i != end_.k + 1) return Fail(Code::kBadChain, "link number");
  if (link.prev != end_.prev) return Fail(Code::kBadChain, "link prev");
  const Bytes32 hash = LinkHash(link_octets);
  KEEL_TRY_VOID(VerifySpend(net_, end_.seal, hash, policy, sigs));
  spent_seal_ = end_.seal;
  end_ = ChainBase{link.i, link.seal, hash, link.cred};
  ++links_;
  skipped_ = skipped_ || pending_;
  pending_ = true;
  return {};
}

Result<> ChainVerifier::Spent(uint64_t log_index, ByteView map_proof, const Bytes32& map_root) {
  if (!pending_ || tail_) return Fail(Code::kWrongState, "chain: a spend without a link");
  KEEL_TRY_VOID(VerifyPresent(map_proof, map_root, SealKey(spent_seal_), SpendMapValue(end_.prev, log_index)));
  pending_ = false;
  return {};
}

Result<> ChainVerifier::Tail(ByteView map_proof, const Bytes32& map_root) {
  if (pending_ || skipped_ || tail_) return Fail(Code::kWrongState, "chain: tail");
  KEEL_TRY_VOID(VerifyAbsent(map_proof, map_root, SealKey(end_.seal)));
  tail_ = true;
  return {};
}

}  // namespace keel::ledger
