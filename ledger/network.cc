// SPDX-License-Identifier: Apache-2.0
#include "ledger/network.h"

#include "core/encoding.h"
#include "crypto/hash.h"

namespace keel::ledger {
namespace {

constexpr std::string_view kPrefix = "did:keel:";
constexpr size_t kMultihash = 34;

bool IsLower(char c) { return c >= 'a' && c <= 'z'; }
bool IsDigit(char c) { return c >= '0' && c <= '9'; }

bool StartsWith(std::string_view text, std::string_view prefix) {
  return text.size() >= prefix.size() && std::memcmp(text.data(), prefix.data(), prefix.size()) == 0;
}

std::string_view Tail(std::string_view text, size_t from) { return {text.data() + from, text.size() - from}; }

}  // namespace

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabel || !IsLower(label[0]) || label[label.size() - 1] == '-') return false;
  for (const char c : label) {
    if (!IsLower(c) && !IsDigit(c) && c != '-') return false;
  }
  return true;
}

bool IsKeyId(std::string_view id) {
  if (id.empty() || id.size() > kMaxKeyId) return false;
  for (const char c : id) {
    if (!IsLower(c) && !IsDigit(c) && !(c >= 'A' && c <= 'Z') && c != '-' && c != '_') return false;
  }
  return true;
}

Result<Did> DidOfCreate(std::string_view label, ByteView create_payload) {
  return DidOfScid(label, crypto::Sha256::Of(create_payload));
}

Result<Did> DidOfScid(std::string_view label, const Bytes32& scid_hash) {
  if (!IsLabel(label)) return Fail(Code::kInvalidArgument, "network label");
  ByteArray<kMultihash> multihash{0x12, 0x20};
  std::memcpy(multihash.data() + 2, scid_hash.data(), scid_hash.size());
  std::array<char, kMaxDid> text{};
  ByteWriter writer(ByteSpan(reinterpret_cast<uint8_t*>(text.data()), text.size()));
  writer.Put(kPrefix).Put(label).Put(":");
  KEEL_TRY(const size_t scid, MultibaseEncodeBase58(multihash, std::span<char>(text).subspan(writer.size())));
  return Did::Create({text.data(), writer.size() + scid});
}

Result<DidParts> ParseDid(std::string_view did) {
  if (did.size() > kMaxDid || !StartsWith(did, kPrefix)) return Fail(Code::kInvalidDid, "did:keel");
  const std::string_view rest = Tail(did, kPrefix.size());
  const size_t colon = rest.find(':');
  if (colon == std::string_view::npos) return Fail(Code::kInvalidDid, "did:keel network label");
  DidParts parts;
  parts.label = {rest.data(), colon};
  if (!IsLabel(parts.label)) return Fail(Code::kInvalidDid, "did:keel network label");
  const std::string_view scid = Tail(rest, colon + 1);
  if (scid.size() != kScidLength || scid[0] != 'z') return Fail(Code::kInvalidDid, "did:keel scid");
  ByteArray<kMultihash> multihash{};
  const auto n = MultibaseDecode(scid, multihash);
  if (!n || *n != kMultihash || multihash[0] != 0x12 || multihash[1] != 0x20) {
    return Fail(Code::kInvalidDid, "did:keel scid");
  }
  std::memcpy(parts.scid_hash.data(), multihash.data() + 2, 32);
  return parts;
}

Result<DidParts> ParseDidOf(std::string_view did, std::string_view label) {
  KEEL_TRY(const DidParts parts, ParseDid(did));
  if (parts.label != label) return Fail(Code::kWrongNetwork, "did:keel network label");
  return parts;
}

Result<KidParts> ParseKid(std::string_view kid) {
  const size_t hash = kid.find('#');
  if (hash == std::string_view::npos || hash == 0 || hash + 1 == kid.size()) {
    return Fail(Code::kInvalidDidUrl, "key identifier");
  }
  return KidParts{{kid.data(), hash}, Tail(kid, hash + 1)};
}

Result<Bytes32> KeyHash(const crypto::PublicKey& key) {
  std::array<char, crypto::kMaxMultikeyText> text{};
  KEEL_TRY(const size_t n, key.ToMultikey(text));
  return KeyHashOfText({text.data(), n});
}

Bytes32 KeyHashOfText(std::string_view multikey) { return crypto::Sha256::Of(multikey); }

}  // namespace keel::ledger
