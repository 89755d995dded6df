// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vc/status_list/bitstring.h"
#include "vc/verification.h"

// BitstringStatusListCredential (Bitstring Status List 1.0): issuing and checking. Whole lists are fetched, so that the
// issuer doesn't learn whom it concerns.
namespace keel::vc {

struct StatusListRequest {
  std::string issuer;
  std::string url;                                     // the credential's id; where it is published
  std::vector<std::string> purposes = {"revocation"};  // "revocation", "suspension", "refresh", "message", others
  uint64_t version = 0;  // not 0: rises with each publication (member `version` of the subject; anchored too)
  UnixSeconds valid_from = 0;
  UnixSeconds valid_until = 0;
  uint64_t ttl_ms = 300'000;  // 0: none is said
};
// The unsigned credential, for IssueCredential. kInvalidArgument: no issuer, url or purpose.
Result<nlohmann::json> StatusListCredential(const StatusListRequest& request, const Bitstring& list);
// The same of a list that is encoded already.
Result<nlohmann::json> StatusListCredential(const StatusListRequest& request, std::string encoded);

struct StatusList {
  std::string issuer, url;  // url: empty when the credential has no id
  std::vector<std::string> purposes;
  uint64_t version = 0;            // 0: none
  std::optional<uint64_t> ttl_ms;  // absent: nothing is assumed
  std::optional<UnixSeconds> valid_from, valid_until;
  Bitstring list;

  bool Has(std::string_view purpose) const;
};
// Of a credential that was verified. kMalformed, Bitstring's errors (kOutOfRange: too short).
Result<StatusList> ReadStatusList(const Credential& credential);

// The error that Bitstring Status List 1.0 (section 3.5) has for a StatusChecker's error; for problem details.
std::string_view StatusErrorName(const Error& error);

// Checks entries against lists it gets by `fetch` (section 3.2): verifies the list's credential (signature, validity,
// issuer, url), keeps it no longer than ttl and validUntil allow, refuses a version below the largest seen (kStale) or,
// when `anchored_version` is set, below the anchored one. What a genuine list and the entry say against each other
// (purpose, length, index) is a verdict, Status::problem. What isn't genuine is an error, because whoever carries it
// may have made it: kUntrusted (signature, issuer, id), kStale. Fails closed: when no list can be had the error says
// so; when only an outdated one, Status::fresh is false. Thread-safe.
class ListStatusChecker final : public StatusChecker {
 public:
  using Verify = std::function<Result<Verification>(std::string_view octets, did::DidResolver&, const VerifyOptions&)>;
  struct Options {
    std::function<Result<std::string>(const std::string& url)> fetch;  // the list credential's octets; required
    std::function<Result<uint64_t>(const std::string& issuer, const std::string& url)>
        anchored_version;            // kNotFound: not anchored
    uint64_t max_age_seconds = 300;  // a list is asked for again after min(ttl, this)
    uint64_t grace_seconds = 0;      // how long past that an old one serves as fresh when none can be had (by policy)
    size_t max_lists = 1024;
    size_t max_octets = 256 << 20;  // of all lists that are kept, expanded; the newest is kept in any case
    // How a list's credential is verified; null: VerifyCredential (vc+jwt). VerifyAny takes Data Integrity and the
    // other forms as well.
    Verify verify = {};
    // Issuers whose lists count for everybody's credentials, besides the credential's own issuer (section 2.2 lets them
    // differ; whom to believe is the verifier's to say).
    std::vector<std::string> list_issuers = {};
    uint64_t min_entries = kMinStatusBits;
    std::vector<crypto::PublicKey> given_keys = {};  // as VerifyOptions::given_keys, for lists
  };
  ListStatusChecker(did::DidResolver& resolver, Options options);
  ~ListStatusChecker() override;
  Result<Status> Check(const StatusEntry& entry, const std::string& issuer, UnixSeconds now) override;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace keel::vc
