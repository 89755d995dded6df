// SPDX-License-Identifier: Apache-2.0
#include "crypto/signature.h"
#include "ledger/descriptor.h"

// How one epoch hands over to the next.
namespace keel::ledger {
namespace {

Result<> VerifyRoots(const Descriptor& signer, ByteView sigs, ByteView message) {
  std::array<crypto::PublicKey, kMaxRoots> keys;
  for (size_t i = 0; i < signer.root_count; ++i) {
    KEEL_TRY(keys[i], crypto::PublicKey::FromMultikey(signer.roots[i]));
  }
  return VerifySigs(sigs, std::span(keys).first(signer.root_count), signer.root_threshold, /*exact=*/false, message);
}

ByteView TakeBlock(ByteReader& r) { return r.Take(r.U16()); }

Result<> PutBlock(ByteWriter& w, ByteView block) {
  if (block.size() > UINT16_MAX) return Fail(Code::kInvalidArgument, "epoch bundle");
  w.U16(static_cast<uint16_t>(block.size())).Put(block);
  return {};
}

// Replays the bundle's operations as the anchor's.
Result<> Replay(const EpochBundle& bundle, const Anchor& anchor, ByteSpan work, DidHistory& history) {
  DidHistory::Options options;
  options.work = work;
  KEEL_TRY_VOID(history.Start(anchor.did));
  ByteReader r(bundle.operations);
  for (size_t i = 0; i < bundle.operation_count; ++i) {
    const uint64_t index = r.U64();
    const ByteView jws = TakeBlock(r);
    if (!r.ok()) return Fail(Code::kMalformed, "epoch bundle operations");
    KEEL_TRY_VOID(history.Apply(index, jws, options));
  }
  return {};
}

}  // namespace

Result<> VerifyGenesis(const Descriptor& genesis, const Net& net, ByteView own_sigs) {
  const Bytes32 hash = DescriptorHash(genesis.octets);
  if (genesis.epoch != 0) return Fail(Code::kWrongEpoch, "genesis descriptor");
  if (hash != net) return Fail(Code::kWrongNetwork, "genesis descriptor");
  return VerifyRoots(genesis, own_sigs, DescriptorMessage(net, hash));
}

Result<> VerifyTransition(const Descriptor& current, const Descriptor& next, const Net& net, ByteView sigs_of_current,
                          ByteView sigs_of_next) {
  if (next.epoch == 0 || next.epoch - 1 != current.epoch) return Fail(Code::kWrongEpoch, "descriptor epoch");
  if (next.label != current.label) return Fail(Code::kWrongNetwork, "descriptor label");
  if (next.prev != DescriptorHash(current.octets)) return Fail(Code::kConflict, "descriptor prev");
  if (next.root_threshold != current.next_threshold || next.root_count != current.next_count) {
    return Fail(Code::kConflict, "descriptor roots are not those committed to");
  }
  for (size_t i = 0; i < next.root_count; ++i) {
    if (KeyHashOfText(next.roots[i]) != current.next[i]) {
      return Fail(Code::kConflict, "descriptor roots are not those committed to");
    }
  }
  const auto message = DescriptorMessage(net, DescriptorHash(next.octets));
  KEEL_TRY_VOID(VerifyRoots(current, sigs_of_current, message));
  return VerifyRoots(next, sigs_of_next, message);
}

Result<size_t> WriteEndorsement(const crypto::PublicKey& key, ByteView signature, ByteSpan out) {
  ByteArray<crypto::kMaxMultikeyOctets> multikey;
  KEEL_TRY(const size_t n, key.ToMultikeyOctets(multikey));
  ByteWriter w(out);
  KEEL_TRY_VOID(PutBlock(w, ByteView(multikey).first(n)));
  KEEL_TRY_VOID(PutBlock(w, signature));
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "endorsement");
  return w.size();
}

Result<> VerifyEndorsement(ByteView endorsement, const Net& net, const Bytes32& descriptor_hash,
                           const DidHistory& anchor, uint32_t known_operations) {
  ByteReader r(endorsement);
  const ByteView multikey = TakeBlock(r);
  const ByteView signature = TakeBlock(r);
  if (!r.done()) return Fail(Code::kMalformed, "endorsement");
  if (anchor.count() == 0 || anchor.count() < known_operations) {
    return Fail(Code::kStale, "endorsement: the anchor's history is shorter than known");
  }
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikeyOctets(multikey));
  KEEL_TRY(const Bytes32 hash, KeyHash(key));
  if (!anchor.IsCurrent(hash, kUseAssertion))
    return Fail(Code::kUntrusted, "endorsement: not a current key of the anchor");
  KEEL_TRY(const bool good,
           crypto::Verify(key, EndorseMessage(net, descriptor_hash), signature, /*require_low_s=*/true));
  if (!good) return Fail(Code::kBadSignature, "endorsement");
  return {};
}

