// SPDX-License-Identifier: Apache-2.0
#include "did/internal/webvh_log.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <set>

#include "base/jcs.h"
#include "base/json_strict.h"
#include "core/time.h"
#include "did/did.h"
#include "did/internal/eddsa_jcs.h"
#include "did/methods/webvh.h"

namespace keel::did::internal {
namespace {

using nlohmann::json;

constexpr const char* kMethod = "did:webvh:1.0";
constexpr uint64_t kFuture = 300;  // seconds that an entry's time may be ahead ("no more than 5 minutes")
constexpr uint64_t kMaxTtl = uint64_t{1} << 31;
constexpr size_t kMaxKeys = 64, kMaxHashes = 256, kMaxWitnesses = 64, kMaxWatchers = 64, kMaxProofs = 16;
constexpr size_t kMaxWitnessProofs = 1024;  // that are verified
constexpr const char* kPlaceholder = "{SCID}";

std::unexpected<Error> Bad(std::string detail) { return Fail(Code::kInvalidDid, "did:webvh log", std::move(detail)); }

bool IsEd25519(std::string_view multikey) {
  const auto key = crypto::PublicKey::FromMultikey(multikey);
  return key && key->type() == crypto::KeyType::kEd25519;
}

std::string Replace(std::string text, std::string_view from, std::string_view to) {
  std::string out;
  size_t at = 0;
  for (size_t found; (found = text.find(from, at)) != std::string::npos; at = found + from.size())
    out += text.substr(at, found - at) + std::string(to);
  return out + text.substr(at);
}

Result<std::vector<std::string>> Strings(const json& value, const char* name, size_t most) {
  if (!value.is_array() || value.size() > most)
    return Bad(std::string(name) + " is no array of at most " + std::to_string(most));
  std::vector<std::string> out;
  for (const json& item : value) {
    if (!item.is_string()) return Bad(std::string(name) + " has an item that is no string");
    out.push_back(item.get<std::string>());
  }
  return out;
}

Result<WebvhWitnesses> ReadWitnesses(const json& value) {
  WebvhWitnesses out;
  if (!value.is_object()) return Bad("witness is no object");
  if (value.empty()) return out;
  if (!base::OnlyMembers(value, {"threshold", "witnesses"})) return Bad("witness has a member that isn't known");
  const auto list = base::GetArray(value, "witnesses");
  const auto threshold = base::GetUint(value, "threshold");
  if (!list || (*list)->empty() || (*list)->size() > kMaxWitnesses || !threshold)
    return Bad("witness without its threshold and witnesses");
  for (const json& item : **list) {
    const std::string id = base::GetString(item, "id").value_or("");
    constexpr std::string_view kPrefix = "did:key:";
    if (!id.starts_with(kPrefix) || !IsEd25519(std::string_view(id).substr(kPrefix.size())))
      return Bad("a witness that is no did:key of Ed25519");
    std::string key = id.substr(kPrefix.size());
    if (std::find(out.multikeys.begin(), out.multikeys.end(), key) != out.multikeys.end())
      return Bad("witness " + id + " is listed twice");
    out.multikeys.push_back(std::move(key));
  }
  if (*threshold < 1 || *threshold > out.multikeys.size())
    return Bad("a threshold that is not 1 to the witnesses' count");
  out.threshold = *threshold;
  return out;
}

// "1-Qm...": the number and the hash.
Result<std::string> HashOf(const std::string& version_id, size_t number) {
  const std::string prefix = std::to_string(number) + "-";
  if (!version_id.starts_with(prefix)) return Bad("versionId doesn't begin with " + prefix);
  std::string hash = version_id.substr(prefix.size());
  if (!IsWebvhHash(hash)) return Bad("versionId has no SHA-256 multihash after " + prefix);
  return hash;
}

Result<> ReadTime(const std::string& text, UnixSeconds now, const WebvhEntry* before, WebvhEntry& entry) {
  const auto time = ParseRfc3339(text);
  if (!time || !(text.ends_with('Z') || text.ends_with("+00:00"))) return Bad("versionTime is no UTC time");
  entry.time = *time;
  entry.time_text = text;
  if (const size_t dot = text.find('.'); dot != std::string::npos) {
    const size_t end = text.find_first_not_of("0123456789", dot + 1);
    entry.fraction = text.substr(dot + 1, end - dot - 1);
    while (entry.fraction.ends_with('0')) entry.fraction.pop_back();
  }
  if (entry.time > now + kFuture) return Bad("versionTime " + text + " is in the future");
  if (before != nullptr && std::tie(entry.time, entry.fraction) <= std::tie(before->time, before->fraction))
    return Bad("versionTime " + text + " is not after that of the entry before");
  return {};
}

// The parameters after this entry. null means the default, as early implementations wrote it.
Result<> ReadParameters(const json& given, std::string_view scid, const WebvhEntry* before, WebvhEntry& entry) {
  WebvhParameters& now = entry.parameters;
  if (before != nullptr) now = before->parameters;
  if (!given.is_object()) return Bad("parameters is no object");
  for (const auto& [name, value] : given.items()) {
    const bool absent = value.is_null();
    if (name == "method") {
      if (value != kMethod) return Bad("method is not did:webvh:1.0");
    } else if (name == "scid") {
      if (before != nullptr) return Bad("scid appears after the first entry");
      if (value != scid) return Bad("scid is not that of the DID");
      now.scid = scid;
    } else if (name == "updateKeys") {
      KEEL_TRY(now.update_keys, Strings(absent ? json::array() : value, "updateKeys", kMaxKeys));
      for (const std::string& key : now.update_keys) {
        if (!IsEd25519(key)) return Bad("updateKeys has something else than Ed25519 Multikeys");
      }
    } else if (name == "nextKeyHashes") {
      KEEL_TRY(now.next_key_hashes, Strings(absent ? json::array() : value, "nextKeyHashes", kMaxHashes));
    } else if (name == "witness") {
      KEEL_TRY(now.witness, ReadWitnesses(absent ? json::object() : value));
    } else if (name == "watchers") {
      KEEL_TRY(now.watchers, Strings(absent ? json::array() : value, "watchers", kMaxWatchers));
    } else if (name == "portable") {
      if (!value.is_boolean()) return Bad("portable is no boolean");
      if (value == true && before != nullptr) return Bad("portable is set after the first entry");
      now.portable = value.get<bool>();
    } else if (name == "deactivated") {
      if (!value.is_boolean()) return Bad("deactivated is no boolean");
      now.deactivated = value.get<bool>();
    } else if (name == "ttl") {
      if (!absent && (!value.is_number_unsigned() || value.get<uint64_t>() > kMaxTtl))
        return Bad("ttl is no number of seconds");
      now.ttl = absent ? 3600 : value.get<uint64_t>();
    } else {
      return Bad("parameter '" + name.substr(0, 100) + "' is not one of did:webvh 1.0");
    }
  }
  if (before == nullptr) {
    for (const char* name : {"method", "scid", "updateKeys"}) {
      if (!given.contains(name)) return Bad(std::string("the first entry has no ") + name);
    }
  }
  return {};
}

// Who may sign this entry.
Result<std::vector<std::string>> AuthorizedKeys(const json& given, const WebvhEntry* before, const WebvhEntry& entry) {
  if (before == nullptr) return entry.parameters.update_keys;
  const std::vector<std::string>& committed = before->parameters.next_key_hashes;
  if (committed.empty()) return before->parameters.update_keys;
  if (!given.contains("updateKeys") || !given.contains("nextKeyHashes"))
    return Bad("updateKeys and nextKeyHashes must be given while keys are rotated in advance");
  for (const std::string& key : entry.parameters.update_keys) {
    if (std::find(committed.begin(), committed.end(), WebvhHash(key)) == committed.end())
      return Bad("update key " + key + " was not committed to by the entry before");
  }
  return entry.parameters.update_keys;
}

Result<> CheckProofs(const json& document, const json& proofs, const std::vector<std::string>& authorized) {
  if (!proofs.is_array() || proofs.empty() || proofs.size() > kMaxProofs) return Bad("proof is no array of proofs");
  for (const json& proof : proofs) {
    std::string key;
    if (auto ok = VerifyEddsaJcs(document, proof, key); !ok) return Bad("proof: " + ok.error().detail);
    if (std::find(authorized.begin(), authorized.end(), key) == authorized.end())
      return Bad("proof: " + key + " may not sign this entry");
  }
  return {};
}

Result<> ReadState(const json& state, std::string_view scid, const WebvhEntry* before, WebvhEntry& entry) {
  auto document = DidDocument::FromJson(state);
  if (!document) return Bad("state: " + document.error().detail);
  const auto place = WebvhLocation(document->id);
  if (!place) return Bad("state's id is no did:webvh: " + place.error().detail);
  if (place->scid != scid) return Bad("state's id has another SCID");
  if (before != nullptr && document->id != before->document.id) {
    if (!before->parameters.portable) return Bad("the DID moved, but is not portable");
    const auto& known = document->also_known_as;
    if (std::find(known.begin(), known.end(), before->document.id) == known.end())
      return Bad("the DID moved, and alsoKnownAs doesn't have " + before->document.id);
  }
  entry.document = std::move(*document);
  entry.state = base::DumpJson(state);
  return {};
}

Result<> CheckScid(const json& first, std::string_view scid) {
  json entry = first;
  entry["versionId"] = kPlaceholder;
  auto placeholders = base::ParseJson(Replace(base::DumpJson(entry), scid, kPlaceholder));
  if (!placeholders) return Bad("the first entry can't be read with placeholders");
  KEEL_TRY(const std::string text, base::Jcs(*placeholders));
  if (WebvhHash(text) != scid) return Bad("the SCID is not the hash of the first entry");
  return {};
}

Result<WebvhEntry> ReadEntry(std::string_view line, std::string_view scid, UnixSeconds now, const WebvhEntry* before,
                             size_t number) {
  auto parsed = base::ParseJson(line, {.max_size = kMaxWebvhEntry});
  if (!parsed) return Bad(parsed.error().Text());
  json& value = *parsed;
  if (!base::OnlyMembers(value, {"versionId", "versionTime", "parameters", "state", "proof"}))
    return Bad("no object of versionId, versionTime, parameters, state, proof");
  for (const char* name : {"versionId", "versionTime", "parameters", "state", "proof"}) {
    if (!value.contains(name)) return Bad(std::string(name) + " is missing");
  }
  if (before != nullptr && before->parameters.deactivated) return Bad("an entry after the deactivation");
  WebvhEntry entry;
  entry.version_id = base::GetString(value, "versionId").value_or("");
  KEEL_TRY(const std::string hash, HashOf(entry.version_id, number));
  KEEL_TRY_VOID(ReadTime(base::GetString(value, "versionTime").value_or(""), now, before, entry));
  KEEL_TRY_VOID(ReadParameters(value["parameters"], scid, before, entry));
  KEEL_TRY(const auto authorized, AuthorizedKeys(value["parameters"], before, entry));
  const json proofs = std::move(value["proof"]);
  value.erase("proof");
  if (before == nullptr) KEEL_TRY_VOID(CheckScid(value, scid));
  json hashed = value;
  hashed["versionId"] = before == nullptr ? std::string(scid) : before->version_id;
  KEEL_TRY(const std::string text, base::Jcs(hashed));
  if (WebvhHash(text) != hash) return Bad("the entry's hash is not that in its versionId");
  KEEL_TRY_VOID(CheckProofs(value, proofs, authorized));
  KEEL_TRY_VOID(ReadState(value["state"], scid, before, entry));
  // Who was to witness before still is, also where the list is replaced or ended; a first list counts at once.
  const bool witnessed_before = before != nullptr && before->parameters.witness.threshold > 0;
  entry.wanted = witnessed_before ? before->parameters.witness : entry.parameters.witness;
  return entry;
}

}  // namespace

bool WebvhLog::NeedsWitnesses() const {
  return std::any_of(entries.begin(), entries.end(),
                     [](const WebvhEntry& entry) { return entry.wanted.threshold > 0; });
}

WebvhLog ReadWebvhLog(std::string_view text, std::string_view scid, UnixSeconds now) {
  WebvhLog log;
  while (!text.empty()) {
    const size_t end = text.find('\n');
    const std::string_view line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view() : text.substr(end + 1);
    const size_t number = log.entries.size() + 1;
    auto entry = number > kMaxWebvhEntries
                     ? Result<WebvhEntry>(Bad("more than " + std::to_string(kMaxWebvhEntries) + " entries"))
                     : ReadEntry(line, scid, now, log.entries.empty() ? nullptr : &log.entries.back(), number);
    if (!entry) {
      log.broken = Bad("entry " + std::to_string(number) + ": " + entry.error().detail).error();
      return log;
    }
    log.entries.push_back(std::move(*entry));
  }
  if (log.entries.empty()) log.broken = Bad("the log is empty").error();
  return log;
}

void CheckWitnesses(WebvhLog& log, std::string_view witness_file) {
  std::map<std::string, size_t, std::less<>> places;  // of the log's versionIds
  std::set<std::string, std::less<>> witnesses;
  for (size_t i = 0; i < log.entries.size(); ++i) {
    places[log.entries[i].version_id] = i;
    witnesses.insert(log.entries[i].wanted.multikeys.begin(), log.entries[i].wanted.multikeys.end());
  }
  std::map<std::string, size_t, std::less<>> approved;  // witness: one more than the last entry that it signed
  size_t verified = 0;
  const auto file = base::ParseJson(witness_file, {.max_size = kMaxWebvhWitnessFile});
  for (const json& item : file && file->is_array() ? *file : json::array()) {
    const auto version = base::GetString(item, "versionId");
    const auto proofs = base::GetArray(item, "proof");
    const auto place = version ? places.find(*version) : places.end();
    if (place == places.end() || !proofs) continue;
    const json document = {{"versionId", *version}};
    for (const json& proof : **proofs) {
      // By whom it says it is decides whether it is worth a verification.
      const std::string method = base::GetString(proof, "verificationMethod").value_or("");
      const std::string_view claimed = DidOf(method).starts_with("did:key:") ? DidOf(method).substr(8) : "";
      if (!witnesses.contains(claimed)) continue;
      size_t& last = approved[std::string(claimed)];
      if (last > place->second || verified == kMaxWitnessProofs) continue;
      ++verified;
      std::string key;
      if (VerifyEddsaJcs(document, proof, key) && key == claimed) last = place->second + 1;
    }
  }
  for (size_t i = 0; i < log.entries.size(); ++i) {
    const WebvhWitnesses& wanted = log.entries[i].wanted;
    const auto count = std::count_if(wanted.multikeys.begin(), wanted.multikeys.end(), [&](const std::string& key) {
      const auto it = approved.find(key);
      return it != approved.end() && it->second > i;
    });
    if (static_cast<uint64_t>(count) >= wanted.threshold) continue;
    log.broken = Bad("entry " + std::to_string(i + 1) + " is witnessed by " + std::to_string(count) + " of the " +
                     std::to_string(wanted.threshold) + " that it needs")
                     .error();
    log.entries.resize(i);
    return;
  }
}

}  // namespace keel::did::internal
