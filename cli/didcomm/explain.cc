// SPDX-License-Identifier: Apache-2.0
#include "cli/didcomm/explain.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "did/did.h"
#include "did/jose.h"
#include "did/key_finder.h"
#include "didcomm/jwe.h"
#include "didcomm/message.h"
#include "didcomm/unpack.h"

namespace keel::cli {
namespace {

using nlohmann::json;

constexpr size_t kMaxInput = 2 * didcomm::kMaxMessage;
constexpr int kMaxNesting = 4;     // forward in forward in ...
constexpr size_t kMaxShown = 64;   // recipients, signatures, attachments, headers
constexpr size_t kMaxText = 8192;  // octets of one value

// A member's text if it is there and is one; null otherwise. Never fails: what is wrong is for the checks to say.
json TextOf(const json& object, const char* name) {
  const auto it = object.is_object() ? object.find(name) : object.end();
  if (it == object.end() || !it->is_string()) return nullptr;
  const auto& text = it->get_ref<const std::string&>();
  return text.size() <= kMaxText ? json(text) : json(text.substr(0, kMaxText) + "...");
}

// How many octets a base64url member holds; null when it is none.
json OctetsOf(const json& object, const char* name) {
  const auto it = object.is_object() ? object.find(name) : object.end();
  if (it == object.end() || !it->is_string()) return nullptr;
  const auto octets = base::FromBase64Url(it->get_ref<const std::string&>());
  return octets ? json(octets->size()) : json();
}

std::optional<json> HeaderOf(const json& object) {
  const auto it = object.is_object() ? object.find("protected") : object.end();
  if (it == object.end() || !it->is_string()) return std::nullopt;
  const auto octets = base::FromBase64Url(it->get_ref<const std::string&>());
  if (!octets) return std::nullopt;
  auto header = base::ParseJson(AsText(*octets), {.max_size = 64 << 10});
  if (!header || !header->is_object()) return std::nullopt;
  return std::move(*header);
}

json DecodedText(const json& header, const char* name) {
  const json text = TextOf(header, name);
  if (!text.is_string()) return nullptr;
  const auto octets = base::FromBase64Url(text.get_ref<const std::string&>());
  return octets ? json(std::string(AsText(*octets))) : json();
}

json MemberNames(const json& object, std::initializer_list<std::string_view> but) {
  json names = json::array();
  if (!object.is_object()) return names;
  for (const auto& [name, ignored] : object.items()) {
    if (std::find(but.begin(), but.end(), name) == but.end() && names.size() < kMaxShown) names.push_back(name);
  }
  return names;
}

json ErrorJson(const Error& error) { return {{"code", CodeName(error.code)}, {"message", error.Text()}}; }

class Explainer {
 public:
  Explainer(did::DidResolver& resolver, UnixSeconds now) : resolver_(resolver), now_(now) {}

  json Explain(const json& value, std::string_view text, int nesting) {
    json report = {{"kind", "unknown"},
                   {"octets", text.size()},
                   {"layers", json::array()},
                   {"checks", json::array()},
                   {"receiver_checks", json::array()},
                   {"refused", nullptr}};
    if (value.is_object() && value.contains("ciphertext")) {
      report["kind"] = "encrypted";
      Encrypted(value, report);
    } else if (value.is_object() && value.contains("payload")) {
      report["kind"] = "signed";
      Signed(value, text, report, nesting);
    } else if (value.is_object() && (value.contains("type") || value.contains("typ"))) {
      report["kind"] = "plaintext";
      Plain(value, report, nesting);
      Check(report, text, "message", "form and headers are as DIDComm v2.1 has them");
    } else {
      report["refused"] = {{"code", CodeName(Code::kMalformed)},
                           {"message",
                            "neither an encrypted (ciphertext), a signed (payload) nor a plaintext (type) "
                            "DIDComm message"}};
    }
    return report;
  }

 private:
  static void Add(json& report, const char* name, json ok, std::string detail) {
    report["checks"].push_back({{"name", name}, {"ok", std::move(ok)}, {"detail", std::move(detail)}});
  }
  static void Ask(json& report, std::string question) { report["receiver_checks"].push_back(std::move(question)); }

