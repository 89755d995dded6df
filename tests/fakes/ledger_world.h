// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "ledger/checkpoint.h"
#include "ledger/descriptor.h"
#include "ledger/entry.h"
#include "ledger/link.h"
#include "ledger/merkle.h"
#include "ledger/pack.h"
#include "ledger/quorum_time.h"
#include "tests/fakes/memory_keys.h"
#include "tests/fakes/naive_map.h"

// A whole small ledger in memory: members, log, map, checkpoints, DIDs and ownership chains. For tests; deterministic.
// Every helper stops the program (assert by .value()) when the code under test fails where it must not.
namespace keel::fakes {

using Octets = std::vector<uint8_t>;

inline Octets ToOctets(ByteView view) { return Octets(view.begin(), view.end()); }
inline Octets ToOctets(std::string_view text) { return ToOctets(AsBytes(text)); }

// A DID with its keys and operations.
struct Identity {
  std::string did;
  std::vector<ledger::AnchoredOperation> anchored;  // views into jws
  std::vector<Octets> jws;
  std::vector<uint64_t> indices;
  crypto::KeyHandle auth, next;
  std::string auth_multikey;
  Bytes32 auth_hash{};
};

// A seal of one key.
struct SealKeyPair {
  crypto::KeyHandle key;
  Octets policy;
  Bytes32 seal{};
};

struct ChainLink {
  Octets record, policy, sigs;
  Bytes32 hash{};
  Bytes32 spent_seal{};
  uint64_t index = 0;
  bool anchored = false;
};

class LedgerWorld {
 public:
  explicit LedgerWorld(size_t members = 1, std::string seed = "world") : keys(seed) {
    ledger::Descriptor d;
    d.label = "demo";
    d.member_count = static_cast<uint8_t>(members);
    d.quorum = static_cast<uint8_t>(ledger::QuorumOf(members));
    for (size_t i = 0; i < members; ++i) {
      member_keys.push_back(keys.Generate(crypto::KeyType::kEd25519).value());
      member_ids_.push_back("m" + std::to_string(i));
      member_texts_.push_back(MultikeyOf(keys.Public(member_keys.back()).value()));
    }
    for (size_t i = 0; i < members; ++i) d.members[i] = {member_ids_[i], member_texts_[i]};
    root_key = keys.Generate(crypto::KeyType::kEd25519).value();
    next_root_key = keys.Generate(crypto::KeyType::kEd25519).value();
    root_text_ = MultikeyOf(keys.Public(root_key).value());
    d.root_count = 1;
    d.roots[0] = root_text_;
    d.next_count = 1;
    d.next[0] = ledger::KeyHash(keys.Public(next_root_key).value()).value();
    d.endpoint_count = 1;
    d.endpoints[0] = "http://127.0.0.1:1/";
    std::array<char, ledger::kMaxDescriptor> text{};
    const size_t n = ledger::BuildDescriptor(d, text).value();
    descriptor_octets = ToOctets(std::string_view(text.data(), n));
    descriptor = ledger::ParseDescriptor(descriptor_octets).value();
    net = ledger::DescriptorHash(descriptor_octets);
    members_set = ledger::MemberSetOf(descriptor, net).value();
  }

  // Appends an entry to the log; returns its index.
  uint64_t Append(ByteView entry) {
    leaves_.push_back(ledger::LeafHash(entry));
    return leaves_.size() - 1;
  }
  void Fill(size_t entries) {
    for (size_t i = 0; i < entries; ++i) Append(ToOctets("filler " + std::to_string(leaves_.size())));
  }

