// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>

#include "vc/status_list/bitstring.h"
#include "vc/verification.h"

// BitstringStatusListCredential: issuing and checking. Whole lists are fetched, so that the issuer doesn't learn whom
// it concerns.
namespace keel::vc {

struct StatusListRequest {
  std::string issuer;
  std::string url;                     // the credential's id; where it is published
  std::string purpose = "revocation";  // or "suspension"
  uint64_t version = 0;                // rises with each publication (member `version` of the subject; anchored too)
  UnixSeconds valid_from = 0;
  UnixSeconds valid_until = 0;
  uint64_t ttl_ms = 300'000;
};
// The unsigned credential, for IssueCredential.
Result<nlohmann::json> StatusListCredential(const StatusListRequest& request, const Bitstring& list);

struct StatusList {
  std::string issuer, url, purpose;
  uint64_t version = 0;
  uint64_t ttl_ms = 0;
  std::optional<UnixSeconds> valid_from, valid_until;
  Bitstring list;
};
// Of a credential that was verified. kMalformed, Bitstring's errors.
Result<StatusList> ReadStatusList(const Credential& credential);

// Checks entries against lists it gets by `fetch`: verifies the list's credential (issuer the same as the entry's,
// signature, validity, purpose, url), keeps it no longer than ttl and validUntil allow, refuses a version below the
// largest seen (kStale) or, when `anchored_version` is set, other than the anchored one. Fails closed: when no list can
// be had the error says so; when only an outdated one, Status::fresh is false. Thread-safe.
class ListStatusChecker final : public StatusChecker {
 public:
  struct Options {
    std::function<Result<std::string>(const std::string& url)> fetch;  // the vc+jwt; required
    std::function<Result<uint64_t>(const std::string& issuer, const std::string& url)>
        anchored_version;            // kNotFound: not anchored
    uint64_t max_age_seconds = 300;  // a list is asked for again after min(ttl, this)
    uint64_t grace_seconds = 0;      // how long past that an old one serves as fresh when none can be had (by policy)
    size_t max_lists = 1024;
  };
  ListStatusChecker(did::DidResolver& resolver, Options options);
  ~ListStatusChecker() override;
  Result<Status> Check(const StatusEntry& entry, const std::string& issuer, UnixSeconds now) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::vc
