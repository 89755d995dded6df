// SPDX-License-Identifier: Apache-2.0
#include "did/resolution_http.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_strict.h"
#include "core/time.h"
#include "did/dereference.h"
#include "did/did.h"
#include "did/methods/key.h"
#include "did/representation.h"

namespace keel::did {
namespace {

using base::HttpRequest;
using base::HttpResponse;
using nlohmann::json;

constexpr size_t kMaxBody = 16 << 10;
constexpr size_t kMaxRanges = 32;  // of an Accept header
constexpr const char* kWhere = "resolve";

// How the answer is written.
enum class Form : uint8_t { kResult, kOldResult, kDereferencing, kOldDereferencing, kBare };
struct Wanted {
  Form form = Form::kResult;
  std::string media;  // kBare
  bool old() const { return form == Form::kOldResult || form == Form::kOldDereferencing; }
};

struct Asked {
  std::string identifier;  // DID or DID URL
  bool is_url = false;
  DereferenceOptions options;
  std::string key_format;  // publicKeyFormat
  bool experimental = false;
};

// An error, with the name that did:key's text has for it in the older form.
struct Failure {
  Error error;
  std::string old_name;
};

// The resolver's documents with their keys in another format.
class FormattingResolver final : public DidResolver {
 public:
  using DidResolver::Resolve;
  FormattingResolver(DidResolver& inner, KeyFormat format) : inner_(inner), format_(format) {}
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override {
    KEEL_TRY(ResolutionResult result, inner_.Resolve(did, options));
    if (!result.source.empty())
      return Fail(Code::kUnsupported, kWhere,
                  "publicKeyFormat is for documents that are made here, not for published ones");
    result.source = result.document->ToText(format_);
    return result;
  }

 private:
  DidResolver& inner_;
  const KeyFormat format_;
};

std::string_view Trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

std::string Lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

// Splits at `separator` outside quoted strings.
std::vector<std::string_view> Split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  size_t start = 0;
  bool quoted = false;
  for (size_t i = 0; i <= text.size(); ++i) {
    if (i < text.size() && text[i] == '"') quoted = !quoted;
    if (i == text.size() || (text[i] == separator && !quoted)) {
      parts.push_back(Trim(text.substr(start, i - start)));
      start = i + 1;
    }
  }
  return parts;
}

// One media range of an Accept header (RFC 9110 section 12.5.1).
struct Range {
  std::string media;
  std::string profile;
  double quality = 1;
};

std::vector<Range> ParseAccept(std::string_view header) {
  std::vector<Range> ranges;
  for (const std::string_view item : Split(header, ',')) {
    if (item.empty() || ranges.size() == kMaxRanges) continue;
    Range range;
    bool first = true;
    for (const std::string_view part : Split(item, ';')) {
      if (first) {
        range.media = Lower(part);
        first = false;
        continue;
      }
      const size_t equals = part.find('=');
      if (equals == std::string_view::npos) continue;
      const std::string name = Lower(Trim(part.substr(0, equals)));
      std::string_view value = Trim(part.substr(equals + 1));
      if (value.size() >= 2 && value.front() == '"' && value.back() == '"') value = value.substr(1, value.size() - 2);
      if (name == "profile") range.profile = value;
      if (name == "q") {
        const auto parsed = std::from_chars(value.data(), value.data() + value.size(), range.quality);
        if (parsed.ec != std::errc() || range.quality < 0 || range.quality > 1) range.quality = 0;
      }
    }
    if (range.quality > 0) ranges.push_back(std::move(range));
  }
  std::stable_sort(ranges.begin(), ranges.end(), [](const Range& a, const Range& b) { return a.quality > b.quality; });
  return ranges;
}

std::optional<Wanted> Negotiate(std::string_view accept, bool is_url) {
  Wanted usual{is_url ? Form::kDereferencing : Form::kResult, {}};
  if (Trim(accept).empty()) return usual;
  for (const Range& range : ParseAccept(accept)) {
    if (range.media == kMediaResolution) return Wanted{Form::kResult, {}};
    if (range.media == kMediaDereferencing) return Wanted{Form::kDereferencing, {}};
    if (range.media == kMediaLdJson && !range.profile.empty()) {
      if (range.profile == "https://w3id.org/did-resolution")
        return Wanted{is_url ? Form::kOldDereferencing : Form::kOldResult, {}};
      if (range.profile == "https://w3id.org/did-url-dereferencing") return Wanted{Form::kOldDereferencing, {}};
      continue;
    }
    if (range.media == kMediaUriList || IsDocumentMedia(range.media)) return Wanted{Form::kBare, range.media};
    if (range.media == "*/*" || range.media == "application/*") return usual;
  }
  return std::nullopt;
}

// As it was sent: nothing but the whole was encoded, or only what would have ended the path.
Result<std::string> Identifier(std::string_view path) {
  std::string text(path.substr(kIdentifiersPath.size()));
  if (!text.starts_with("did:")) return base::UrlDecode(text);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string escape = Lower(std::string_view(text).substr(i, 3));
    if (escape == "%23" || escape == "%3f") {
      out += escape == "%23" ? '#' : '?';
      i += 2;
    } else {
      out += text[i];
    }
  }
  return out;
}

