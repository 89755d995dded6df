// SPDX-License-Identifier: Apache-2.0
#include "ledger/descriptor.h"

#include "core/encoding.h"
#include "core/json_reader.h"
#include "core/json_writer.h"
#include "crypto/hash.h"
#include "crypto/signature.h"

namespace keel::ledger {
namespace {

Result<> ReadMembers(const JsonView& list, Descriptor& d) {
  if (list.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "descriptor members");
  JsonView item;
  for (auto it = list.items(); it.Next(item);) {
    if (d.member_count == kMaxMembers) return Fail(Code::kTooLarge, "descriptor members");
    DescriptorMember member;
    KEEL_TRY(member.id, item.GetPlain("id"));
    KEEL_TRY(member.key, item.GetPlain("key"));
    if (item.count() != 2) return Fail(Code::kUnsupported, "descriptor member: unknown member");
    if (!IsKeyId(member.id)) return Fail(Code::kMalformed, "descriptor member id");
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(member.key));
    if (key.type() != crypto::KeyType::kEd25519)
      return Fail(Code::kBadKey, "descriptor: a member's key is not Ed25519");
    for (size_t i = 0; i < d.member_count; ++i) {
      if (d.members[i].id == member.id || d.members[i].key == member.key) {
        return Fail(Code::kDuplicate, "descriptor members");
      }
    }
    d.members[d.member_count++] = member;
  }
  if (d.member_count == 0) return Fail(Code::kMissing, "descriptor members");
  return {};
}

Result<> ReadEndpoints(const JsonView& list, Descriptor& d) {
  if (list.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "descriptor endpoints");
  JsonView item;
  for (auto it = list.items(); it.Next(item);) {
    if (d.endpoint_count == kMaxEndpoints) return Fail(Code::kTooLarge, "descriptor endpoints");
    KEEL_TRY(const std::string_view url, item.AsPlain());
    if (url.size() > kMaxEndpoint) return Fail(Code::kTooLarge, "descriptor endpoint");
    d.endpoints[d.endpoint_count++] = url;
  }
  return {};
}

Result<> ReadRoots(const JsonView& roots, Descriptor& d) {
  KEEL_TRY(const uint64_t threshold, roots.GetUint("t"));
  KEEL_TRY(const JsonView keys, roots.Get("keys"));
  if (roots.count() != 2 || keys.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "descriptor roots");
  JsonView item;
  for (auto it = keys.items(); it.Next(item);) {
    if (d.root_count == kMaxRoots) return Fail(Code::kTooLarge, "descriptor roots");
    KEEL_TRY(const std::string_view text, item.AsPlain());
    KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikey(text));
    if (!crypto::AlgorithmFor(key.type())) return Fail(Code::kBadKey, "descriptor: a root key does not sign");
    for (size_t i = 0; i < d.root_count; ++i) {
      if (d.roots[i] == text) return Fail(Code::kDuplicate, "descriptor roots");
    }
    d.roots[d.root_count++] = text;
  }
  if (threshold < 1 || threshold > d.root_count) return Fail(Code::kOutOfRange, "descriptor roots' threshold");
  d.root_threshold = static_cast<uint8_t>(threshold);
  return {};
}

Result<> ReadNext(const JsonView& next, Descriptor& d) {
  KEEL_TRY(const uint64_t threshold, next.GetUint("t"));
  KEEL_TRY(const JsonView hashes, next.Get("h"));
  if (next.count() != 2 || hashes.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "descriptor next");
  JsonView item;
  for (auto it = hashes.items(); it.Next(item);) {
    if (d.next_count == kMaxRoots) return Fail(Code::kTooLarge, "descriptor next");
    KEEL_TRY(const std::string_view text, item.AsPlain());
    Bytes32 hash{};
    KEEL_TRY(const size_t n, Base64UrlDecode(text, hash));
    if (n != hash.size()) return Fail(Code::kMalformed, "descriptor next hash");
    for (size_t i = 0; i < d.next_count; ++i) {
      if (d.next[i] == hash) return Fail(Code::kDuplicate, "descriptor next");
    }
    d.next[d.next_count++] = hash;
  }
  if (threshold < 1 || threshold > d.next_count) return Fail(Code::kOutOfRange, "descriptor next threshold");
  d.next_threshold = static_cast<uint8_t>(threshold);
  return {};
}

}  // namespace

Bytes32 DescriptorHash(ByteView octets) { return crypto::Sha256::Of(octets); }