  void Encrypted(const json& value, json& report) {
    const json header = HeaderOf(value).value_or(json::object());
    json layer = {{"layer", "encrypted"}, {"octets", report["octets"]}};
    for (const char* name : {"typ", "alg", "enc", "skid"}) layer[name] = TextOf(header, name);
    layer["mode"] = layer["alg"] == "ECDH-1PU+A256KW"  ? json("authcrypt")
                    : layer["alg"] == "ECDH-ES+A256KW" ? json("anoncrypt")
                                                       : json();
    layer["apu"] = DecodedText(header, "apu");
    layer["apv"] = TextOf(header, "apv");
    const auto epk = header.find("epk");
    layer["epk"] = epk == header.end() ? json() : TextOf(*epk, "crv");
    layer["other_headers"] = MemberNames(header, {"typ", "alg", "enc", "skid", "apu", "apv", "epk"});
    layer["recipients"] = json::array();
    const auto list = value.find("recipients");
    const size_t count = list != value.end() && list->is_array() ? list->size() : 0;
    layer["recipient_count"] = count;
    for (size_t i = 0; i < count && i < kMaxShown; ++i) {
      const json& item = (*list)[i];
      const auto own = item.is_object() ? item.find("header") : item.end();
      layer["recipients"].push_back({{"kid", own == item.end() ? json() : TextOf(*own, "kid")},
                                     {"encrypted_key_octets", OctetsOf(item, "encrypted_key")}});
    }
    const json ciphertext = OctetsOf(value, "ciphertext");
    layer["iv_octets"] = OctetsOf(value, "iv");
    layer["tag_octets"] = OctetsOf(value, "tag");
    layer["ciphertext_octets"] = ciphertext;
    if (ciphertext.is_number()) {
      // CBC pads with 1 to 16 octets; the other two add nothing.
      const auto octets = ciphertext.get<uint64_t>();
      const bool padded = layer["enc"] == "A256CBC-HS512";
      layer["content_octets"] = {padded && octets >= 16 ? octets - 16
                                 : padded               ? 0
                                                        : octets,
                                 padded && octets > 0 ? octets - 1 : octets};
    }
    const auto envelope = didcomm::Envelope::FromJson(value);
    report["layers"].push_back(layer);
    if (!envelope) {
      report["refused"] = ErrorJson(envelope.error());
      Add(report, "envelope", false, envelope.error().Text());
      return;
    }
    Add(report, "envelope", true, "algorithms, curve, lengths, apv (hash of the kids) and apu are as DIDComm has them");
    Ask(report, "one of the keys that it is for is the receiver's own");
    if (envelope->authcrypt) {
      Ask(report,
          "the sender key is a keyAgreement key in the document of its DID, and the envelope decrypts under it");
      Ask(report, "the message inside says that it is from the sender key's DID");
    } else {
      Ask(report, "the envelope decrypts; nothing out here says who sent it");
    }
    Ask(report, "the message inside names the receiver's DID in \"to\", hasn't expired, and didn't come before");
  }

  void Signed(const json& value, std::string_view text, json& report, int nesting) {
    json layer = {{"layer", "signed"}, {"octets", report["octets"]}, {"signatures", json::array()}};
    const auto list = value.find("signatures");
    const bool general = list != value.end() && list->is_array();
    const size_t count = general ? list->size() : 1;
    layer["signature_count"] = count;
    for (size_t i = 0; i < count && i < kMaxShown; ++i) {
      const json& item = general ? (*list)[i] : value;
      const json header = HeaderOf(item).value_or(json::object());
      const auto own = item.is_object() ? item.find("header") : item.end();
      json kid = TextOf(header, "kid");
      if (kid.is_null() && own != item.end()) kid = TextOf(*own, "kid");
      layer["signatures"].push_back({{"kid", kid},
                                     {"alg", TextOf(header, "alg")},
                                     {"typ", TextOf(header, "typ")},
                                     {"signature_octets", OctetsOf(item, "signature")}});
    }
    report["layers"].push_back(layer);
    // Whoever has a signed message can read it.
    const auto it = value.find("payload");
    const auto octets = it->is_string() ? base::FromBase64Url(it->get_ref<const std::string&>()) : base::ByteVec{};
    if (octets) {
      if (const auto inside = base::ParseJson(AsText(*octets), {.max_size = didcomm::kMaxMessage}))
        Plain(*inside, report, nesting);
    }
    Check(report, text, "signature", "every signature is right, and the signer is who the message says it is from");
    Ask(report, "the message hasn't expired and didn't come before; anybody who has it can pass it on");
  }

