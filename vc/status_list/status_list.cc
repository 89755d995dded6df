// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/status_list.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "vc/status_list/entry.h"
#include "vc/types.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMaxPurposes = 16;
constexpr size_t kMaxStatusCredential = 40 << 20;  // octets of vc+jwt: the encoded list and base64url around it

}  // namespace

Result<json> StatusListCredential(const StatusListRequest& request, const Bitstring& list) {
  KEEL_TRY(std::string encoded, list.Encode());
  return StatusListCredential(request, std::move(encoded));
}

Result<json> StatusListCredential(const StatusListRequest& request, std::string encoded) {
  if (request.issuer.empty() || request.url.empty() || request.purposes.empty())
    return Fail(Code::kInvalidArgument, "status list", "issuer, url and purpose are required");
  json subject = {{"id", request.url + "#list"}, {"type", "BitstringStatusList"}, {"encodedList", std::move(encoded)}};
  subject["statusPurpose"] = request.purposes.size() == 1 ? json(request.purposes[0]) : json(request.purposes);
  if (request.ttl_ms != 0) subject["ttl"] = request.ttl_ms;
  json context = json::array({kContextV2});
  if (request.version != 0) {
    subject["version"] = request.version;
    context.push_back(kKeelContext);  // defines `version`
  }
  json credential = {{"@context", std::move(context)},
                     {"id", request.url},
                     {"type", {"VerifiableCredential", "BitstringStatusListCredential"}},
                     {"issuer", request.issuer},
                     {"credentialSubject", std::move(subject)}};
  if (request.valid_from != 0) credential["validFrom"] = base::Rfc3339(request.valid_from);
  if (request.valid_until != 0) credential["validUntil"] = base::Rfc3339(request.valid_until);
  return credential;
}

bool StatusList::Has(std::string_view purpose) const {
  return std::find(purposes.begin(), purposes.end(), purpose) != purposes.end();
}

Result<StatusList> ReadStatusList(const Credential& credential) {
  if (!credential.Is("BitstringStatusListCredential"))
    return Fail(Code::kMalformed, "status list", "the credential is no BitstringStatusListCredential");
  KEEL_TRY(const json subject, base::ParseJson(credential.subject_json, {.max_size = kMaxStatusCredential}));
  KEEL_TRY(const std::string type, base::GetString(subject, "type"));
  if (type != "BitstringStatusList")
    return Fail(Code::kMalformed, "status list", "its subject's type is '" + type + "'");
  StatusList list;
  list.issuer = credential.issuer;
  list.url = credential.id;
  list.valid_from = credential.valid_from;
  list.valid_until = credential.valid_until;
  const auto purpose = subject.find("statusPurpose");
  if (purpose != subject.end() && purpose->is_string()) {
    list.purposes.push_back(purpose->get<std::string>());
  } else {
    KEEL_TRY(list.purposes, base::GetStrings(subject, "statusPurpose"));
  }
  if (list.purposes.empty() || list.purposes.size() > kMaxPurposes)
    return Fail(Code::kMalformed, "status list", "statusPurpose is none, or too many, strings");
  KEEL_TRY(const std::string encoded, base::GetString(subject, "encodedList"));
  KEEL_TRY(list.list, Bitstring::Decode(encoded));
  KEEL_TRY(list.ttl_ms, base::GetOptionalUint(subject, "ttl"));
  KEEL_TRY(const std::optional<uint64_t> version, base::GetOptionalUint(subject, "version"));
  list.version = version.value_or(0);
  return list;
}

std::string_view StatusErrorName(const Error& error) {
  switch (error.code) {
    case Code::kUntrusted:
    case Code::kStale:
    case Code::kBadSignature: return kStatusVerificationError;
    case Code::kOutOfRange: return kStatusRangeError;
    case Code::kMalformed: return kStatusMalformedValueError;
    default: return kStatusRetrievalError;
  }
}