Result<Descriptor> ParseDescriptor(ByteView octets) {
  if (octets.size() > kMaxDescriptor) return Fail(Code::kTooLarge, "descriptor");
  Descriptor d;
  d.octets = octets;
  KEEL_TRY(const JsonView json, JsonView::Parse(AsText(octets)));
  if (json.kind() != JsonView::Kind::kObject) return Fail(Code::kMalformed, "descriptor");
  KEEL_TRY(const uint64_t version, json.GetUint("v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "descriptor v");
  KEEL_TRY(d.label, json.GetPlain("label"));
  if (!IsLabel(d.label)) return Fail(Code::kMalformed, "descriptor label");
  KEEL_TRY(const uint64_t epoch, json.GetUint("epoch"));
  if (epoch > UINT32_MAX) return Fail(Code::kOutOfRange, "descriptor epoch");
  d.epoch = static_cast<uint32_t>(epoch);
  KEEL_TRY(const JsonView members, json.Get("members"));
  KEEL_TRY_VOID(ReadMembers(members, d));
  KEEL_TRY(const uint64_t quorum, json.GetUint("q"));
  if (quorum < QuorumOf(d.member_count) || quorum > d.member_count) return Fail(Code::kOutOfRange, "descriptor q");
  d.quorum = static_cast<uint8_t>(quorum);
  KEEL_TRY(const JsonView endpoints, json.Get("endpoints"));
  KEEL_TRY_VOID(ReadEndpoints(endpoints, d));
  KEEL_TRY(const JsonView roots, json.Get("roots"));
  KEEL_TRY_VOID(ReadRoots(roots, d));
  KEEL_TRY(const JsonView next, json.Get("next"));
  KEEL_TRY_VOID(ReadNext(next, d));
  size_t expected = 8;
  if (d.epoch > 0) {
    KEEL_TRY(d.prev, json.GetFixed<32>("prev"));
    ++expected;
  }
  if (json.count() != expected) return Fail(Code::kUnsupported, "descriptor: unknown member");
  return d;
}

Result<size_t> BuildDescriptor(const Descriptor& d, std::span<char> out) {
  if (d.member_count > kMaxMembers || d.root_count > kMaxRoots || d.next_count > kMaxRoots ||
      d.endpoint_count > kMaxEndpoints) {
    return Fail(Code::kInvalidArgument, "descriptor");
  }
  JsonWriter w(out);
  w.BeginObject().Name("v").Uint(1).Name("label").String(d.label).Name("epoch").Uint(d.epoch).Name("q").Uint(d.quorum);
  w.Name("members").BeginArray();
  for (size_t i = 0; i < d.member_count; ++i) {
    w.BeginObject().Name("id").String(d.members[i].id).Name("key").String(d.members[i].key).EndObject();
  }
  w.EndArray().Name("endpoints").BeginArray();
  for (size_t i = 0; i < d.endpoint_count; ++i) w.String(d.endpoints[i]);
  w.EndArray().Name("roots").BeginObject().Name("t").Uint(d.root_threshold).Name("keys").BeginArray();
  for (size_t i = 0; i < d.root_count; ++i) w.String(d.roots[i]);
  w.EndArray().EndObject().Name("next").BeginObject().Name("t").Uint(d.next_threshold).Name("h").BeginArray();
  for (size_t i = 0; i < d.next_count; ++i) w.Base64Url(d.next[i]);
  w.EndArray().EndObject();
  if (d.epoch > 0) w.Name("prev").Base64Url(d.prev);
  w.EndObject();
  if (!w.ok()) return Fail(Code::kBufferTooSmall, "descriptor");
  KEEL_TRY_VOID(ParseDescriptor(AsBytes(w.text())));  // nothing leaves here that a device would refuse
  return w.size();
}

Result<MemberSet> MemberSetOf(const Descriptor& d, const Net& net) {
  MemberSet set;
  set.net = net;
  set.epoch = d.epoch;
  set.count = d.member_count;
  set.quorum = d.quorum;
  for (size_t i = 0; i < d.member_count; ++i) {
    KEEL_TRY(set.keys[i], crypto::PublicKey::FromMultikey(d.members[i].key));
  }
  return set;
}

ByteArray<kDescriptorMessage> DescriptorMessage(const Net& net, const Bytes32& descriptor_hash) {
  ByteArray<kDescriptorMessage> out{};
  ByteWriter(out).Put("keel-desc/1\n").Put(net).Put(descriptor_hash);
  return out;
}

ByteArray<kEndorseMessage> EndorseMessage(const Net& net, const Bytes32& descriptor_hash) {
  ByteArray<kEndorseMessage> out{};
  ByteWriter(out).Put("keel-endorse/1\n").Put(net).Put(descriptor_hash);
  return out;
}

}  // namespace keel::ledger