  // --- DIDs
  Identity CreateIdentity(const Bytes32* seal0 = nullptr) {
    Identity id;
    id.auth = keys.Generate(crypto::KeyType::kEd25519).value();
    id.next = keys.Generate(crypto::KeyType::kEd25519).value();
    SetAuth(id);
    const ledger::OperationKey key{"key-1", ledger::kUseAuthentication | ledger::kUseAssertion, id.auth_multikey};
    const Bytes32 next = ledger::KeyHash(keys.Public(id.next).value()).value();
    ledger::CreateFields fields;
    fields.net = net;
    fields.keys = {&key, 1};
    fields.next = {&next, 1};
    fields.seal0 = seal0;
    fields.nonce = {1, 2, 3, static_cast<uint8_t>(id.auth.id)};
    std::array<char, ledger::kMaxOperationPayload> payload{};
    const size_t n = ledger::BuildCreate(fields, payload).value();
    const std::string_view text(payload.data(), n);
    id.did = ledger::DidOfCreate("demo", AsBytes(text)).value().view();
    Anchor(id, text, id.auth);
    return id;
  }
  void Rotate(Identity& id, ledger::Reason reason = ledger::Reason::kRoutine, uint64_t since = 0) {
    const crypto::KeyHandle signer = id.next;
    id.auth = keys.Generate(crypto::KeyType::kEd25519).value();
    id.next = keys.Generate(crypto::KeyType::kEd25519).value();
    SetAuth(id);
    const ledger::OperationKey key{"key-1", ledger::kUseAuthentication | ledger::kUseAssertion, id.auth_multikey};
    const Bytes32 next = ledger::KeyHash(keys.Public(id.next).value()).value();
    const std::string by_text = MultikeyOf(keys.Public(signer).value());
    const std::string_view by = by_text;
    ledger::UpdateFields fields;
    fields.prev = ledger::OperationHash(id.jws.back());
    fields.seq = id.jws.size();
    fields.by = {&by, 1};
    fields.keys = {&key, 1};
    fields.next = {&next, 1};
    fields.reason = reason;
    fields.since = since;
    std::array<char, ledger::kMaxOperationPayload> payload{};
    const size_t n = ledger::BuildUpdate(fields, payload).value();
    Anchor(id, std::string_view(payload.data(), n), signer);
  }
  void Deactivate(Identity& id) {
    const std::string by_text = MultikeyOf(keys.Public(id.next).value());
    const std::string_view by = by_text;
    ledger::DeactivateFields fields;
    fields.prev = ledger::OperationHash(id.jws.back());
    fields.seq = id.jws.size();
    fields.by = {&by, 1};
    std::array<char, ledger::kMaxOperationPayload> payload{};
    const size_t n = ledger::BuildDeactivate(fields, payload).value();
    Anchor(id, std::string_view(payload.data(), n), id.next);
  }
  static ledger::DidHistory HistoryOf(const Identity& id) {
    ledger::DidHistory history;
    (void)history.Start(id.did).value();
    for (size_t i = 0; i < id.jws.size(); ++i) {
      if (!history.Apply(id.indices[i], id.jws[i])) std::abort();
    }
    return history;
  }

  // --- seals and chains
  SealKeyPair MakeSeal() {
    SealKeyPair seal;
    seal.key = keys.Generate(crypto::KeyType::kEd25519).value();
    const crypto::PublicKey key = keys.Public(seal.key).value();
    ByteArray<ledger::kMaxPolicy> policy;
    const size_t n = ledger::WritePolicy(1, {&key, 1}, policy).value();
    seal.policy = ToOctets(ByteView(policy).first(n));
    seal.seal = ledger::SealOf(seal.policy);
    return seal;
  }
  // The link that passes the device from `from` to `to`, spend signed, not anchored.
  ChainLink MakeLink(const std::string& device, const ledger::ChainBase& base, const SealKeyPair& from,
                     const SealKeyPair& to, std::string_view credential) {
    ledger::LinkRecord record;
    record.net = net;
    record.device_tag = ledger::DeviceTag(device);
    record.i = base.k + 1;
    record.prev = base.prev;
    record.seal = to.seal;
    record.cred = crypto::Sha256::Of(credential);
    return SignLink(ledger::WriteLink(record), from);
  }
  ChainLink SignLink(ByteView record, const SealKeyPair& from) {
    ChainLink link;
    link.record = ToOctets(record);
    link.hash = ledger::LinkHash(record);
    link.policy = from.policy;
    link.spent_seal = from.seal;
    ByteArray<ledger::kMaxSigs> sigs;
    const ledger::SealSigner signer{0, &keys, from.key};
    const size_t n = ledger::SignSpend(net, from.seal, link.hash, {&signer, 1}, sigs).value();
    link.sigs = ToOctets(ByteView(sigs).first(n));
    return link;
  }
  void AnchorSpend(ChainLink& link) {
    ByteArray<1024> entry;
    const size_t n = ledger::WriteSpendEntry({link.spent_seal, link.hash, link.policy, link.sigs}, entry).value();
    link.index = Append(ByteView(entry).first(n));
    link.anchored = true;
    map.Put(ledger::SealKey(link.spent_seal), ledger::SpendMapValue(link.hash, link.index));
  }
  static ledger::ChainBase After(const ledger::ChainBase& base, const ChainLink& link) {
    const auto record = ledger::ParseLink(link.record).value();
    return {base.k + 1, record.seal, link.hash, record.cred};
  }