  void Plain(const json& value, json& report, int nesting) {
    json layer = {{"layer", "plaintext"}};
    for (const char* name : {"typ", "id", "type", "from", "thid", "pthid", "return_route", "lang"})
      layer[name] = TextOf(value, name);
    for (const char* name : {"to", "please_ack", "ack"}) {
      layer[name] = json::array();
      const auto it = value.is_object() ? value.find(name) : value.end();
      if (it == value.end() || !it->is_array()) continue;
      for (const json& item : *it) {
        if (item.is_string() && layer[name].size() < kMaxShown) layer[name].push_back(item);
      }
    }
    for (const char* name : {"created_time", "expires_time"}) {
      const auto it = value.is_object() ? value.find(name) : value.end();
      layer[name] = it != value.end() && it->is_number_unsigned() ? json(base::Rfc3339(it->get<uint64_t>())) : json();
    }
    const auto created = value.is_object() ? value.find("created_time") : value.end();
    if (created != value.end() && created->is_number_unsigned() &&
        created->get<uint64_t>() > now_ + didcomm::kMaxAhead) {
      const std::string text = "made at " + base::Rfc3339(created->get<uint64_t>()) + ", which lies ahead";
      Add(report, "created_time", false, text);
      report["refused"] = {{"code", CodeName(Code::kNotYetValid)}, {"message", "the message was " + text}};
    }
    const auto expires = value.is_object() ? value.find("expires_time") : value.end();
    if (expires != value.end() && expires->is_number_unsigned()) {
      const bool good = NotAfterOk(expires->get<uint64_t>(), now_);
      Add(report, "expires_time", good, (good ? "expires " : "expired ") + base::Rfc3339(expires->get<uint64_t>()));
      if (!good) {
        report["refused"] = {{"code", CodeName(Code::kExpired)},
                             {"message", "the message expired at " + base::Rfc3339(expires->get<uint64_t>())}};
      }
    }
    layer["other_headers"] =
        MemberNames(value, {"typ", "id", "type", "from", "to", "thid", "pthid", "created_time", "expires_time", "body",
                            "attachments", "from_prior", "return_route", "please_ack", "ack", "lang"});
    if (const auto body = value.is_object() ? value.find("body") : value.end(); body != value.end()) {
      layer["body_octets"] = base::DumpJson(*body).size();
      layer["body_members"] = MemberNames(*body, {});
    }
    layer["from_prior"] = FromPrior(value);
    layer["attachments"] = json::array();
    const auto list = value.is_object() ? value.find("attachments") : value.end();
    if (list != value.end() && list->is_array()) {
      for (const json& item : *list) {
        if (layer["attachments"].size() == kMaxShown) break;
        layer["attachments"].push_back(Attachment(item, nesting));
      }
    }
    report["layers"].push_back(std::move(layer));
  }

  // Who hands over to whom; the signature is judged with the message.
  static json FromPrior(const json& value) {
    const json text = TextOf(value, "from_prior");
    if (!text.is_string()) return nullptr;
    const auto jws = did::Jws::Parse(text.get_ref<const std::string&>());
    if (!jws) return {{"problem", jws.error().Text()}};
    const auto claims = base::ParseJson(jws->payload, {.max_size = 64 << 10});
    json out = {{"kid", jws->kid}, {"alg", jws->alg}};
    out["iss"] = claims ? TextOf(*claims, "iss") : json();
    out["sub"] = claims ? TextOf(*claims, "sub") : json();
    return out;
  }

  json Attachment(const json& item, int nesting) {
    json out = json::object();
    for (const char* name : {"id", "media_type", "format", "filename"}) out[name] = TextOf(item, name);
    const auto data = item.is_object() ? item.find("data") : item.end();
    if (data == item.end() || !data->is_object()) return out;
    json ways = json::array();
    for (const char* name : {"json", "base64", "links", "jws", "hash"}) {
      if (data->contains(name)) ways.push_back(name);
    }
    out["data"] = std::move(ways);
    // The envelope that a forward carries is somebody else's message.
    std::string text;
    if (const auto content = data->find("json"); content != data->end()) {
      text = base::DumpJson(*content);
    } else if (const auto coded = data->find("base64"); coded != data->end() && coded->is_string()) {
      if (const auto octets = base::FromBase64Url(coded->get_ref<const std::string&>())) text = AsText(*octets);
    }
    out["octets"] = text.size();
    if (nesting >= kMaxNesting) return out;
    const auto inner = base::ParseJson(text, {.max_size = didcomm::kMaxMessage});
    if (inner && inner->is_object() && (inner->contains("ciphertext") || inner->contains("payload")))
      out["message"] = Explain(*inner, text, nesting + 1);
    return out;
  }

  // Lets the real thing judge what needs no keys: a signed or a plaintext message.
  void Check(json& report, std::string_view text, const char* name, const char* good) {
    did::MapKeyFinder none;
    const auto unpacked = didcomm::Unpack(text, none, resolver_, {});
    if (unpacked) {
      Add(report, name, true, good);
      return;
    }
    const Error& error = unpacked.error();
    const bool unknown = error.code == Code::kMethodNotSupported || error.code == Code::kNotFound ||
                         error.code == Code::kUnreachable || error.code == Code::kTimeout;
    if (unknown) {
      Add(report, name, nullptr, "not checked: " + error.Text());
    } else {
      Add(report, name, false, error.Text());
      report["refused"] = ErrorJson(error);
    }
  }

  did::DidResolver& resolver_;
  UnixSeconds now_;
};

}  // namespace

Result<json> ExplainMessage(std::string_view text, did::DidResolver& resolver, UnixSeconds now) {
  KEEL_TRY(const json value, base::ParseJson(text, {.max_size = kMaxInput}));
  return Explainer(resolver, now).Explain(value, text, 1);
}

}  // namespace keel::cli
