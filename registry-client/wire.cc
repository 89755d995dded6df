// SPDX-License-Identifier: Apache-2.0
#include "registry-client/wire.h"

#include "crypto/hash.h"

namespace keel::registry_client {
namespace {

void PutUint(std::string& out, uint64_t value, int octets) {
  for (int shift = 8 * (octets - 1); shift >= 0; shift -= 8) out.push_back(static_cast<char>(value >> shift));
}

}  // namespace

void PutItem(std::string& out, ItemTag tag, ByteView body) {
  out.push_back(static_cast<char>(tag));
  PutUint(out, body.size(), 4);
  out += AsText(body);
}

Result<std::vector<Item>> ParseBundle(std::string_view octets) {
  std::vector<Item> items;
  ByteReader r(AsBytes(octets));
  while (r.ok() && r.left() > 0) {
    if (items.size() >= kMaxItems) return Fail(Code::kTooLarge, "registry answer", "too many items");
    Item item;
    item.tag = static_cast<ItemTag>(r.U8());
    item.body = r.Take(r.U32());
    items.push_back(item);
  }
  if (!r.done()) return Fail(Code::kMalformed, "registry answer", "an item is cut off");
  return items;
}

std::string EncodeProofQuery(std::span<const Bytes32> keys, std::span<const std::string> dids) {
  std::string out;
  PutUint(out, keys.size(), 2);
  for (const Bytes32& key : keys) out += AsText(key);
  PutUint(out, dids.size(), 2);
  for (const std::string& did : dids) {
    PutUint(out, did.size(), 2);
    out += did;
  }
  return out;
}

Result<ProofQuery> ParseProofQuery(ByteView octets) {
  ByteReader r(octets);
  ProofQuery query;
  const size_t keys = r.U16();
  if (keys > kMaxProofKeys) return Fail(Code::kTooLarge, "proof query", "at most 1,024 keys");
  for (size_t i = 0; i < keys && r.ok(); ++i) query.keys.push_back(r.Fixed<32>());
  const size_t dids = r.U16();
  if (dids > kMaxProofDids) return Fail(Code::kTooLarge, "proof query", "at most 64 DIDs");
  for (size_t i = 0; i < dids && r.ok(); ++i) query.dids.emplace_back(AsText(r.Take(r.U16())));
  if (!r.done()) return Fail(Code::kMalformed, "proof query", "lengths don't add up");
  return query;
}

std::vector<uint8_t> RequestToSign(const Bytes32& net, std::string_view method, std::string_view target, ByteView body,
                                   UnixSeconds time) {
  std::string out = "keel-request/1\n";
  out += AsText(net);
  out += method;
  out += ' ';
  out += target;
  out += '\n';
  out += AsText(crypto::Sha256::Of(body));
  PutUint(out, time, 8);
  return {out.begin(), out.end()};
}

}  // namespace keel::registry_client
