// SPDX-License-Identifier: Apache-2.0
#include "did/methods/peer.h"

#include <list>
#include <mutex>
#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "did/did.h"
#include "did/internal/peer_service.h"
#include "did/methods/key.h"
#include "did/methods/peer4.h"

namespace keel::did {
namespace {

using nlohmann::json;

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidDid, "did:peer", std::move(detail)); }

char PurposeOf(Relationship use) {
  switch (use) {
    case Relationship::kAuthentication: return 'V';
    case Relationship::kAssertionMethod: return 'A';
    case Relationship::kKeyAgreement: return 'E';
    case Relationship::kCapabilityInvocation: return 'I';
    case Relationship::kCapabilityDelegation: return 'D';
  }
  return 'V';
}

uint8_t UseOf(char purpose) {
  switch (purpose) {
    case 'V': return static_cast<uint8_t>(Relationship::kAuthentication);
    case 'A': return static_cast<uint8_t>(Relationship::kAssertionMethod);
    case 'E': return static_cast<uint8_t>(Relationship::kKeyAgreement);
    case 'I': return static_cast<uint8_t>(Relationship::kCapabilityInvocation);
    case 'D': return static_cast<uint8_t>(Relationship::kCapabilityDelegation);
    default: return 0;
  }
}

}  // namespace

std::string PeerServiceDidcomm(const std::string& uri) {
  return base::DumpJson(json{{"t", "dm"}, {"s", {{"uri", uri}, {"a", {"didcomm/v2"}}}}});
}

Result<std::string> CreatePeer2(std::span<const PeerKey> keys, std::span<const std::string> services) {
  if (keys.empty() || keys.size() + services.size() > kMaxPeerElements)
    return Fail(Code::kInvalidArgument, "did:peer", "number of keys and services");
  std::string did = "did:peer:2";
  for (const PeerKey& item : keys) {
    if (!item.key.valid() || !CanServe(item.key.type(), item.use))
      return Fail(Code::kUnsupported, "did:peer", "a key that can't serve for its use");
    did += '.';
    did += PurposeOf(item.use);
    did += base::Multikey(item.key);
  }
  for (const std::string& text : services) {
    KEEL_TRY(const json service, base::ParseJson(text, {.max_size = internal::kMaxPeerService}));
    if (!service.is_object()) return Fail(Code::kMalformed, "did:peer", "a service is no JSON object");
    did += ".S" + base::Base64Url(AsBytes(base::DumpJson(internal::AbbreviatePeerService(service))));
  }
  if (did.size() > kMaxDid)
    return Fail(Code::kTooLarge, "did:peer", "the DID is longer than " + std::to_string(kMaxDid));
  return did;
}

Result<DidDocument> ResolvePeer(std::string_view did) {
  // Old encodings pad base64url with '='; a DID may not have it, so it can't be accepted by the general parser either.
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "peer") return Fail(Code::kMethodNotSupported, "did:peer", "did:" + parsed.method);
  std::string_view rest = parsed.id;
  if (rest.starts_with('0')) {
    KeyMethod key_method;
    auto inner = key_method.Resolve("did:key:" + std::string(rest.substr(1)));
    if (!inner) return Bad(inner.error().Text());
    DidDocument document;
    document.id = did;
    for (VerificationMethod method : inner->document->methods) {
      method.id = document.id + "#" + std::string(FragmentOf(method.id));
      method.controller = document.id;
      document.methods.push_back(std::move(method));
    }
    return document;
  }
  if (rest.starts_with('4')) {
    if (!IsPeer4Long(did))
      return Fail(Code::kNotFound, "did:peer", parsed.text + ": the short form of a did:peer:4 says nothing by itself");
    return ResolvePeer4(did);
  }
  if (!rest.starts_with("2.")) return Fail(Code::kUnsupported, "did:peer", "only numalgo 0, 2 and 4 are supported");
  rest.remove_prefix(1);

  json services = json::array();
  DidDocument document;
  document.id = did;
  size_t elements = 0;
  while (!rest.empty()) {
    rest.remove_prefix(1);  // '.'
    const std::string_view element = rest.substr(0, rest.find('.'));
    rest.remove_prefix(element.size());
    if (element.size() < 2 || ++elements > kMaxPeerElements)
      return Bad("an empty element, or more than " + std::to_string(kMaxPeerElements));
    const std::string_view content = element.substr(1);
    if (element[0] == 'S') {
      if (content.size() > internal::kMaxPeerService * 4 / 3) return Bad("a service element is too long");
      auto octets = base::FromBase64Url(content);
      if (!octets) return Bad("service: " + octets.error().Text());
      auto value = base::ParseJson(AsText(*octets), {.max_size = internal::kMaxPeerService});
      if (!value) return Bad("service: " + value.error().Text());
      if (value->is_array()) {
        for (const json& item : *value) KEEL_TRY_VOID(internal::AddPeerService(item, services));
      } else {
        KEEL_TRY_VOID(internal::AddPeerService(*value, services));
      }
      continue;
    }
    const uint8_t use = UseOf(element[0]);
    if (use == 0) return Bad(std::string("unknown purpose '") + element[0] + "'");
    auto key = crypto::PublicKey::FromMultikey(content);
    if (!key && key.error().code != Code::kUnsupported) return Bad("key: " + key.error().Text());
    if (key && !CanServe(key->type(), static_cast<Relationship>(use)))
      return Bad("a key that can't serve for its purpose");
    document.methods.push_back({document.id + "#key-" + std::to_string(document.methods.size() + 1),
                                "Multikey",
                                document.id,
                                key ? *key : crypto::PublicKey(),
                                {},
                                use});
  }
  if (!services.empty()) {
    const json holder = {{"id", document.id}, {"service", services}};
    auto read = DidDocument::FromJson(holder);
    if (!read) return Bad(read.error().Text());
    document.services = std::move(read->services);
  }
  // The short form that stands for the same document (method's text, "Method 3").
  base::ByteVec multihash = {0x12, 0x20};
  const Bytes32 digest = crypto::Sha256::Of(std::string_view(parsed.id).substr(1));
  multihash.insert(multihash.end(), digest.begin(), digest.end());
  KEEL_TRY(const std::string encoded, base::MultibaseBase58(multihash));
  document.also_known_as.push_back("did:peer:3" + encoded);
  return document;
}