Result<EpochBundle> ParseEpochBundle(ByteView octets) {
  ByteReader r(octets);
  EpochBundle b;
  b.descriptor = TakeBlock(r);
  b.sigs_of_current = TakeBlock(r);
  b.sigs_of_next = TakeBlock(r);
  b.operation_count = r.U8();
  if (b.operation_count > kMaxOperations) return Fail(Code::kHistoryTooLong, "epoch bundle operations");
  const size_t begin = r.at();
  for (size_t i = 0; i < b.operation_count; ++i) {
    r.U64();
    if (TakeBlock(r).size() > kMaxOperation) return Fail(Code::kTooLarge, "epoch bundle operation");
  }
  if (!r.ok()) return Fail(Code::kMalformed, "epoch bundle");
  b.operations = octets.subspan(begin, r.at() - begin);
  b.endorsement = TakeBlock(r);
  if (!r.done()) return Fail(Code::kMalformed, "epoch bundle");
  return b;
}

Result<size_t> WriteEpochBundle(ByteView descriptor, ByteView sigs_of_current, ByteView sigs_of_next,
                                std::span<const AnchoredOperation> anchor_operations, ByteView endorsement,
                                ByteSpan out) {
  if (anchor_operations.size() > kMaxOperations) return Fail(Code::kHistoryTooLong, "epoch bundle operations");
  ByteWriter w(out);
  KEEL_TRY_VOID(PutBlock(w, descriptor));
  KEEL_TRY_VOID(PutBlock(w, sigs_of_current));
  KEEL_TRY_VOID(PutBlock(w, sigs_of_next));
  w.U8(static_cast<uint8_t>(anchor_operations.size()));
  for (const AnchoredOperation& op : anchor_operations) {
    w.U64(op.index);
    KEEL_TRY_VOID(PutBlock(w, op.jws));
  }
  KEEL_TRY_VOID(PutBlock(w, endorsement));
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "epoch bundle");
  return w.size();
}

Result<BundleStep> VerifyBundleStep(const EpochBundle& bundle, const Descriptor& current, const Net& net) {
  const auto next = ParseDescriptor(bundle.descriptor);
  if (!next) return std::unexpected<Error>(next.error());
  KEEL_TRY_VOID(VerifyTransition(current, *next, net, bundle.sigs_of_current, bundle.sigs_of_next));
  return BundleStep{next->epoch, DescriptorHash(next->octets)};
}

Result<EndorsedBy> VerifyBundleEndorsement(const EpochBundle& bundle, std::string_view label, const Net& net,
                                           const Bytes32& descriptor_hash, std::span<const Anchor> anchors,
                                           ByteSpan work) {
  for (size_t i = 0; i < anchors.size(); ++i) {
    KEEL_TRY_VOID(ParseDidOf(anchors[i].did, label));
    DidHistory history;
    const auto replayed = Replay(bundle, anchors[i], work, history);
    if (!replayed) {
      // Another anchor's history: the create operation is not this identifier's.
      if (replayed.error().code == Code::kInvalidDid) continue;
      return std::unexpected<Error>(replayed.error());
    }
    KEEL_TRY_VOID(VerifyEndorsement(bundle.endorsement, net, descriptor_hash, history, anchors[i].known_operations));
    return EndorsedBy{static_cast<uint8_t>(i), history.count()};
  }
  return Fail(Code::kUntrusted, "descriptor is endorsed by none of our anchors");
}

Result<Descriptor> VerifyEpochBundle(const EpochBundle& bundle, const Descriptor& current, const Net& net,
                                     std::span<const Anchor> anchors, EndorsedBy* endorsed_by) {
  KEEL_TRY(const BundleStep step, VerifyBundleStep(bundle, current, net));
  KEEL_TRY(const EndorsedBy by,
           VerifyBundleEndorsement(bundle, current.label, net, step.descriptor_hash, anchors, ByteSpan{}));
  if (endorsed_by != nullptr) *endorsed_by = by;
  return ParseDescriptor(bundle.descriptor);
}

}  // namespace keel::ledger
