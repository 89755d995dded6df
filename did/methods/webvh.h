// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "did/methods/web.h"

// did:webvh 1.0 (DIF): a log of a DID's versions on a web host, each entry bound to those before by hashes and signed
// by keys that they name. Whoever holds the host can withhold the log, but not write in it.
namespace keel::did {

inline constexpr size_t kMaxWebvhLog = 1 << 20;      // octets of did.jsonl
inline constexpr size_t kMaxWebvhEntry = 256 << 10;  // octets of one entry
inline constexpr size_t kMaxWebvhEntries = 1024;
inline constexpr size_t kMaxWebvhWitnessFile = 256 << 10;  // octets of did-witness.json

// Where a DID's log stands: "did:webvh:SCID:example.com%3A8443:dids:issuer" ->
// https://example.com:8443/dids/issuer/did.jsonl and did-witness.json beside it. kInvalidDid: the SCID is no SHA-256
// multihash in base58btc, or the rest is what WebUrl refuses for did:web, or the host has a single label, or a path
// segment begins or ends with white space. Names beyond ASCII must come in their xn-- form.
struct WebvhPlace {
  std::string scid, log_url, witness_url;
};
Result<WebvhPlace> WebvhLocation(std::string_view did);

// The document that a log gives for this DID: the newest version, or that of `options` (versionId whole; "N-" takes any
// hash: versionNumber). `witness_file` is asked for did-witness.json only if an entry needs witnesses. What is wrong
// with later entries doesn't hide a valid older version that is asked for. Times are judged at `now`.
//
// kInvalidDid: the log, or the part of it that is needed, is not valid, with the entry and the reason; kNotFound: no
// such version, not yet at that time, or the DID has moved (with its new name); kInvalidArgument: both version options;
// witness_file's errors.
Result<ResolutionResult> ReadWebvhLog(std::string_view did, std::string_view log,
                                      const std::function<Result<std::string>()>& witness_file,
                                      const ResolutionOptions& options, UnixSeconds now);

// Fetches log and, if needed, witness file within WebMethod's bounds (one deadline for both; 1 MiB and 256 KiB) and
// verifies them whole. Nothing is kept: ResolutionResult::max_age has the log's ttl. Errors: ReadWebvhLog's and
// WebMethod's. Thread-safe.
class WebvhMethod final : public DidResolver {
 public:
  using DidResolver::Resolve;
  using Options = WebMethod::Options;
  WebvhMethod();
  explicit WebvhMethod(Options options);
  ~WebvhMethod() override;
  Result<ResolutionResult> Resolve(const std::string& did, const ResolutionOptions& options) override;

 private:
  const std::chrono::milliseconds deadline_;
  std::unique_ptr<internal::WebClient> client_;
};

}  // namespace keel::did