struct ListStatusChecker::Impl {
  // A list as it was had: good, or genuine and of no use.
  struct Entry {
    std::shared_ptr<const StatusList> list;
    std::string problem, detail;
    UnixSeconds fetched = 0;
  };

  Impl(did::DidResolver& resolver_in, Options options_in) : resolver(resolver_in), options(std::move(options_in)) {
    if (!options.verify) {
      options.verify = [](std::string_view octets, did::DidResolver& by, const VerifyOptions& how) {
        return VerifyCredential(octets, by, how);
      };
    }
  }

  Result<Entry> Fetch(const StatusEntry& entry, const std::string& issuer, UnixSeconds now);
  Result<> CheckAnchored(const StatusList& list, const StatusEntry& entry) const;
  bool MayIssue(const std::string& lister, const std::string& issuer) const {
    return lister == issuer ||
           std::find(options.list_issuers.begin(), options.list_issuers.end(), lister) != options.list_issuers.end();
  }
  // Until when a list may be used without asking again.
  UnixSeconds FreshUntil(const Entry& entry) const {
    uint64_t life = options.max_age_seconds;
    if (entry.list->ttl_ms) life = std::min(life, *entry.list->ttl_ms / 1000);
    UnixSeconds until = entry.fetched + life;
    if (entry.list->valid_until) until = std::min(until, *entry.list->valid_until);
    return until;
  }

  // Under the mutex. Whoever issues lists chooses their size: what is kept is bounded in number and octets.
  void Keep(const std::string& key, const Entry& entry) {
    lists.erase(key);
    size_t octets = entry.list->list.octets().size();
    for (const auto& [name, other] : lists) octets += other.list->list.octets().size();
    while (!lists.empty() && (lists.size() >= options.max_lists || octets > options.max_octets)) {
      octets -= lists.begin()->second.list->list.octets().size();
      lists.erase(lists.begin());
    }
    lists[key] = entry;
  }

  did::DidResolver& resolver;
  Options options;   // not changed after construction
  std::mutex mutex;  // guards the two below; not held while a list is fetched
  std::map<std::string, Entry, std::less<>> lists;
  std::map<std::string, uint64_t, std::less<>> largest;  // version seen, kept when a list is dropped
};

ListStatusChecker::ListStatusChecker(did::DidResolver& resolver, Options options)
    : impl_(std::make_unique<Impl>(resolver, std::move(options))) {}
ListStatusChecker::~ListStatusChecker() = default;

Result<> ListStatusChecker::Impl::CheckAnchored(const StatusList& list, const StatusEntry& entry) const {
  if (!options.anchored_version) return {};
  KEEL_TRY(const uint64_t anchored, options.anchored_version(list.issuer, entry.list_url));
  if (list.version >= anchored) return {};
  return Fail(Code::kStale, "status list",
              "version " + std::to_string(list.version) + " was served, " + std::to_string(anchored) + " is anchored");
}

