// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/core/messages.h"

#include "core/wildcard.h"
#include "crypto/signature.h"
#include "device-wallet/core/front.h"
#include "onboarding/messages.h"

namespace keel::wallet {
namespace {

namespace hdr = onboarding::header;

constexpr std::string_view kPlainTyp = "application/didcomm-plain+json";

#define KEEL_DIDCOMM "https://didcomm.org/"
constexpr std::string_view kTypes[] = {
    {},
    {},
    (KEEL_DIDCOMM "trust-ping/2.0/ping"),
    (KEEL_DIDCOMM "trust-ping/2.0/ping-response"),
    (KEEL_DIDCOMM "report-problem/2.0/problem-report"),
    (KEEL_DIDCOMM "discover-features/2.0/queries"),
    (KEEL_DIDCOMM "discover-features/2.0/disclose"),
    (KEEL_DIDCOMM "routing/2.0/forward"),
    (KEEL_DIDCOMM "messagepickup/3.0/delivery-request"),
    (KEEL_DIDCOMM "messagepickup/3.0/delivery"),
    (KEEL_DIDCOMM "messagepickup/3.0/messages-received"),
    (KEEL_DIDCOMM "messagepickup/3.0/status"),
};

struct Feature {
  std::string_view type, id, role;
};
constexpr Feature kFeatures[] = {
    {"protocol", KEEL_DIDCOMM "trust-ping/2.0", "receiver"},
    {"protocol", KEEL_DIDCOMM "discover-features/2.0", "responder"},
    {"protocol", KEEL_DIDCOMM "report-problem/2.0", "notified"},
    {"protocol", KEEL_DIDCOMM "messagepickup/3.0", "recipient"},
    {"header", "from_prior", {}},
    {"header", "return_route", {}},
    {"accept", "didcomm/v2", {}},
    {"constraint", "max_receive_bytes", {}},
};
#undef KEEL_DIDCOMM
constexpr size_t kFeatureCount = sizeof kFeatures / sizeof kFeatures[0];
static_assert(kFeatureCount <= 8, "a bit each");

bool IsDigit(char c) { return c >= '0' && c <= '9'; }

// "<protocol>/<major>.<minor>/<name>".
struct TypeParts {
  std::string_view protocol, version, name;
};
TypeParts SplitType(std::string_view type) {
  size_t slashes[2] = {0, 0}, found = 0;
  for (size_t i = type.size(); i > 0 && found < 2; --i) {
    if (type[i - 1] == '/') slashes[found++] = i - 1;
  }
  if (found != 2) return {};
  return {Part(type, 0, slashes[1]), Part(type, slashes[1] + 1, slashes[0] - slashes[1] - 1),
          Part(type, slashes[0] + 1)};
}

// Our version or one with another minor number; both majors have one digit.
bool SameMajor(std::string_view version, std::string_view ours) {
  if (version.size() < 3 || version[0] != ours[0] || version[1] != '.') return false;
  // A number as semver has it: no zeros in front; hosts keep it in 32 bits.
  const std::string_view minor = Part(version, 2);
  if (minor.size() > 9 || (minor[0] == '0' && minor.size() > 1)) return false;
  for (const char c : minor) {
    if (!IsDigit(c)) return false;
  }
  return true;
}

// A header that is a plain text of at most `max` characters; empty when it is absent.
Result<std::string_view> Header(const JsonView& json, std::string_view name, size_t max) {
  if (!json.Has(name)) return std::string_view{};
  KEEL_TRY(const std::string_view text, json.GetPlain(name));
  if (text.size() > max) return Fail(Code::kTooLarge, "message header");
  return text;
}

bool IsOurs(std::string_view did_or_kid, std::string_view our_did) {
  return did_or_kid == our_did ||
         (did_or_kid.size() > our_did.size() && did_or_kid.starts_with(our_did) && did_or_kid[our_did.size()] == '#');
}

}  // namespace

Didcomm DidcommFromType(std::string_view type) {
  const TypeParts got = SplitType(type);
  bool other = false;
  for (size_t i = 0; i < sizeof kTypes / sizeof kTypes[0]; ++i) {
    const TypeParts ours = SplitType(kTypes[i]);
    if (ours.protocol.empty() || got.protocol != ours.protocol) continue;
    if (!SameMajor(got.version, ours.version)) {
      other = true;
    } else if (got.name == ours.name) {
      return static_cast<Didcomm>(i);
    }
  }
  return other ? Didcomm::kOtherVersion : Didcomm::kUnknown;
}

std::string_view TypeOf(Didcomm type) { return kTypes[static_cast<size_t>(type)]; }

Result<PlainMessage> ReadPlain(ByteView plaintext, std::string_view our_did, UnixSeconds now) {
  PlainMessage m;
  KEEL_TRY(m.json, JsonView::Parse(AsText(plaintext)));
  KEEL_TRY(m.id, m.json.GetPlain(hdr::kId));
  if (m.id.empty() || m.id.size() > kMaxMessageId) return Fail(Code::kTooLarge, "message id");
  KEEL_TRY(m.type, m.json.GetPlain(hdr::kType));
  KEEL_TRY(const std::string_view typ, Header(m.json, "typ", kPlainTyp.size()));
  if (!typ.empty() && typ != kPlainTyp && typ != Part(kPlainTyp, 12)) return Fail(Code::kMalformed, "message typ");
  KEEL_TRY(m.from, Header(m.json, hdr::kFrom, kMaxPeerDid));
  KEEL_TRY(m.thid, Header(m.json, hdr::kThid, kMaxMessageId));
  if (m.thid.empty()) m.thid = m.id;
  m.to_us = !m.json.Has(hdr::kTo);
  if (!m.to_us) {
    KEEL_TRY(const JsonView list, m.json.Get(hdr::kTo));
    if (list.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "message to");
    JsonView item;
    for (auto items = list.items(); items.Next(item);) {
      const auto to = item.AsPlain();
      m.to_us = m.to_us || (to && *to == our_did);
    }
  }
  if (m.json.Has(hdr::kExpires)) {
    KEEL_TRY(const uint64_t expires, m.json.GetUint(hdr::kExpires));
    if (now != 0 && !NotAfterOk(expires, now)) return Fail(Code::kExpired, "message");
  }
  if (m.json.Has(hdr::kBody)) {
    KEEL_TRY(m.body, m.json.Get(hdr::kBody));
    if (m.body.kind() != JsonView::Kind::kObject) return Fail(Code::kMalformed, "message body");
  }
  return m;
}

void BeginPlain(JsonWriter& w, Didcomm type, std::string_view id, std::string_view from, std::string_view to,
                std::string_view thid) {
  w.BeginObject().Name(hdr::kId).String(id).Name("typ").String(kPlainTyp).Name(hdr::kType).String(TypeOf(type));
  w.Name(hdr::kFrom).String(from).Name(hdr::kTo).BeginArray().String(to).EndArray();
  if (!thid.empty()) w.Name(hdr::kThid).String(thid);
  w.Name("return_route").String("all").Name(hdr::kBody).BeginObject();
}

Result<bool> WantsResponse(const PlainMessage& ping) {
  if (ping.body.kind() != JsonView::Kind::kObject || !ping.body.Has("response_requested")) return true;
  return ping.body.GetBool("response_requested");
}

Result<uint8_t> MatchFeatures(const PlainMessage& queries) {
  KEEL_TRY(const JsonView list, queries.body.Get("queries"));
  if (list.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "discover-features queries");
  if (list.count() > kMaxFeatureQueries) return Fail(Code::kTooLarge, "discover-features queries");
  uint8_t wanted = 0;
  JsonView item;
  for (auto items = list.items(); items.Next(item);) {
    KEEL_TRY(const std::string_view type, item.GetPlain("feature-type"));
    KEEL_TRY(const std::string_view match, item.GetPlain("match"));
    for (size_t i = 0; i < kFeatureCount; ++i) {
      if (type == kFeatures[i].type && MatchesWildcard(match, kFeatures[i].id))
        wanted = static_cast<uint8_t>(wanted | 1u << i);
    }
  }
  return wanted;
}

void WriteDisclosures(JsonWriter& w, uint8_t features, uint64_t receive_bytes) {
  w.Name("disclosures").BeginArray();
  for (size_t i = 0; i < kFeatureCount; ++i) {
    if ((features >> i & 1) == 0) continue;
    const Feature& feature = kFeatures[i];
    w.BeginObject().Name("feature-type").String(feature.type).Name("id").String(feature.id);
    if (!feature.role.empty()) w.Name("roles").BeginArray().String(feature.role).EndArray();
    if (feature.type == "constraint") {
      // A text, as the specification's example has it.
      FixedText<20> number;
      number.AppendUint(receive_bytes);
      w.Name(feature.id).String(number.view());
    }
    w.EndObject();
  }
  w.EndArray();
}

std::string_view ProblemCode(const PlainMessage& report) {
  const auto code = report.body.GetPlain("code");
  if (!code || code->empty() || code->size() > kMaxProblemCode) return "e.p";
  for (const char c : *code) {
    const bool good =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || IsDigit(c) || c == '.' || c == '-' || c == '_';
    if (!good) return "e.p";
  }
  return *code;
}

void WriteProblem(JsonWriter& w, std::string_view code) { w.Name("code").String(code); }

Result<ByteSpan> TakeAttached(const PlainMessage& message, ByteSpan plaintext, std::string_view our_did,
                              FixedText<kMaxMessageId>* attachment_id) {
  if (DidcommFromType(message.type) == Didcomm::kForward) {
    KEEL_TRY(const std::string_view next, message.body.GetPlain("next"));
    if (!IsOurs(next, our_did)) return Fail(Code::kWrongRecipient, "forward next");
  }
  if (!message.json.Has("attachments")) return Fail(Code::kNotFound, "attachment");
  KEEL_TRY(const JsonView list, message.json.Get("attachments"));
  if (list.kind() != JsonView::Kind::kArray) return Fail(Code::kMalformed, "attachments");
  if (list.count() == 0) return Fail(Code::kNotFound, "attachment");
  if (list.count() > 1) return Fail(Code::kTooLarge, "attachments");
  JsonView item;
  auto items = list.items();
  items.Next(item);
  if (attachment_id != nullptr) {
    KEEL_TRY(const std::string_view id, item.GetPlain("id"));
    if (!attachment_id->Set(id)) return Fail(Code::kTooLarge, "attachment id");
  }
  KEEL_TRY(const JsonView data, item.Get("data"));
  if (data.Has("json")) {
    KEEL_TRY(const JsonView json, data.Get("json"));
    return Within(plaintext, json.raw());
  }
  if (!data.Has("base64")) return Fail(Code::kUnsupported, "attachment by link");
  KEEL_TRY(const std::string_view text, data.GetPlain("base64"));
  const ByteSpan place = Within(plaintext, text);
  KEEL_TRY(const size_t n, Base64UrlDecode(text, place));
  return place.first(n);
}

Result<size_t> MakeFromPrior(std::string_view old_did, std::string_view new_did, UnixSeconds iat, std::string_view kid,
                             crypto::KeyStore& keys, crypto::KeyHandle key, std::span<char> out) {
  if (!IsOurs(kid, old_did) || kid == old_did) return Fail(Code::kInvalidArgument, "from_prior kid");
  KEEL_TRY(const crypto::PublicKey public_key, keys.Public(key));
  KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFor(public_key.type()));
  const ByteSpan octets(reinterpret_cast<uint8_t*>(out.data()), out.size());
  Front text(octets);
  {
    char header[320];
    JsonWriter w(header);
    w.BeginObject().Name("typ").String("JWT").Name("alg").String(crypto::JoseName(algorithm)).Name("kid").String(kid);
    w.EndObject();
    if (!w.ok()) return Fail(Code::kTooLarge, "from_prior header");
    text.Base64(AsBytes(w.text()));
  }
  text.Put(".");
  {
    char payload[2 * kMaxPeerDid + 80];
    JsonWriter w(payload);
    w.BeginObject().Name("iss").String(old_did).Name("sub").String(new_did).Name("iat").Uint(iat).EndObject();
    if (!w.ok()) return Fail(Code::kTooLarge, "from_prior payload");
    text.Base64(AsBytes(w.text()));
  }
  if (!text.ok()) return Fail(Code::kBufferTooSmall, "from_prior");
  Bytes64 signature;
  KEEL_TRY(const size_t n, keys.Sign(key, octets.first(text.at()), signature));
  text.Put(".");
  text.Base64(ByteView(signature).first(n));
  if (!text.ok()) return Fail(Code::kBufferTooSmall, "from_prior");
  return text.at();
}