bool IsUrlParameter(std::string_view pair) {
  static constexpr std::array kNames = {"service", "serviceType", "relativeRef", "hl", "versionNumber"};
  const std::string_view name = pair.substr(0, pair.find('='));
  return std::find(kNames.begin(), kNames.end(), name) != kNames.end();
}

// DID parameters of a plain identifier stand in the URL's query, before its fragment.
void TakeUrlParameters(std::string& identifier, std::string& query) {
  if (identifier.find('?') != std::string::npos) return;
  std::string mine, rest;
  for (const std::string_view pair : Split(query, '&')) {
    if (pair.empty()) continue;
    std::string& to = IsUrlParameter(pair) ? mine : rest;
    to += (to.empty() ? "" : "&") + std::string(pair);
  }
  if (mine.empty()) return;
  const size_t hash = std::min(identifier.find('#'), identifier.size());
  identifier.insert(hash, "?" + mine);
  query = rest;
}

Result<bool> Flag(const std::string& name, const json& value) {
  if (value == true || value == "true") return true;
  if (value == false || value == "false") return false;
  return Fail(Code::kInvalidArgument, kWhere, "option " + name + " is true or false");
}

Result<> TakeOption(const std::string& name, const json& value, Asked& asked) {
  if (name == "noCache") {
    KEEL_TRY(asked.options.resolution.no_cache, Flag(name, value));
    return {};
  }
  if (name == "expandRelativeUrls") {
    KEEL_TRY(asked.options.expand_relative_urls, Flag(name, value));
    return {};
  }
  if (name == "enableExperimentalPublicKeyTypes") {
    KEEL_TRY(asked.experimental, Flag(name, value));
    return {};
  }
  const bool known =
      name == "versionId" || name == "versionTime" || name == "verificationRelationship" || name == "publicKeyFormat";
  if (!known) return Fail(Code::kUnsupported, kWhere, "option '" + name.substr(0, 100) + "' is not known here");
  if (!value.is_string() || value.get_ref<const std::string&>().empty())
    return Fail(Code::kInvalidArgument, kWhere, "option " + name + " is a string, not empty");
  const std::string& text = value.get_ref<const std::string&>();
  if (name == "versionId") {
    asked.options.resolution.version_id = text;
  } else if (name == "versionTime") {
    const auto time = ParseRfc3339(text);
    if (!time) return Fail(Code::kInvalidArgument, kWhere, "option versionTime is a time like 2026-11-22T10:41:00Z");
    asked.options.resolution.version_time = *time;
  } else if (name == "publicKeyFormat") {
    asked.key_format = text;
  } else {
    asked.options.verification_relationship = text;
  }
  return {};
}

