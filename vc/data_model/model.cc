// SPDX-License-Identifier: Apache-2.0
#include "vc/data_model/model.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>

#include "base/json_strict.h"
#include "core/time.h"
#include "vc/data_model/digest.h"

namespace keel::vc {
namespace {

using nlohmann::json;

// Where in the document a check is, spelled only when it fails: most never do.
struct Path {
  const Path* up = nullptr;
  const char* name = nullptr;
  size_t index = 0;  // of an array's element, when there is no name

  std::string Text() const {
    std::string text = up != nullptr ? up->Text() : std::string();
    if (name == nullptr) return up != nullptr ? text + "[" + std::to_string(index) + "]" : text;
    return text.empty() ? name : text + "." + name;
  }
};
const Path kTop;

std::unexpected<Error> Bad(const Path& path, const std::string& what) {
  return Fail(Code::kMalformed, "data model", "'" + path.Text() + "' " + what);
}
std::unexpected<Error> Missing(const Path& path) {
  return Fail(Code::kMissing, "data model", "'" + path.Text() + "' is required");
}
bool Is(const json& value, std::string_view text) {
  return value.is_string() && value.get_ref<const std::string&>() == text;
}

const json* Member(const json& object, const char* name) {
  const auto it = object.find(name);
  return it == object.end() ? nullptr : &*it;
}
Path Under(const Path& path, const char* name) { return {&path, name}; }
Path Top(const char* name) { return {nullptr, name}; }

bool IsUrlString(const json& value) { return value.is_string() && IsUrl(value.get_ref<const std::string&>()); }

// Calls `check(item, path)` for the value or for each element of the array that it is.
template <typename Check>
Result<> ForEach(const json& value, const Path& path, size_t limit, Check check) {
  if (!value.is_array()) return check(value, path);
  if (value.empty()) return Bad(path, "is an empty array");
  if (value.size() > limit)
    return Fail(Code::kTooLarge, "data model",
                "'" + path.Text() + "' has more than " + std::to_string(limit) + " elements");
  for (size_t i = 0; i < value.size(); ++i) KEEL_TRY_VOID(check(value[i], Path{&path, nullptr, i}));
  return {};
}

// Section 4.3.
Result<ModelVersion> CheckContext(const json& document) {
  const json* context = Member(document, "@context");
  if (context == nullptr) return Missing(Top("@context"));
  if (context->is_array() && context->empty()) return Bad(Top("@context"), "is an empty array");
  const json& first = context->is_array() ? context->front() : *context;
  ModelVersion version = ModelVersion::kV2;
  if (Is(first, kContextV1)) {
    version = ModelVersion::kV1;
  } else if (!Is(first, kContextV2)) {
    return Fail(Code::kUnsupported, "data model",
                "the first '@context' must be " + std::string(kContextV2) + " (or that of 1.1)");
  }
  KEEL_TRY_VOID(ForEach(*context, Top("@context"), kMaxListed, [](const json& item, const Path& path) -> Result<> {
    if (!IsUrlString(item) && !item.is_object()) return Bad(path, "is neither a URL nor an object");
    return {};
  }));
  return version;
}

// Section 4.4.
Result<> CheckId(const json& object, const Path& path, bool required = false) {
  const json* id = Member(object, "id");
  if (id == nullptr) return required ? Result<>(Missing(Under(path, "id"))) : Result<>();
  if (!IsUrlString(*id)) return Bad(Under(path, "id"), "is no URL");
  return {};
}

// Section 4.5, without what the contexts say. `wanted` must be among the types.
Result<> CheckType(const json& object, const Path& path, std::string_view wanted = {}) {
  const json* type = Member(object, "type");
  if (type == nullptr) return Missing(Under(path, "type"));
  KEEL_TRY_VOID(ForEach(*type, Under(path, "type"), kMaxListed, [](const json& item, const Path& where) -> Result<> {
    if (!item.is_string() || item.get_ref<const std::string&>().empty()) return Bad(where, "is no term and no URL");
    return {};
  }));
  if (!wanted.empty() && !HasType(object, wanted))
    return Bad(Under(path, "type"), "doesn't have " + std::string(wanted));
  return {};
}

// BCP 47 as far as its shape goes.
bool IsLanguageTag(std::string_view tag) {
  size_t length = 0;
  bool first = true;
  for (const char c : tag) {
    if (c == '-') {
      if (length == 0 || length > 8) return false;
      length = 0;
      first = false;
    } else if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (!first && c >= '0' && c <= '9')) {
      ++length;
    } else {
      return false;
    }
  }
  return length > 0 && length <= 8;
}

// Section 11.1: a string, a language value object, or several of these.
Result<> CheckText(const json& object, const Path& path, const char* name) {
  const json* value = Member(object, name);
  if (value == nullptr) return {};
  return ForEach(*value, Under(path, name), kMaxListed, [](const json& item, const Path& where) -> Result<> {
    if (item.is_string()) return {};
    if (!item.is_object()) return Bad(where, "is neither a string nor a language value object");
    for (const auto& [member, of] : item.items()) {
      if (member == "@value") {
        if (!of.is_string()) return Bad(Under(where, "@value"), "is no string");
      } else if (member == "@language") {
        if (!of.is_string() || !IsLanguageTag(of.get_ref<const std::string&>()))
          return Bad(Under(where, "@language"), "is no language tag");
      } else if (member == "@direction") {
        if (!Is(of, "ltr") && !Is(of, "rtl")) return Bad(Under(where, "@direction"), "is neither ltr nor rtl");
      } else {
        return Bad(where, "has a member '" + member + "' that a language value object may not have");
      }
    }
    if (!item.contains("@value")) return Missing(Under(where, "@value"));
    return {};
  });
}
Result<> CheckTexts(const json& object, const Path& path) {
  KEEL_TRY_VOID(CheckText(object, path, "name"));
  return CheckText(object, path, "description");
}

// A URL, or an object with one as its id (issuer, section 4.7; holder, section 4.13).
Result<> CheckParty(const json& value, const Path& path) {
  if (value.is_object()) {
    KEEL_TRY_VOID(CheckId(value, path, true));
    return CheckTexts(value, path);
  }
  if (!IsUrlString(value)) return Bad(path, "is neither a URL nor an object with an id");
  return {};
}

// Section 4.8.
Result<> CheckSubjects(const json& document) {
  const json* subjects = Member(document, "credentialSubject");
  if (subjects == nullptr) return Missing(Top("credentialSubject"));
  return ForEach(*subjects, Top("credentialSubject"), kMaxListed, [](const json& item, const Path& path) -> Result<> {
    if (!item.is_object()) return Bad(path, "is no object");
    if (item.empty()) return Bad(path, "claims nothing");
    KEEL_TRY_VOID(CheckId(item, path));
    return item.contains("type") ? CheckType(item, path) : Result<>();
  });
}

// Section 4.9: dateTimeStamp, a time with its zone.
Result<std::optional<UnixSeconds>> CheckTime(const json& document, const char* name) {
  const json* value = Member(document, name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) return Bad(Top(name), "is no string");
  const auto time = ParseRfc3339(value->get_ref<const std::string&>());
  if (!time) return Bad(Top(name), "is no date and time with zone as 2027-01-31T00:00:00Z: " + time.error().Text());
  return *time;
}
Result<> CheckPeriod(const json& document, const char* from, const char* until) {
  KEEL_TRY(const std::optional<UnixSeconds> begin, CheckTime(document, from));
  KEEL_TRY(const std::optional<UnixSeconds> end, CheckTime(document, until));
  if (begin && end && *end < *begin) return Bad(Top(until), std::string("is before ") + from);
  return {};
}

enum class Need : uint8_t { kType, kTypeAndId };

// One or more objects with a type: credentialStatus (4.10), credentialSchema (4.11), proof, refreshService (5.4),
// termsOfUse (5.5), evidence (5.6).
Result<> CheckTyped(const json& document, const char* name, Need need, size_t limit = kMaxListed) {
  const json* value = Member(document, name);
  if (value == nullptr) return {};
  return ForEach(*value, Top(name), limit, [need](const json& item, const Path& path) -> Result<> {
    if (!item.is_object()) return Bad(path, "is no object");
    KEEL_TRY_VOID(CheckId(item, path, need == Need::kTypeAndId));
    return CheckType(item, path);
  });
}

// Section 5.3.
Result<> CheckRelatedResources(const json& document) {
  const json* value = Member(document, "relatedResource");
  if (value == nullptr) return {};
  std::set<std::string> seen;
  return ForEach(*value, Top("relatedResource"), kMaxListed, [&](const json& item, const Path& path) -> Result<> {
    if (!item.is_object()) return Bad(path, "is no object");
    KEEL_TRY_VOID(CheckId(item, path, true));
    if (!seen.insert(item["id"].get<std::string>()).second) return Bad(Under(path, "id"), "stands there twice");
    if (const json* media = Member(item, "mediaType"); media != nullptr && !media->is_string())
      return Bad(Under(path, "mediaType"), "is no string");
    const json* sri = Member(item, "digestSRI");
    const json* multibase = Member(item, "digestMultibase");
    if (sri == nullptr && multibase == nullptr) return Bad(path, "has neither digestSRI nor digestMultibase");
    for (const auto& [digest, member, read] : {std::tuple{sri, "digestSRI", &ReadDigestSri},
                                               std::tuple{multibase, "digestMultibase", &ReadDigestMultibase}}) {
      if (digest == nullptr) continue;
      KEEL_TRY_VOID(
          ForEach(*digest, Under(path, member), kMaxListed, [read](const json& one, const Path& where) -> Result<> {
            if (!one.is_string()) return Bad(where, "is no string");
            if (const auto parsed = read(one.get_ref<const std::string&>()); !parsed)
              return Bad(where, parsed.error().Text());
            return {};
          }));
    }
    return {};
  });
}

// A member of the other version would be read by one verifier and passed over by the next.
Result<> RefuseMembers(const json& document, std::initializer_list<const char*> names, const char* version) {
  for (const char* name : names) {
    if (document.contains(name)) return Bad(Top(name), std::string("doesn't exist in the data model ") + version);
  }
  return {};
}

Result<> CheckDates(const json& document, ModelVersion version) {
  if (version == ModelVersion::kV2) {
    KEEL_TRY_VOID(RefuseMembers(document, {"issuanceDate", "expirationDate"}, "2.0"));
    return CheckPeriod(document, "validFrom", "validUntil");
  }
  KEEL_TRY_VOID(RefuseMembers(document, {"validFrom", "validUntil"}, "1.1"));
  if (!document.contains("issuanceDate")) return Missing(Top("issuanceDate"));
  return CheckPeriod(document, "issuanceDate", "expirationDate");
}

}  // namespace