Result<> FromPriorKid(std::string_view jwt, ByteSpan scratch, FixedText<kMaxPeerKid>& kid) {
  size_t dot = 0;
  while (dot < jwt.size() && jwt[dot] != '.') ++dot;
  KEEL_TRY(const size_t n, Base64UrlDecode(Part(jwt, 0, dot), scratch));
  KEEL_TRY(const JsonView header, JsonView::Parse(AsText(scratch.first(n))));
  KEEL_TRY(const std::string_view named, header.GetPlain("kid"));
  if (!kid.Set(named)) return Fail(Code::kTooLarge, "from_prior kid");
  return {};
}

Result<std::string_view> ReadFromPrior(std::string_view jwt, std::string_view from, std::string_view kid,
                                       const crypto::PublicKey& key, ByteSpan scratch) {
  size_t dots[2] = {0, 0}, found = 0;
  for (size_t i = 0; i < jwt.size(); ++i) {
    if (jwt[i] != '.') continue;
    if (found == 2) return Fail(Code::kMalformed, "from_prior");
    dots[found++] = i;
  }
  if (found != 2) return Fail(Code::kMalformed, "from_prior");
  {
    KEEL_TRY(const size_t n, Base64UrlDecode(Part(jwt, 0, dots[0]), scratch));
    KEEL_TRY(const JsonView header, JsonView::Parse(AsText(scratch.first(n))));
    KEEL_TRY(const std::string_view alg, header.GetPlain("alg"));
    KEEL_TRY(const std::string_view named, header.GetPlain("kid"));
    if (header.Has("crit") || header.Has("b64")) return Fail(Code::kUnsupported, "from_prior crit");
    if (header.Has("typ")) {
      KEEL_TRY(const std::string_view typ, header.GetPlain("typ"));
      if (typ != "JWT") return Fail(Code::kMalformed, "from_prior typ");
    }
    if (named != kid) return Fail(Code::kWrongSender, "from_prior kid");
    KEEL_TRY(const crypto::SignatureAlgorithm algorithm, crypto::AlgorithmFromJose(alg));
    KEEL_TRY(const crypto::SignatureAlgorithm wanted, crypto::AlgorithmFor(key.type()));
    if (algorithm != wanted) return Fail(Code::kAlgorithmNotAllowed, "from_prior alg");
  }
  Bytes64 signature;
  KEEL_TRY(const size_t length, Base64UrlDecode(Part(jwt, dots[1] + 1), signature));
  if (length != signature.size()) return Fail(Code::kBadSignature, "from_prior");
  KEEL_TRY(const bool good, crypto::Verify(key, AsBytes(Part(jwt, 0, dots[1])), signature));
  if (!good) return Fail(Code::kBadSignature, "from_prior");
  KEEL_TRY(const size_t n, Base64UrlDecode(Part(jwt, dots[0] + 1, dots[1] - dots[0] - 1), scratch));
  KEEL_TRY(const JsonView payload, JsonView::Parse(AsText(scratch.first(n))));
  KEEL_TRY(const std::string_view iss, payload.GetPlain("iss"));
  KEEL_TRY(const std::string_view sub, payload.GetPlain("sub"));
  if (!IsOurs(kid, iss) || kid == iss) return Fail(Code::kWrongSender, "from_prior iss");
  if (sub != from) return Fail(Code::kWrongSender, "from_prior sub");
  if (iss == sub) return Fail(Code::kMalformed, "from_prior iss is sub");
  return iss;
}

}  // namespace keel::wallet