Result<> TakeOptions(const HttpRequest& request, const std::string& query, Asked& asked) {
  auto named = DidParameters(query);
  if (!named) return Fail(Code::kInvalidArgument, kWhere, "options: " + named.error().detail);
  for (const auto& [name, value] : *named) KEEL_TRY_VOID(TakeOption(name, value, asked));
  if (request.method == "POST" && !Trim(request.body).empty()) {
    auto body = base::ParseJson(request.body, {.max_size = kMaxBody, .max_depth = 4, .max_members = 64});
    if (!body || !body->is_object())
      return Fail(Code::kInvalidArgument, kWhere,
                  "the body is a JSON object of options" + (body ? "" : ": " + body.error().Text()));
    for (const auto& [name, value] : body->items()) {
      if (name == "accept") continue;  // the Accept header's business (section 10.1)
      if (named->contains(name))
        return Fail(Code::kInvalidArgument, kWhere, "option " + name + " stands in the query and in the body");
      KEEL_TRY_VOID(TakeOption(name, value, asked));
    }
  }
  if (!asked.options.resolution.version_id.empty() && asked.options.resolution.version_time)
    return Fail(Code::kInvalidArgument, kWhere, "give versionId or versionTime, not both");
  return {};
}

std::expected<std::optional<KeyFormat>, Failure> KeyFormatOf(const Asked& asked) {
  const std::string& name = asked.key_format;
  if (name.empty()) return std::nullopt;
  if (name == "Multikey") return KeyFormat::kMultikey;
  if (name == "JsonWebKey2020" || name == "JsonWebKey") return KeyFormat::kJsonWebKey;
  if (name == "Ed25519VerificationKey2020" || name == "X25519KeyAgreementKey2020") return KeyFormat::kSuite2020;
  static constexpr std::array kOthers = {"Ed25519VerificationKey2018", "X25519KeyAgreementKey2019",
                                         "EcdsaSecp256k1VerificationKey2019"};
  const bool other = std::find(kOthers.begin(), kOthers.end(), name) != kOthers.end();
  auto error = Fail(Code::kUnsupported, kWhere,
                    "publicKeyFormat " + name.substr(0, 100) +
                        " is not written here; Multikey, JsonWebKey2020 and Ed25519VerificationKey2020 are");
  return std::unexpected(
      Failure{error.error(), other && !asked.experimental ? "invalidPublicKeyType" : "unsupportedPublicKeyType"});
}

HttpResponse Answer(int status, std::string_view media, const json& body) {
  HttpResponse response = base::BytesResponse(status, std::string(media), base::DumpJson(body));
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

HttpResponse Problem(const Error& error) {
  return Answer(KindOf(error.code).http_status, kMediaProblem, ProblemDetails(error));
}

HttpResponse Refuse(const Wanted& wanted, const Failure& failure) {
  const int status = KindOf(failure.error.code).http_status;
  const Result<ResolutionResult> no_document = std::unexpected<Error>(failure.error);
  const Result<Dereferenced> nothing = std::unexpected<Error>(failure.error);
  json body;
  const char* metadata = "didResolutionMetadata";
  switch (wanted.form) {
    case Form::kBare: return Problem(failure.error);
    case Form::kResult: return Answer(status, kMediaResolution, ResultJson(no_document, ResultForm::kCurrent));
    case Form::kDereferencing: return Answer(status, kMediaDereferencing, DereferencingJson(nothing, false));
    case Form::kOldResult: body = ResultJson(no_document, ResultForm::kOld); break;
    case Form::kOldDereferencing:
      body = DereferencingJson(nothing, true);
      metadata = "didDereferencingMetadata";
      break;
  }
  if (!failure.old_name.empty()) body[metadata]["error"] = failure.old_name;
  return Answer(status, kMediaOldResolution, body);
}

HttpResponse AnswerResolution(DidResolver& resolver, const Asked& asked, const Wanted& wanted) {
  auto result = resolver.Resolve(asked.identifier, asked.options.resolution);
  if (!result) return Refuse(wanted, {result.error(), std::string(KeyRefusal(asked.identifier))});
  json body = ResultJson(result, wanted.old() ? ResultForm::kOld : ResultForm::kCurrent);
  if (asked.options.expand_relative_urls) ExpandRelativeUrls(body["didDocument"]);
  return Answer(result->deactivated ? 410 : 200, wanted.old() ? kMediaOldResolution : kMediaResolution, body);
}

HttpResponse AnswerDereferencing(DidResolver& resolver, Asked& asked, const Wanted& wanted) {
  if (wanted.form == Form::kBare) asked.options.accept = wanted.media;
  // Who takes the whole result of a DID URL with a service is sent to the service (section 10.1: 303).
  const size_t mark = asked.identifier.find('?');
  if (wanted.form == Form::kDereferencing && mark != std::string::npos) {
    const auto parameters =
        DidParameters(std::string_view(asked.identifier).substr(mark + 1, asked.identifier.find('#') - mark - 1));
    if (parameters && (parameters->contains("service") || parameters->contains("serviceType")))
      asked.options.accept = kMediaUriList;
  }
  auto result = Dereference(resolver, asked.identifier, asked.options);
  if (!result) return Refuse(wanted, {result.error(), std::string(KeyRefusal(asked.identifier))});
  if (result->content_type == kMediaUriList) {
    HttpResponse response;
    response.status = 303;
    response.headers = {{"Location", result->urls.front()}, {"Vary", "Accept"}};
    return response;
  }
  const int status = result->deactivated ? 410 : 200;
  if (wanted.form == Form::kDereferencing) return Answer(status, kMediaDereferencing, DereferencingJson(result, false));
  if (wanted.old()) return Answer(status, kMediaOldResolution, DereferencingJson(result, true));
  if (result->content.empty())
    return Problem(Fail(Code::kDeactivated, kWhere, asked.identifier + " is deactivated").error());
  HttpResponse response = base::BytesResponse(status, wanted.media, std::move(result->content));
  response.headers.emplace_back("Vary", "Accept");
  return response;
}

// did:x:y?versionId=1 where a resolution result is asked for: the parameters are resolution options.
Result<> UrlToOptions(Asked& asked) {
  KEEL_TRY(const DidUrl url, DidUrl::Parse(asked.identifier));
  KEEL_TRY(const auto parameters, DidParameters(url.query));
  if (!url.path.empty() || !url.fragment.empty())
    return Fail(Code::kInvalidDid, kWhere, "a DID URL is dereferenced: accept application/did-url-dereferencing");
  for (const auto& [name, value] : parameters) {
    if (name != "versionId" && name != "versionTime")
      return Fail(Code::kInvalidDid, kWhere, "a DID URL is dereferenced: accept application/did-url-dereferencing");
    KEEL_TRY_VOID(TakeOption(name, value, asked));
  }
  asked.identifier = url.did;
  return {};
}

}  // namespace