  // --- commits
  // Appends the state leaf and has the members of `signers` (all, if empty) cosign at `time`.
  void Commit(UnixSeconds time, std::vector<uint8_t> signers = {}) {
    state = {++height_, map.Root(), time};
    Append(ledger::WriteStateLeaf(state));
    size = leaves_.size();
    root = ledger::TreeRoot(leaves_);
    Cosign(time, std::move(signers));
  }
  void Cosign(UnixSeconds time, std::vector<uint8_t> signers = {}) {
    if (signers.empty()) {
      for (size_t i = 0; i < members_set.quorum; ++i) signers.push_back(static_cast<uint8_t>(i));
    }
    std::vector<ledger::Cosignature> list;
    for (const uint8_t member : signers) {
      ByteArray<ledger::kMaxCosignMessage> message;
      const size_t n = ledger::WriteCosignMessage(net, size, root, time, message).value();
      ledger::Cosignature c;
      c.member = member;
      c.time = time;
      (void)keys.Sign(member_keys[member], ByteView(message).first(n), c.signature).value();
      list.push_back(c);
    }
    ByteArray<2048> out;
    const size_t n = ledger::WriteCheckpoint(descriptor.epoch, size, root, list, out).value();
    checkpoint = ToOctets(ByteView(out).first(n));
  }
  Octets StateItem() const {
    std::array<Bytes32, ledger::kMaxPath> path;
    const std::span<const Bytes32> all(leaves_.data(), size);
    const size_t n = ledger::TreePath(all, size - 1, path).value();
    ByteArray<2200> out;
    const size_t length = ledger::WriteStateProof(state, std::span(path).first(n), out).value();
    return ToOctets(ByteView(out).first(length));
  }
  const std::vector<Bytes32>& leaves() const { return leaves_; }

  // --- packs: the items in order, each an element, so that tests can leave out, swap and alter
  std::vector<Octets> PackItems(const std::vector<ChainLink>& links, const Bytes32& last_seal,
                                const Identity& owner) const {
    std::vector<Octets> items;
    ByteArray<ledger::kMaxItem> out;
    const auto add = [&](Result<size_t> n) { items.push_back(ToOctets(ByteView(out).first(n.value()))); };
    add(ledger::WritePackItem(ledger::PackTag::kCkpt, checkpoint, out));
    add(ledger::WritePackItem(ledger::PackTag::kState, StateItem(), out));
    for (const ChainLink& link : links) {
      add(ledger::WriteLinkItem(link.record, link.policy, link.sigs, out));
      add(ledger::WriteSpentItem(link.index, map.Prove(ledger::SealKey(link.spent_seal)), out));
    }
    add(ledger::WritePackItem(ledger::PackTag::kTail, map.Prove(ledger::SealKey(last_seal)), out));
    for (size_t i = 0; i < owner.jws.size(); ++i) add(ledger::WriteOpItem(owner.indices[i], owner.jws[i], out));
    add(ledger::WritePackItem(ledger::PackTag::kHead, map.Prove(ledger::DidKey(owner.did)), out));
    return items;
  }

  MemoryKeys keys;
  NaiveMap map;
  std::vector<crypto::KeyHandle> member_keys;
  crypto::KeyHandle root_key, next_root_key;
  Octets descriptor_octets;
  ledger::Descriptor descriptor;
  ledger::Net net{};
  ledger::MemberSet members_set;
  ledger::StateLeaf state;
  Octets checkpoint;
  uint64_t size = 0;
  Bytes32 root{};

 private:
  void SetAuth(Identity& id) {
    const crypto::PublicKey key = keys.Public(id.auth).value();
    id.auth_multikey = MultikeyOf(key);
    id.auth_hash = ledger::KeyHash(key).value();
  }
  void Anchor(Identity& id, std::string_view payload, crypto::KeyHandle signer) {
    ByteArray<ledger::kMaxOperation + 1> entry;
    const ledger::Signer one{&keys, signer};
    const size_t n = ledger::SignOperation(payload, {&one, 1}, ByteSpan(entry).subspan(1)).value();
    entry[0] = 1;
    id.jws.push_back(ToOctets(ByteView(entry).subspan(1, n)));
    id.indices.push_back(Append(ByteView(entry).first(n + 1)));
    map.Put(ledger::DidKey(id.did), HistoryOf(id).MapValue());
    id.anchored.clear();
    for (size_t i = 0; i < id.jws.size(); ++i) id.anchored.push_back({id.indices[i], id.jws[i]});
  }

  std::vector<Bytes32> leaves_;
  uint64_t height_ = 0;
  std::vector<std::string> member_ids_, member_texts_;
  std::string root_text_;
};

}  // namespace keel::fakes
