// SPDX-License-Identifier: Apache-2.0
#include "didcomm/attachment.h"

#include <nlohmann/json.hpp>

#include "base/jcs.h"
#include "base/json_strict.h"
#include "base/json_text.h"
#include "crypto/hash.h"
#include "crypto/signature.h"
#include "didcomm/internal/signatures.h"

namespace keel::didcomm {
namespace {

constexpr char kWhere[] = "didcomm attachment";
// Multicodec: function, then length of the digest.
constexpr uint8_t kSha256 = 0x12, kSha512 = 0x13;

Result<base::ByteVec> MultihashOctets(std::string_view text) {
  if (text.size() < 4 || text.size() > 256) return Fail(Code::kMalformed, kWhere, "hash is no multihash");
  if (text.starts_with("12") || text.starts_with("13")) return base::FromHex(text);
  if (text[0] == 'z' || text[0] == 'u') return base::FromMultibase(text);
  return base::FromBase58(text);
}

std::string_view WithoutPadding(std::string_view text) {
  for (int i = 0; i < 2 && text.ends_with('='); ++i) text.remove_suffix(1);
  return text;
}

// By value; kMissing when the content is only linked.
Result<base::ByteVec> Inline(const Attachment& attachment, size_t max_octets) {
  const size_t text =
      attachment.base64.empty() ? attachment.json.size() : WithoutPadding(attachment.base64).size() / 4 * 3;
  if (text > max_octets)  // rounded down: the exact length is judged below
    return Fail(Code::kTooLarge, kWhere, "content over " + std::to_string(max_octets) + " octets");
  if (!attachment.base64.empty()) {
    auto octets = base::FromBase64Url(WithoutPadding(attachment.base64));
    if (!octets) return Fail(octets.error().code, kWhere, "base64 is not base64url");
    if (octets->size() > max_octets)
      return Fail(Code::kTooLarge, kWhere, "content over " + std::to_string(max_octets) + " octets");
    return octets;
  }
  if (!attachment.json.empty()) return base::ToBytes(attachment.json);
  if (attachment.links.empty()) return base::ByteVec();
  return Fail(Code::kMissing, kWhere, "no content by value");
}

Result<bool> HashIsRight(const Attachment& attachment, ByteView content) {
  KEEL_TRY(const bool right, HashMatches(attachment.hash, content));
  if (right || attachment.json.empty() || !attachment.base64.empty()) return right;
  KEEL_TRY(const nlohmann::json tree, base::ParseJson(attachment.json));
  KEEL_TRY(const std::string canonical, base::Jcs(tree));
  return HashMatches(attachment.hash, AsBytes(canonical));
}

std::unexpected<Error> WrongHash(const std::string& what) {
  return Fail(Code::kCorrupt, kWhere, what + " doesn't have the hash that the attachment names");
}

Result<AttachmentContent> Linked(const Attachment& attachment, const AttachmentOptions& options) {
  if (attachment.hash.empty()) return Fail(Code::kMissing, kWhere, "linked content without a hash");
  if (!options.fetch) return Fail(Code::kUnavailable, kWhere, "the content is linked and nobody here fetches it");
  if (attachment.byte_count && *attachment.byte_count > options.max_octets)
    return Fail(Code::kTooLarge, kWhere, "content over " + std::to_string(options.max_octets) + " octets");
  Error last{Code::kUnavailable, kWhere, "no link"};
  for (const std::string& link : attachment.links) {
    auto octets = options.fetch(link, options.max_octets);
    if (!octets) {
      last = std::move(octets.error());
      continue;
    }
    if (octets->size() > options.max_octets) {
      last = {Code::kTooLarge, kWhere, "what " + link + " gave"};
      continue;
    }
    KEEL_TRY(const bool right, HashMatches(attachment.hash, *octets));
    if (right) return AttachmentContent{std::move(*octets), true, {}, link};
    last = std::move(WrongHash("what " + link + " gave").error());
  }
  return std::unexpected<Error>(std::move(last));
}

}  // namespace

std::string AttachmentHash(ByteView content) {
  const Bytes32 digest = crypto::Sha256::Of(content);
  base::ByteVec octets = {kSha256, 32};
  octets.insert(octets.end(), digest.begin(), digest.end());
  auto text = base::MultibaseBase58(octets);
  KEEL_ASSERT(text.has_value());
  return *text;
}

Result<bool> HashMatches(std::string_view hash, ByteView content) {
  auto octets = MultihashOctets(hash);
  if (!octets || octets->size() < 2) return Fail(Code::kMalformed, kWhere, "hash is no multihash");
  const ByteView digest = ByteView(*octets).subspan(2);
  if ((*octets)[1] != digest.size()) return Fail(Code::kMalformed, kWhere, "hash has another length than it says");
  if ((*octets)[0] == kSha256 && digest.size() == 32) return Equal(digest, crypto::Sha256::Of(content));
  if ((*octets)[0] == kSha512 && digest.size() == 64) return Equal(digest, crypto::Sha512(content));
  return Fail(Code::kUnsupported, kWhere, "hash is by a function besides SHA-256 and SHA-512");
}

Result<AttachmentContent> OpenAttachment(const Attachment& attachment, const AttachmentOptions& options) {
  AttachmentContent content;
  auto by_value = Inline(attachment, options.max_octets);
  if (by_value) {
    content.octets = std::move(*by_value);
    if (!attachment.hash.empty()) {
      KEEL_TRY(content.hash_checked, HashIsRight(attachment, content.octets));
      if (!content.hash_checked) return WrongHash("the content");
    }
  } else if (by_value.error().code == Code::kMissing) {
    KEEL_TRY(content, Linked(attachment, options));
  } else {
    return std::unexpected<Error>(std::move(by_value.error()));
  }
  if (attachment.jws.empty()) {
    if (options.require_signature) return Fail(Code::kRefused, kWhere, "the attachment isn't signed");
    return content;
  }
  if (options.resolver == nullptr)
    return Fail(Code::kUnavailable, kWhere, "the attachment is signed and there is no resolver to check that");
  KEEL_TRY(const base::JsonText jws, base::JsonText::Parse(attachment.jws, {.max_size = 256 << 10}));
  if (!jws.root().is_object()) return Fail(Code::kMalformed, kWhere, "jws is no object");
  const std::string payload = base::Base64Url(content.octets);
  if (const auto own = jws.root().Find("payload"); own && !own->Equals("") && !own->Equals(payload))
    return Fail(Code::kMalformed, kWhere, "jws has a payload of its own, which is not the content");
  static constexpr did::Relationship kUses[] = {did::Relationship::kAuthentication,
                                                did::Relationship::kAssertionMethod};
  KEEL_TRY(std::vector<CheckedSignature> checked,
           CheckSignatures(jws.root(), payload, *options.resolver, {.uses = kUses, .message = false}));
  for (CheckedSignature& each : checked) content.signers.push_back(std::move(each.kid));
  return content;
}

Attachment AttachOctets(std::string id, std::string media_type, ByteView content) {
  Attachment attachment;
  attachment.id = std::move(id);
  attachment.media_type = std::move(media_type);
  attachment.byte_count = content.size();
  attachment.base64 = base::Base64Url(content);
  attachment.hash = AttachmentHash(content);
  return attachment;
}

Result<> SignAttachment(Attachment& attachment, const std::string& kid, did::KeyFinder& keys) {
  auto content = Inline(attachment, SIZE_MAX);
  if (!content) return Fail(Code::kInvalidArgument, kWhere, "only content by value can be signed");
  KEEL_TRY(const did::KeyRef key, keys.Find(kid));
  KEEL_TRY(const crypto::PublicKey own, key.Public());
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(own.type()));
  const std::string protected_b64 =
      base::Base64Url(AsBytes(std::string("{\"alg\":\"").append(crypto::JoseName(algorithm)).append("\"}")));
  ByteArray<crypto::kMaxSignature> octets;
  KEEL_TRY(const size_t length,
           key.store->Sign(key.handle, AsBytes(protected_b64 + "." + base::Base64Url(*content)), octets));
  attachment.jws = base::DumpJson({{"header", {{"kid", kid}}},
                                   {"protected", protected_b64},
                                   {"signature", base::Base64Url(ByteView(octets).first(length))}});
  return {};
}

}  // namespace keel::didcomm
