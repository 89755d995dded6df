// SPDX-License-Identifier: Apache-2.0
#include "did/methods/webvh.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/json_strict.h"
#include "base/net/http.h"
#include "did/did.h"
#include "did/internal/eddsa_jcs.h"
#include "did/internal/web_client.h"
#include "did/internal/webvh_log.h"

namespace keel::did {
namespace {

using internal::WebvhEntry;
using internal::WebvhLog;
using nlohmann::json;

constexpr const char* kWhere = "did:webvh";

std::unexpected<Error> NotFound(std::string detail) { return Fail(Code::kNotFound, kWhere, std::move(detail)); }

bool HasOuterSpace(std::string_view segment) {
  const auto decoded = base::UrlDecode(segment);
  if (!decoded || decoded->empty()) return true;
  return decoded->front() == ' ' || decoded->back() == ' ';
}

// Which entry answers. What is after the valid ones matters only to those who ask for the newest.
Result<size_t> Choose(const WebvhLog& log, const ResolutionOptions& options) {
  if (!options.version_id.empty()) {
    if (options.version_time) return Fail(Code::kInvalidArgument, kWhere, "give versionId or versionTime, not both");
    const bool number = options.version_id.ends_with('-');
    for (size_t i = 0; i < log.entries.size(); ++i) {
      const std::string& id = log.entries[i].version_id;
      if (number ? id.starts_with(options.version_id) : id == options.version_id) return i;
    }
    if (log.broken) return std::unexpected<Error>(*log.broken);
    return NotFound("there is no version " + options.version_id);
  }
  if (options.version_time) {
    for (size_t i = log.entries.size(); i-- > 0;) {
      if (log.entries[i].time > *options.version_time) continue;
      // An invalid entry's time is not known: the last valid one may have ended before.
      if (i + 1 == log.entries.size() && log.broken) return std::unexpected<Error>(*log.broken);
      return i;
    }
    if (log.entries.empty() && log.broken) return std::unexpected<Error>(*log.broken);
    return NotFound("the DID was not there yet at that time");
  }
  if (log.broken) return std::unexpected<Error>(*log.broken);
  return log.entries.size() - 1;
}

std::string MethodMetadata(const WebvhEntry& chosen, const internal::WebvhParameters& last) {
  json out = {{"versionTime", chosen.time_text},
              {"scid", last.scid},
              {"portable", last.portable},
              {"ttl", std::to_string(last.ttl)}};
  if (last.witness.threshold > 0) {
    json list = json::array();
    for (const std::string& key : last.witness.multikeys) list.push_back({{"id", "did:key:" + key}});
    out["witness"] = {{"threshold", std::to_string(last.witness.threshold)}, {"witnesses", std::move(list)}};
  }
  if (!last.watchers.empty()) out["watchers"] = last.watchers;
  return base::DumpJson(out);
}

}  // namespace

Result<WebvhPlace> WebvhLocation(std::string_view did) {
  KEEL_TRY(const Did parsed, Did::Parse(did));
  if (parsed.method != "webvh") return Fail(Code::kMethodNotSupported, kWhere, "did:" + parsed.method);
  const size_t colon = parsed.id.find(':');
  WebvhPlace place;
  place.scid = parsed.id.substr(0, colon);
  if (colon == std::string::npos || !internal::IsWebvhHash(place.scid))
    return Fail(Code::kInvalidDid, kWhere, "after did:webvh: comes an SCID (46 characters of base58btc), then a host");
  const std::string rest = parsed.id.substr(colon + 1);
  // The same transformation as did:web's, but for the last part's name (and every rule of that parser).
  auto url = WebUrl("did:web:" + rest);
  if (!url) return Fail(Code::kInvalidDid, kWhere, url.error().detail);
  const size_t first = rest.find(':');
  const std::string_view host = std::string_view(rest).substr(0, std::min(rest.find('%'), first));
  if (host.find('.') == std::string_view::npos)
    return Fail(Code::kInvalidDid, kWhere, "the host is not fully qualified");
  for (size_t at = first; at != std::string::npos;) {
    const size_t next = rest.find(':', at + 1);
    const size_t length = next == std::string::npos ? next : next - at - 1;
    if (HasOuterSpace(std::string_view(rest).substr(at + 1, length)))
      return Fail(Code::kInvalidDid, kWhere, "a path segment begins or ends with white space");
    at = next;
  }
  const std::string base = url->substr(0, url->size() - std::string_view("did.json").size());
  place.log_url = base + "did.jsonl";
  place.witness_url = base + "did-witness.json";
  return place;
}

Result<ResolutionResult> ReadWebvhLog(std::string_view did, std::string_view text,
                                      const std::function<Result<std::string>()>& witness_file,
                                      const ResolutionOptions& options, UnixSeconds now) {
  KEEL_TRY(const WebvhPlace place, WebvhLocation(did));
  if (text.size() > kMaxWebvhLog) return Fail(Code::kTooLarge, kWhere, "a log of more than 1 MiB");
  WebvhLog log = internal::ReadWebvhLog(text, place.scid, now);
  if (log.NeedsWitnesses()) {
    auto file = witness_file();
    // Without the file no entry that needs it is valid; that the host can't be asked is another matter.
    if (!file && file.error().code != Code::kNotFound) return std::unexpected<Error>(file.error());
    internal::CheckWitnesses(log, file ? *file : std::string("[]"));
  }
  KEEL_TRY(const size_t chosen, Choose(log, options));
  const bool ours = std::any_of(log.entries.begin(), log.entries.end(),
                                [did](const WebvhEntry& entry) { return entry.document.id == did; });
  if (!ours) return Fail(Code::kInvalidDid, kWhere, "the log is that of " + log.entries.back().document.id);
  WebvhEntry& entry = log.entries[chosen];
  if (entry.document.id != did)
    return NotFound(std::string(did) + " has moved: this version is that of " + entry.document.id);

  ResolutionResult result;
  const WebvhEntry& last = log.entries.back();
  result.deactivated = last.parameters.deactivated;
  result.max_age = last.parameters.ttl;
  result.metadata.version_id = entry.version_id;
  result.metadata.created = log.entries.front().time;
  result.metadata.updated = last.time;
  if (chosen + 1 < log.entries.size()) {
    result.metadata.next_version_id = log.entries[chosen + 1].version_id;
    result.metadata.next_update = log.entries[chosen + 1].time;
  }
  result.metadata.method = MethodMetadata(entry, last.parameters);
  if (entry.parameters.deactivated) {
    auto empty = std::make_shared<DidDocument>();
    empty->id = did;
    result.document = std::move(empty);
  } else {
    result.source = std::move(entry.state);
    result.document = std::make_shared<const DidDocument>(std::move(entry.document));
  }
  return result;
}

WebvhMethod::WebvhMethod() : WebvhMethod(Options{}) {}
WebvhMethod::WebvhMethod(Options options)
    : deadline_(options.deadline), client_(std::make_unique<internal::WebClient>(options)) {}
WebvhMethod::~WebvhMethod() = default;

Result<ResolutionResult> WebvhMethod::Resolve(const std::string& did, const ResolutionOptions& options) {
  KEEL_TRY(const WebvhPlace place, WebvhLocation(did));
  const uint64_t start = base::MonotonicMs();
  KEEL_TRY(const std::string log,
           client_->Get(place.log_url, "text/jsonl, application/jsonl, */*", kMaxWebvhLog, deadline_, kWhere));
  const auto witness_file = [&]() -> Result<std::string> {
    const std::chrono::milliseconds used(base::MonotonicMs() - start);
    if (used >= deadline_) return Fail(Code::kTimeout, kWhere, place.witness_url + ": no time left to ask for it");
    return client_->Get(place.witness_url, "application/json", kMaxWebvhWitnessFile, deadline_ - used, kWhere);
  };
  return ReadWebvhLog(did, log, witness_file, options, base::NowSeconds());
}

}  // namespace keel::did