Result<ListStatusChecker::Impl::Entry> ListStatusChecker::Impl::Fetch(const StatusEntry& entry,
                                                                      const std::string& issuer, UnixSeconds now) {
  KEEL_TRY(const std::string octets, options.fetch(entry.list_url));
  VerifyOptions how;
  how.now = now;
  how.ignore_status = true;
  how.max_size = kMaxStatusCredential;
  how.given_keys = options.given_keys;
  KEEL_TRY(const Verification verification, options.verify(octets, resolver, how));
  if (!verification.valid() || verification.presentation)
    return Fail(
        Code::kUntrusted, "status list",
        entry.list_url + ": " + (verification.presentation ? "a presentation, no credential" : verification.Reason()));
  const Credential& credential = verification.credential;
  if (!MayIssue(credential.issuer, issuer))
    return Fail(Code::kUntrusted, "status list",
                entry.list_url + " is issued by " + credential.issuer + ", not by the credential's issuer");
  // "MAY express an id": without one only the connection says which list it is.
  if (credential.id.empty() ? !entry.list_url.starts_with("https://") : credential.id != entry.list_url)
    return Fail(Code::kUntrusted, "status list",
                "asked for " + entry.list_url + ", got " +
                    (credential.id.empty() ? "a list without id" : "the list " + credential.id));
  Entry out;
  out.fetched = now;
  auto list = ReadStatusList(credential);
  if (list) {
    KEEL_TRY_VOID(CheckAnchored(*list, entry));
    out.list = std::make_shared<const StatusList>(std::move(*list));
    return out;
  }
  // Its issuer's fault: asking again won't mend it.
  switch (list.error().code) {
    case Code::kOutOfRange: out.problem = kStatusListLengthError; break;
    case Code::kTooLarge: out.problem = kStatusVerificationError; break;
    case Code::kInternalError: return std::unexpected<Error>(std::move(list.error()));
    default: out.problem = kStatusMalformedValueError; break;
  }
  out.detail = entry.list_url + ": " + list.error().Text();
  return out;
}

namespace {

StatusChecker::Status Problem(std::string_view name, std::string detail) {
  StatusChecker::Status status;
  status.problem = name;
  status.detail = std::move(detail);
  return status;
}

}  // namespace

Result<StatusChecker::Status> ListStatusChecker::Check(const StatusEntry& entry, const std::string& issuer,
                                                       UnixSeconds now) {
  const std::string key = issuer + " " + entry.list_url;
  Impl::Entry known;
  {
    const std::lock_guard lock(impl_->mutex);
    if (const auto it = impl_->lists.find(key); it != impl_->lists.end()) known = it->second;
  }
  Status status;
  if (known.list == nullptr || now >= impl_->FreshUntil(known) || now + kTimeSkew < known.fetched) {
    auto fetched = impl_->Fetch(entry, issuer, now);
    if (fetched && !fetched->problem.empty()) return Problem(fetched->problem, std::move(fetched->detail));
    if (fetched) {
      const std::lock_guard lock(impl_->mutex);
      uint64_t& largest = impl_->largest[key];
      if (fetched->list->version < largest) {
        return Fail(Code::kStale, "status list",
                    entry.list_url + ": version " + std::to_string(fetched->list->version) + " after " +
                        std::to_string(largest) + " was seen");
      }
      largest = fetched->list->version;
      known = std::move(*fetched);
      impl_->Keep(key, known);
    } else if (known.list == nullptr || fetched.error().code == Code::kUntrusted ||
               fetched.error().code == Code::kStale) {
      return std::unexpected<Error>(std::move(fetched.error()));
    } else {
      status.fresh = now < impl_->FreshUntil(known) + impl_->options.grace_seconds;
      status.detail = "the list of " + base::Rfc3339(known.fetched) + " was used: " + fetched.error().Text();
    }
  }
  const StatusList& list = *known.list;
  if (!list.Has(entry.purpose)) {
    return Problem(kStatusVerificationError,
                   entry.list_url + " is for '" + list.purposes[0] + "', the credential says '" + entry.purpose + "'");
  }
  if (list.list.bits() / entry.size < impl_->options.min_entries) {
    return Problem(kStatusListLengthError, entry.list_url + " has " + std::to_string(list.list.bits() / entry.size) +
                                               " entries, " + std::to_string(impl_->options.min_entries) +
                                               " are the least");
  }
  const auto value = list.list.GetValue(entry.index, entry.size);
  if (!value)
    return Problem(kStatusRangeError, "place " + std::to_string(entry.index) + " is not in " + entry.list_url);
  status.value = *value;
  status.set = *value != 0;
  status.message = MessageOf(entry, *value);
  status.version = list.version;
  status.issued_at = list.valid_from;
  status.valid_until = list.valid_until;
  status.fetched_at = known.fetched;
  return status;
}

}  // namespace keel::vc