HttpResponse AnswerIdentifiers(DidResolver& resolver, const HttpRequest& request) {
  Asked asked;
  auto identifier = Identifier(request.path);
  std::string query = request.query;
  if (identifier) {
    TakeUrlParameters(*identifier, query);
    asked.is_url = identifier->find_first_of("/?#") != std::string::npos;
  }
  const auto wanted = Negotiate(request.Header("Accept"), asked.is_url);
  if (!wanted) {
    return Refuse({asked.is_url ? Form::kDereferencing : Form::kResult, {}},
                  {Fail(Code::kRepresentationNotSupported, kWhere,
                        "none of the media types in Accept is written here: application/did-resolution, "
                        "application/did and others are")
                       .error(),
                   {}});
  }
  if (!identifier)
    return Refuse(*wanted, {Fail(Code::kInvalidDid, kWhere, "a bad percent-encoding in the path").error(), {}});
  asked.identifier = std::move(*identifier);
  if (auto ok = TakeOptions(request, query, asked); !ok) return Refuse(*wanted, {ok.error(), {}});
  auto format = KeyFormatOf(asked);
  if (!format) return Refuse(*wanted, format.error());
  std::optional<FormattingResolver> formatting;
  if (*format) formatting.emplace(resolver, **format);
  DidResolver& source = formatting ? static_cast<DidResolver&>(*formatting) : resolver;

  if (wanted->form == Form::kResult && asked.is_url) {
    if (auto ok = UrlToOptions(asked); !ok) {
      Error error = ok.error();
      if (error.code == Code::kInvalidDidUrl) error.code = Code::kInvalidDid;
      return Refuse(*wanted, {std::move(error), {}});
    }
  }
  const bool resolution = wanted->form == Form::kResult || wanted->form == Form::kOldResult;
  if (resolution || !asked.is_url) {
    // Whatever the form: what is no DID is INVALID_DID, not INVALID_DID_URL.
    if (auto did = Did::Parse(asked.identifier); !did) return Refuse(*wanted, {did.error(), {}});
  }
  return resolution ? AnswerResolution(source, asked, *wanted) : AnswerDereferencing(source, asked, *wanted);
}

}  // namespace keel::did
