// SPDX-License-Identifier: Apache-2.0
#include "vc/status_list/status_list.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"

namespace keel::vc {
namespace {

using nlohmann::json;

constexpr size_t kMaxStatusCredential = 40 << 20;  // octets of vc+jwt: the encoded list and base64url around it

}  // namespace

Result<json> StatusListCredential(const StatusListRequest& request, const Bitstring& list) {
  if (request.issuer.empty() || request.url.empty() || request.purpose.empty())
    return Fail(Code::kInvalidArgument, "status list", "issuer, url and purpose are required");
  KEEL_TRY(std::string encoded, list.Encode());
  json credential = {{"@context", json::array({kContextV2})},
                     {"id", request.url},
                     {"type", {"VerifiableCredential", "BitstringStatusListCredential"}},
                     {"issuer", request.issuer},
                     {"credentialSubject",
                      {{"id", request.url + "#list"},
                       {"type", "BitstringStatusList"},
                       {"statusPurpose", request.purpose},
                       {"encodedList", std::move(encoded)},
                       {"ttl", request.ttl_ms},
                       {"version", request.version}}}};
  if (request.valid_from != 0) credential["validFrom"] = base::Rfc3339(request.valid_from);
  if (request.valid_until != 0) credential["validUntil"] = base::Rfc3339(request.valid_until);
  return credential;
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
  KEEL_TRY(list.purpose, base::GetString(subject, "statusPurpose"));
  KEEL_TRY(const std::string encoded, base::GetString(subject, "encodedList"));
  KEEL_TRY(list.list, Bitstring::Decode(encoded));
  KEEL_TRY(const std::optional<uint64_t> ttl, base::GetOptionalUint(subject, "ttl"));
  KEEL_TRY(const std::optional<uint64_t> version, base::GetOptionalUint(subject, "version"));
  list.ttl_ms = ttl.value_or(300'000);
  list.version = version.value_or(0);
  return list;
}

struct ListStatusChecker::Impl {
  struct Entry {
    std::shared_ptr<const StatusList> list;
    UnixSeconds fetched = 0;
  };

  Impl(did::DidResolver& resolver_in, Options options_in) : resolver(resolver_in), options(std::move(options_in)) {}

  Result<std::shared_ptr<const StatusList>> Fetch(const StatusEntry& entry, const std::string& issuer, UnixSeconds now);
  // Until when a list may be used without asking again.
  UnixSeconds FreshUntil(const Entry& entry) const {
    UnixSeconds until = entry.fetched + std::min<uint64_t>(entry.list->ttl_ms / 1000, options.max_age_seconds);
    if (entry.list->valid_until) until = std::min(until, *entry.list->valid_until);
    return until;
  }

  did::DidResolver& resolver;
  const Options options;
  std::mutex mutex;  // guards the two below; not held while a list is fetched
  std::map<std::string, Entry, std::less<>> lists;
  std::map<std::string, uint64_t, std::less<>> largest;  // version seen, kept when a list is dropped
};

ListStatusChecker::ListStatusChecker(did::DidResolver& resolver, Options options)
    : impl_(std::make_unique<Impl>(resolver, std::move(options))) {}
ListStatusChecker::~ListStatusChecker() = default;

Result<std::shared_ptr<const StatusList>> ListStatusChecker::Impl::Fetch(const StatusEntry& entry,
                                                                         const std::string& issuer, UnixSeconds now) {
  KEEL_TRY(const std::string jwt, options.fetch(entry.list_url));
  VerifyOptions verify;
  verify.now = now;
  verify.ignore_status = true;
  verify.max_size = kMaxStatusCredential;
  KEEL_TRY(const Verification verification, VerifyCredential(jwt, resolver, verify));
  if (!verification.valid())
    return Fail(Code::kUntrusted, "status list", entry.list_url + ": " + verification.Reason());
  auto list = std::make_shared<StatusList>();
  KEEL_TRY(*list, ReadStatusList(verification.credential));
  if (list->issuer != issuer)
    return Fail(Code::kUntrusted, "status list",
                entry.list_url + " is issued by " + list->issuer + ", not by the credential's issuer");
  if (list->url != entry.list_url)
    return Fail(Code::kUntrusted, "status list", "asked for " + entry.list_url + ", got the list " + list->url);
  if (options.anchored_version) {
    KEEL_TRY(const uint64_t anchored, options.anchored_version(issuer, entry.list_url));
    if (list->version < anchored) {
      return Fail(
          Code::kStale, "status list",
          "version " + std::to_string(list->version) + " was served, " + std::to_string(anchored) + " is anchored");
    }
  }
  return list;
}

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
    if (fetched) {
      const std::lock_guard lock(impl_->mutex);
      uint64_t& largest = impl_->largest[key];
      if ((*fetched)->version < largest) {
        return Fail(Code::kStale, "status list",
                    entry.list_url + ": version " + std::to_string((*fetched)->version) + " after " +
                        std::to_string(largest) + " was seen");
      }
      largest = (*fetched)->version;
      known = {*fetched, now};
      if (impl_->lists.size() >= impl_->options.max_lists && !impl_->lists.contains(key))
        impl_->lists.erase(impl_->lists.begin());
      impl_->lists[key] = known;
    } else if (known.list == nullptr || fetched.error().code == Code::kUntrusted ||
               fetched.error().code == Code::kStale) {
      return std::unexpected<Error>(fetched.error());
    } else {
      status.fresh = now < impl_->FreshUntil(known) + impl_->options.grace_seconds;
      status.detail = "the list of " + base::Rfc3339(known.fetched) + " was used: " + fetched.error().Text();
    }
  }
  if (known.list->purpose != entry.purpose) {
    return Fail(Code::kUntrusted, "status list",
                entry.list_url + " is for '" + known.list->purpose + "', the credential says '" + entry.purpose + "'");
  }
  KEEL_TRY(const uint64_t value, known.list->list.GetValue(entry.index, entry.size));
  status.set = value != 0;
  status.version = known.list->version;
  status.issued_at = known.list->valid_from;
  status.valid_until = known.list->valid_until;
  status.fetched_at = known.fetched;
  return status;
}

}  // namespace keel::vc
