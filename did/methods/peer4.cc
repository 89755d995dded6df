// SPDX-License-Identifier: Apache-2.0
#include "did/methods/peer4.h"

#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "did/did.h"
#include "did/internal/long_base58.h"
#include "did/internal/peer_service.h"

namespace keel::did {
namespace {

using nlohmann::json;

constexpr std::string_view kPrefix = "did:peer:4";
// Multicodec json (0x0200) as an unsigned varint.
constexpr uint8_t kJsonCodec[] = {0x80, 0x04};

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidDid, "did:peer:4", std::move(detail)); }
std::unexpected<Error> BadInput(std::string detail) {
  return Fail(Code::kInvalidDidDocument, "did:peer:4", std::move(detail));
}

bool Relative(const json& id) { return id.is_string() && id.get_ref<const std::string&>().starts_with('#'); }

// "did:peer:4" || multibase(multihash(encoded document)).
Result<std::string> ShortOf(std::string_view encoded) {
  base::ByteVec multihash = {0x12, 0x20};
  const Bytes32 digest = crypto::Sha256::Of(encoded);
  multihash.insert(multihash.end(), digest.begin(), digest.end());
  KEEL_TRY(const std::string hash, base::MultibaseBase58(multihash));
  return std::string(kPrefix) + hash;
}

// What the method's text asks of the input document beyond being one.
Result<> CheckInput(const json& document) {
  if (!document.is_object()) return BadInput("the input document is no object");
  if (document.contains("id")) return BadInput("the input document has an id");
  const auto check_method = [](const json& method) -> Result<> {
    if (!method.is_object()) return BadInput("a verification method is no object");
    const auto id = method.find("id");
    if (id == method.end() || !Relative(*id)) return BadInput("a verification method's id is not relative");
    return {};
  };
  for (const char* name : {"verificationMethod", "publicKey"}) {
    const auto it = document.find(name);
    if (it == document.end()) continue;
    if (!it->is_array()) return BadInput(std::string(name) + " is no array");
    for (const json& method : *it) KEEL_TRY_VOID(check_method(method));
  }
  for (const Relationship use :
       {Relationship::kAuthentication, Relationship::kAssertionMethod, Relationship::kKeyAgreement,
        Relationship::kCapabilityInvocation, Relationship::kCapabilityDelegation}) {
    const auto it = document.find(std::string(RelationshipName(use)));
    if (it == document.end()) continue;
    if (!it->is_array()) return BadInput(std::string(RelationshipName(use)) + " is no array");
    for (const json& item : *it) {
      if (item.is_object()) {
        KEEL_TRY_VOID(check_method(item));
      } else if (!item.is_string()) {
        return BadInput(std::string(RelationshipName(use)) + " has an entry that is neither string nor object");
      }
      // A string may name a key of another DID; what begins with our own can't be there, since it has this hash in it.
    }
  }
  return {};
}

struct Parts {
  std::string_view short_form;
  std::string_view encoded;  // multibase text
};

Result<Parts> Split(std::string_view did) {
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "peer") return Fail(Code::kMethodNotSupported, "did:peer", "did:" + parsed.method);
  if (!IsPeer4Long(did)) return Bad("not the long form of a did:peer:4");
  const size_t colon = did.find(':', kPrefix.size());
  return Parts{did.substr(0, colon), did.substr(colon + 1)};
}

}  // namespace

bool IsPeer4Long(std::string_view did) {
  return did.starts_with(kPrefix) && did.find(':', kPrefix.size()) != std::string_view::npos;
}

Result<Peer4> CreatePeer4(std::string_view input_document) {
  KEEL_TRY(const json document, base::ParseJson(input_document, {.max_size = kMaxDid}));
  KEEL_TRY_VOID(CheckInput(document));
  base::ByteVec octets(std::begin(kJsonCodec), std::end(kJsonCodec));
  octets.insert(octets.end(), input_document.begin(), input_document.end());
  KEEL_TRY(const std::string base58, internal::LongBase58(octets));
  const std::string encoded = "z" + base58;
  Peer4 made;
  KEEL_TRY(made.short_form, ShortOf(encoded));
  made.long_form = made.short_form + ":" + encoded;
  if (made.long_form.size() > kMaxDid)
    return Fail(Code::kTooLarge, "did:peer:4", "the DID is longer than " + std::to_string(kMaxDid));
  const auto read = ResolvePeer4(made.long_form);
  if (!read) return BadInput(read.error().detail);
  return made;
}

Result<Peer4> CreatePeer4(std::span<const PeerKey> keys, std::span<const std::string> services) {
  if (keys.empty() || keys.size() + services.size() > kMaxPeerElements)
    return Fail(Code::kInvalidArgument, "did:peer:4", "number of keys and services");
  json document = {{"@context", {"https://www.w3.org/ns/did/v1", "https://w3id.org/security/multikey/v1"}}};
  size_t number = 0;
  for (const PeerKey& item : keys) {
    if (!item.key.valid() || !CanServe(item.key.type(), item.use))
      return Fail(Code::kUnsupported, "did:peer:4", "a key that can't serve for its use");
    // A key with several uses is one method with several references.
    const std::string multikey = base::Multikey(item.key);
    std::string id;
    for (const json& known : document.value("verificationMethod", json::array())) {
      if (known["publicKeyMultibase"] == multikey) id = known["id"].get<std::string>();
    }
    if (id.empty()) {
      id = "#key-" + std::to_string(++number);
      document["verificationMethod"].push_back({{"id", id}, {"type", "Multikey"}, {"publicKeyMultibase", multikey}});
    }
    document[std::string(RelationshipName(item.use))].push_back(id);
  }
  json list = json::array();
  for (const std::string& text : services) {
    KEEL_TRY(const json service, base::ParseJson(text, {.max_size = internal::kMaxPeerService}));
    auto added = internal::AddPeerService(service, list);
    if (!added) return Fail(Code::kMalformed, "did:peer:4", added.error().detail);
  }
  if (!list.empty()) document["service"] = std::move(list);
  return CreatePeer4(base::DumpJson(document));
}

Result<std::string> Peer4ShortForm(std::string_view long_form) {
  KEEL_TRY(const Parts parts, Split(long_form));
  KEEL_TRY(std::string computed, ShortOf(parts.encoded));
  if (computed != parts.short_form) return Bad("the hash is not that of the document");
  return computed;
}

Result<DidDocument> ResolvePeer4(std::string_view long_form, bool as_short) {
  KEEL_TRY(const std::string short_form, Peer4ShortForm(long_form));
  KEEL_TRY(const Parts parts, Split(long_form));
  if (!parts.encoded.starts_with('z')) return Bad("the document is not multibase base58btc");
  const auto octets = internal::FromLongBase58(parts.encoded.substr(1));
  if (!octets) return Bad(octets.error().Text());
  const std::string_view text = AsText(*octets);
  if (octets->size() < 2 || (*octets)[0] != kJsonCodec[0] || (*octets)[1] != kJsonCodec[1])
    return Bad("the document's multicodec is not json");
  auto document = base::ParseJson(text.substr(2), {.max_size = kMaxDid});
  if (!document) return Bad("the document: " + document.error().Text());
  if (const auto checked = CheckInput(*document); !checked) return Bad(checked.error().detail);
  (*document)["id"] = as_short ? short_form : std::string(long_form);
  auto read = DidDocument::FromJson(*document);
  if (!read) return Bad(read.error().Text());
  read->also_known_as.push_back(as_short ? std::string(long_form) : short_form);
  return read;
}

}  // namespace keel::did