struct PeerMethod::Impl {
  explicit Impl(size_t max) : max_seen(max) {}
  const size_t max_seen;
  std::mutex mutex;              // guards both below
  std::list<std::string> order;  // long forms, the one used last first
  std::unordered_map<std::string, std::list<std::string>::iterator> by_short;

  void Remember(const std::string& short_form, const std::string& long_form) {
    const std::lock_guard lock(mutex);
    if (const auto it = by_short.find(short_form); it != by_short.end()) {
      order.splice(order.begin(), order, it->second);
      return;
    }
    if (max_seen == 0) return;
    order.push_front(long_form);
    by_short[short_form] = order.begin();
    if (order.size() <= max_seen) return;
    by_short.erase(order.back().substr(0, order.back().rfind(':')));
    order.pop_back();
  }

  std::string LongFormOf(const std::string& short_form) {
    const std::lock_guard lock(mutex);
    const auto it = by_short.find(short_form);
    if (it == by_short.end()) return {};
    order.splice(order.begin(), order, it->second);
    return *it->second;
  }
};

PeerMethod::PeerMethod(size_t max_seen) : impl_(std::make_unique<Impl>(max_seen)) {}
PeerMethod::~PeerMethod() = default;

Result<> PeerMethod::Remember(const std::string& long_form) {
  KEEL_TRY_VOID(ResolvePeer4(long_form));
  KEEL_TRY(const std::string short_form, Peer4ShortForm(long_form));
  impl_->Remember(short_form, long_form);
  return {};
}

Result<ResolutionResult> PeerMethod::Resolve(const std::string& did, const ResolutionOptions& options) {
  KEEL_TRY_VOID(RefuseVersions(options, "did:peer"));
  const bool numalgo4 = did.starts_with("did:peer:4");
  std::string seen;
  if (numalgo4 && !IsPeer4Long(did)) {
    KEEL_TRY_VOID(Did::Parse(did));
    seen = impl_->LongFormOf(did);
    if (seen.empty())
      return Fail(Code::kNotFound, "did:peer",
                  did +
                      ": the long form was never seen here, and the short form alone says nothing; ask the peer for "
                      "the long one, or give it among the known documents");
  }
  auto document = seen.empty() ? ResolvePeer(did) : ResolvePeer4(seen, true);
  if (!document) {
    if (document.error().code == Code::kUnsupported)
      return Fail(Code::kMethodNotSupported, "did:peer", document.error().detail);
    return std::unexpected<Error>(document.error());
  }
  if (numalgo4 && seen.empty()) impl_->Remember(document->also_known_as.back(), did);
  ResolutionResult result;
  result.document = std::make_shared<const DidDocument>(std::move(*document));
  return result;
}

}  // namespace keel::did