bool HasType(const json& document, std::string_view type) {
  if (!document.is_object()) return false;
  const json* value = Member(document, "type");
  if (value == nullptr) return false;
  if (!value->is_array()) return Is(*value, type);
  return std::any_of(value->begin(), value->end(), [type](const json& item) { return Is(item, type); });
}

bool IsUrl(std::string_view text) {
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0 || colon + 1 == text.size()) return false;
  const auto is_alpha = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (!is_alpha(text[0])) return false;
  for (const char c : text.substr(0, colon)) {
    if (!is_alpha(c) && !(c >= '0' && c <= '9') && c != '+' && c != '-' && c != '.') return false;
  }
  const std::string_view rest = text.substr(colon + 1);
  for (const char c : rest) {
    if (static_cast<unsigned char>(c) <= ' ' || c == 0x7f || std::string_view("<>\"{}|\\^`").contains(c)) return false;
  }
  const std::string_view scheme = text.substr(0, colon);
  if (scheme == "http" || scheme == "https") return rest.size() > 2 && rest.starts_with("//") && rest[2] != '/';
  return true;
}

Result<ModelVersion> CheckCredentialModel(const json& credential) {
  if (!credential.is_object()) return Fail(Code::kMalformed, "data model", "a credential is a JSON object");
  KEEL_TRY(const ModelVersion version, CheckContext(credential));
  KEEL_TRY_VOID(CheckId(credential, kTop));
  KEEL_TRY_VOID(CheckType(credential, kTop, "VerifiableCredential"));
  KEEL_TRY_VOID(CheckTexts(credential, kTop));
  const json* issuer = Member(credential, "issuer");
  if (issuer == nullptr) return Missing(Top("issuer"));
  KEEL_TRY_VOID(CheckParty(*issuer, Top("issuer")));
  KEEL_TRY_VOID(CheckSubjects(credential));
  KEEL_TRY_VOID(CheckDates(credential, version));
  // 1.1 wants an id of a status and a refresh service; 2.0 doesn't.
  const Need need = version == ModelVersion::kV1 ? Need::kTypeAndId : Need::kType;
  KEEL_TRY_VOID(CheckTyped(credential, "credentialStatus", need, kMaxStatusEntries));
  KEEL_TRY_VOID(CheckTyped(credential, "credentialSchema", Need::kTypeAndId));
  KEEL_TRY_VOID(CheckTyped(credential, "refreshService", need));
  KEEL_TRY_VOID(CheckTyped(credential, "termsOfUse", Need::kType));
  KEEL_TRY_VOID(CheckTyped(credential, "evidence", Need::kType));
  KEEL_TRY_VOID(CheckTyped(credential, "proof", Need::kType));
  KEEL_TRY_VOID(CheckRelatedResources(credential));
  return version;
}

Result<ModelVersion> CheckPresentationModel(const json& presentation) {
  if (!presentation.is_object()) return Fail(Code::kMalformed, "data model", "a presentation is a JSON object");
  KEEL_TRY(const ModelVersion version, CheckContext(presentation));
  KEEL_TRY_VOID(CheckId(presentation, kTop));
  KEEL_TRY_VOID(CheckType(presentation, kTop, "VerifiablePresentation"));
  if (const json* holder = Member(presentation, "holder"); holder != nullptr)
    KEEL_TRY_VOID(CheckParty(*holder, Top("holder")));
  KEEL_TRY_VOID(CheckTyped(presentation, "termsOfUse", Need::kType));
  KEEL_TRY_VOID(CheckTyped(presentation, "proof", Need::kType));
  const json* credentials = Member(presentation, "verifiableCredential");
  if (credentials == nullptr || (credentials->is_array() && credentials->empty())) return version;
  KEEL_TRY_VOID(ForEach(*credentials, Top("verifiableCredential"), kMaxPresented,
                        [version](const json& item, const Path& path) -> Result<> {
                          // 1.1 lets a token stand there as it is (section 6.3.1).
                          if (item.is_string() && version == ModelVersion::kV1) return {};
                          if (!item.is_object()) return Bad(path, "is no object");
                          if (!HasType(item, "VerifiableCredential") && !HasType(item, kEnvelopedCredential))
                            return Bad(Under(path, "type"),
                                       "has neither VerifiableCredential nor " + std::string(kEnvelopedCredential));
                          return {};
                        }));
  return version;
}

Result<> CheckEnvelopedModel(const json& object, std::string_view type) {
  if (!object.is_object()) return Fail(Code::kMalformed, "data model", "an enveloped document is a JSON object");
  const json* context = Member(object, "@context");
  if (context == nullptr) return Missing(Top("@context"));
  bool base = false;
  KEEL_TRY_VOID(ForEach(*context, Top("@context"), kMaxListed, [&](const json& item, const Path& path) -> Result<> {
    if (Is(item, kContextV2)) base = true;
    if (!IsUrlString(item) && !item.is_object()) return Bad(path, "is neither a URL nor an object");
    return {};
  }));
  if (!base) return Bad(Top("@context"), "doesn't have " + std::string(kContextV2));
  KEEL_TRY_VOID(CheckType(object, kTop));
  const json& types = object["type"];
  if (!HasType(object, type) || (types.is_array() && types.size() != 1))
    return Bad(Top("type"), "must be " + std::string(type) + " and nothing else");
  KEEL_TRY_VOID(CheckId(object, kTop, true));
  if (!object["id"].get_ref<const std::string&>().starts_with("data:")) return Bad(Top("id"), "is no data: URL");
  return {};
}

}  // namespace keel::vc
