// SPDX-License-Identifier: Apache-2.0
// The verbs of the control socket (docs/cli/keel-verifier.md).
#include <algorithm>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"
#include "base/log.h"
#include "crypto/hash.h"
#include "did/jose.h"
#include "ledger/limits.h"
#include "onboarding/messages.h"
#include "vc/credential.h"
#include "verifier/service_parts.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

constexpr uint64_t kReaderLife = 365ull * 24 * 3600;

json Summary(const Claim& claim, bool member) {
  return {{"did", claim.did},
          {"serial", claim.serial},
          {"model", claim.model},
          {"state", ClaimStateName(claim.state)},
          {"published", claim.published != 0},
          {"member", member},
          {"member_id", claim.device_pairwise.empty() ? "" : MemberId(claim.device_pairwise)},
          {"firmware", claim.firmware_version},
          {"firmware_sequence", claim.firmware_sequence},
          {"generation", claim.generation},
          {"fleet_until", claim.fleet_until},
          {"problem", claim.problem},
          {"changed", claim.changed},
          {"seen", claim.seen}};
}

// A link as the pack has it. kTooLarge.
Result<ChainLink> LinkOf(const custody::ChainLink& from, const Bytes32& spent_seal) {
  ChainLink link;
  link.item.resize(ledger::kMaxItemBody);
  ByteWriter w(link.item);
  w.Put(ByteView(from.link))
      .U16(static_cast<uint16_t>(from.policy.size()))
      .Put(ByteView(from.policy))
      .Put(ByteView(from.sigs));
  if (!w.ok()) return Fail(Code::kTooLarge, "claim", "a link");
  link.item.resize(w.size());
  link.spent_seal = spent_seal;
  return link;
}

Result<Claim> ClaimOf(const custody::DeviceRecord& record) {
  Claim claim;
  claim.did = record.did;
  claim.serial = record.serial;
  claim.model = record.model;
  claim.ownership_credential = record.credential;
  // Checked when the device was taken over (custody/import.cc).
  KEEL_TRY(const did::Jws paper, did::Jws::Parse(record.hardware.jwt));
  KEEL_TRY(const vc::Credential hardware, vc::Credential::Parse(paper.payload));
  claim.maker = hardware.issuer;
  for (size_t i = 1; i <= record.links.size(); ++i) {
    KEEL_TRY(claim.links.emplace_back(), LinkOf(record.links[i - 1], record.SealBefore(i)));
  }
  claim.seal = record.LastSeal();
  claim.rendezvous_secret = record.rs;
  claim.rendezvous_key.resize(crypto::kMaxMultikeyOctets);
  KEEL_TRY(const size_t length, record.rp.ToMultikeyOctets(claim.rendezvous_key));
  claim.rendezvous_key.resize(length);
  return claim;
}

}  // namespace

Result<std::shared_ptr<ClaimSlot>> Service::Impl::FindDevice(const json& args) {
  KEEL_TRY(const std::string name, base::GetString(args, "device"));
  if (auto slot = book->FindDevice(name)) return slot;
  std::shared_ptr<ClaimSlot> found;
  for (const auto& slot : book->All()) {
    const std::lock_guard guard(slot->mutex);
    if (slot->claim.serial == name) return slot;
    if (name.size() >= 4 && (slot->claim.serial.starts_with(name) || slot->claim.did.starts_with(name))) {
      if (found != nullptr)
        return Fail(Code::kUsage, "device", "\"" + name + "\" fits several devices: give the whole serial or DID");
      found = slot;
    }
  }
  if (found == nullptr)
    return Fail(Code::kNotFound, "device",
                "no claimed device has the serial or DID \"" + name + "\"; `keel-verifier devices` lists them");
  return found;
}

Result<> Service::Impl::ReleaseGiven() {
  KEEL_TRY(const auto given, custody->List(custody::DeviceState::kGiven));
  for (const custody::DeviceRecord& record : given) {
    const auto slot = record.passed_on ? book->FindDevice(record.did) : nullptr;
    if (slot == nullptr) continue;
    const std::lock_guard guard(slot->mutex);
    Claim& claim = slot->claim;
    const bool over = claim.state == ClaimState::kReleased || claim.state == ClaimState::kRetired;
    if (over || claim.seal != record.LastSeal()) continue;
    Claim next = claim;
    KEEL_TRY_VOID(Step(next, ClaimEvent::kPassedOn));
    next.problem = "passed on to " + record.given_to;
    // Only a device that is onboarded has secrets of ours to forget.
    next.order.clear();
    if (!claim.acknowledgement.empty()) {
      KEEL_TRY(next.passed_on, LinkOf(*record.passed_on, record.LastSeal()));
      next.order = onboarding::order::kOpTransfer;
      next.problem += "; the device is told at its next contact";
    }
    next.changed = base::NowSeconds();
    if (!claim.device_pairwise.empty()) KEEL_TRY_VOID(members->Remove(MemberId(claim.device_pairwise)));
    KEEL_TRY_VOID(records->SaveClaim(next));
    claim = std::move(next);
    base::LogInfo("device.released", {{"device", claim.did}, {"serial", claim.serial}});
  }
  return {};
}

Result<> Service::Impl::ResetMembers() {
  std::map<std::string, Members::Member> all;
  for (const auto& slot : book->All()) {
    const std::lock_guard guard(slot->mutex);
    const Claim& claim = slot->claim;
    if (claim.state != ClaimState::kOnboarded) continue;
    KEEL_TRY(const did::DidDocument device, did::ResolvePeer(claim.device_pairwise));
    const auto token_keys = device.All(did::Relationship::kAuthentication);
    if (!token_keys.empty()) {
      all[MemberId(claim.device_pairwise)] = {token_keys.front()->key, claim.device_pairwise, claim.fleet_until};
    }
  }
  std::map<std::string, Members::Reader> readers;
  KEEL_TRY(const auto texts, records->Documents("reader/"));
  for (const auto& [name, text] : texts) {
    KEEL_TRY(const json value, base::ParseJson(text));
    Members::Reader reader;
    KEEL_TRY(const std::string did, base::GetString(value, "did"));
    KEEL_TRY(const std::string key, base::GetString(value, "key"));
    KEEL_TRY(reader.key, crypto::PublicKey::FromMultikey(key));
    KEEL_TRY(reader.credential_sha256, base::GetString(value, "credential_sha256"));
    KEEL_TRY(reader.subscribe, base::GetStrings(value, "subscribe"));
    KEEL_TRY(reader.until, base::GetUint(value, "until"));
    readers[did] = std::move(reader);
  }
  return members->Reset(std::move(all), std::move(readers));
}

Result<json> Service::Impl::Status() {
  std::map<std::string, size_t> states;
  for (const auto& slot : book->All()) {
    const std::lock_guard guard(slot->mutex);
    ++states[ClaimStateName(slot->claim.state)];
  }
  const BrokerAddress broker = settings->broker();
  return json{
      {"did", identity->did()},
      {"url", url},
      {"network", registry->label()},
      {"words", registry->network().words},
      {"devices", states},
      {"unpublished", book->unpublished()},
      {"publish_problem", book->publish_problem()},
      {"members", members->size()},
      {"fleet", members->fleet()},
      {"audience", members->audience()},
      {"broker", broker.host.empty() ? "" : broker.host + ":" + std::to_string(broker.port)},
      {"key_protection",
       identity->keys().protection() == crypto::Protection::kPassphrase ? "passphrase" : "unprotected software key"}};
}

Result<json> Service::Impl::Doctor() {
  json checks = json::array();
  const auto add = [&](const char* name, bool ok, const std::string& seen, const std::string& mend) {
    checks.push_back({{"check", name}, {"ok", ok}, {"seen", seen}, {"do", ok ? "" : mend}});
  };
  const auto checkpoint = registry->Checkpoint();
  add("registry answers with a fresh, verified checkpoint", checkpoint.has_value(),
      checkpoint ? "size " + std::to_string(checkpoint->size) : checkpoint.error().Text(),
      "check that the registry node runs and is reachable; `endpoints` in verifier.toml replaces net.keel's hints");
  const auto own = registry->ResolveDid(identity->did());
  add("own DID is anchored", own.has_value(), own ? identity->did() : own.error().Text(),
      "whoever sells you devices anchors it by `keel ownership transfer`, or a member by `keel-registry sponsor add`");
  const auto quorum = registry->QuorumTime();
  const uint64_t local = base::NowSeconds();
  const uint64_t apart = quorum ? (*quorum > local ? *quorum - local : local - *quorum) : 0;
  add("clock agrees with quorum time within 60 s", quorum && apart <= 60,
      quorum ? std::to_string(apart) + " s apart" : quorum.error().Text(),
      "set this machine's clock: proofs are judged by it");
  add("invitations are published", book->publish_problem().empty(),
      book->publish_problem().empty() ? std::to_string(book->unpublished()) + " waiting" : book->publish_problem(),
      "the registry must know this verifier's account: `keel-registry account add " + identity->did() + "`");
  const BrokerAddress broker = settings->broker();
  add("a broker is set", !broker.host.empty(), broker.host,
      "`keel-verifier broker set HOST:PORT`, else devices get no network credentials");
  const auto healthy = store->Healthy();
  add("storage can be written", healthy.has_value(), healthy ? "yes" : healthy.error().Text(),
      "free disk space, check the disk");
  bool all = true;
  for (const json& check : checks) all = all && check["ok"].get<bool>();
  return json{{"ok", all}, {"checks", std::move(checks)}};
}

Result<json> Service::Impl::ClaimDevices(const json& args) {
  KEEL_TRY_VOID(base::OnlyMembers(args, {"all", "serials"}));
  KEEL_TRY(const std::optional<bool> every, base::GetOptionalBool(args, "all"));
  const bool all = every.value_or(false);
  std::vector<std::string> serials;
  if (args.contains("serials")) {
    KEEL_TRY(serials, base::GetStrings(args, "serials"));
  }
  if (all == !serials.empty()) return Fail(Code::kUsage, "claim", "say either --all or which serials");
  std::vector<custody::DeviceRecord> held;
  json already = json::array();
  json pending = json::array();
  KEEL_TRY(const auto records_held, custody->List());
  for (const auto& record : records_held) {
    if (record.state == custody::DeviceState::kGiven) continue;
    if (!all && std::find(serials.begin(), serials.end(), record.serial) == serials.end()) continue;
    const auto slot = book->FindDevice(record.did);
    bool known = slot != nullptr;
    if (known) {
      const std::lock_guard guard(slot->mutex);
      known = slot->claim.state != ClaimState::kReleased;
    }
    if (known) {
      already.push_back(record.serial);
    } else if (record.state == custody::DeviceState::kPending || record.links.empty()) {
      pending.push_back(record.serial);
    } else {
      held.push_back(record);
    }
  }
  std::vector<Claim> claims;
  json claimed = json::array();
  for (const auto& record : held) {
    KEEL_TRY(Claim claim, ClaimOf(record));
    claimed.push_back(claim.serial);
    claims.push_back(std::move(claim));
  }
  for (const std::string& serial : serials) {
    const auto in = [&](const json& list) { return std::find(list.begin(), list.end(), json(serial)) != list.end(); };
    if (!in(claimed) && !in(already) && !in(pending)) {
      return Fail(Code::kNotFound, "claim",
                  "no device with serial \"" + serial +
                      "\" is held; `keel ownership import` takes devices over, `keel ownership list` shows them");
    }
  }
  KEEL_TRY_VOID(book->Add(std::move(claims)));
  return json{{"claimed", std::move(claimed)}, {"already", std::move(already)}, {"pending", std::move(pending)}};
}

Result<json> Service::Impl::SetProfile(const json& args) {
  KEEL_TRY_VOID(base::OnlyMembers(args, {"model", "configuration", "firmware", "contact_seconds"}));
  KEEL_TRY(const std::string model, base::GetString(args, "model"));
  KEEL_TRY(const std::string configuration, base::GetString(args, "configuration"));
  KEEL_TRY(const std::string wanted, base::GetString(args, "firmware"));
  std::string release;
  if (!wanted.empty()) {
    // By id, a beginning of it, or a version that only one imported release has.
    for (const Release& known : firmware->List()) {
      if (known.id != wanted && !(wanted.size() >= 6 && known.id.starts_with(wanted)) && known.version != wanted)
        continue;
      if (!release.empty())
        return Fail(Code::kUsage, "profile", "\"" + wanted + "\" fits several releases: give the id");
      release = known.id;
    }
    if (release.empty())
      return Fail(Code::kNotFound, "profile",
                  "no imported release is \"" + wanted + "\"; `keel-verifier firmware import` takes one over");
  }
  KEEL_TRY(Profile profile, MakeProfile(model, configuration, release));
  KEEL_TRY(const std::optional<uint64_t> contact, base::GetOptionalUint(args, "contact_seconds"));
  if (contact) profile.contact_seconds = *contact;
  KEEL_TRY_VOID(settings->SetProfile(profile));
  return profile.ToJson();
}

Result<json> Service::Impl::ListProfiles() {
  json list = json::array();
  for (const Profile& profile : settings->Profiles()) list.push_back(profile.ToJson());
  return json{{"profiles", std::move(list)}};
}

Result<json> Service::Impl::SetPolicy(const json& args) {
  KEEL_TRY(const std::string text, base::GetString(args, "policy"));
  KEEL_TRY_VOID(settings->SetPolicy(text));
  // Who was refused may try again under the new policy: nothing to do here, a claim stays open.
  return json{{"rules", settings->policy()->rules().size()}, {"trusted", settings->policy()->trusted_manufacturers()}};
}

Result<json> Service::Impl::SetBroker(const json& args) {
  KEEL_TRY(const std::string host, base::GetString(args, "host"));
  KEEL_TRY(const uint64_t port, base::GetUint(args, "port"));
  if (host.empty() || port == 0 || port > 65535) return Fail(Code::kUsage, "broker", "needs HOST:PORT");
  KEEL_TRY_VOID(settings->SetBroker({host, static_cast<uint16_t>(port)}));
  return json{{"broker", host + ":" + std::to_string(port)}};
}

Result<json> Service::Impl::Devices(const json& args) {
  KEEL_TRY_VOID(base::OnlyMembers(args, {}));
  json list = json::array();
  for (const auto& slot : book->All()) {
    const std::lock_guard guard(slot->mutex);
    list.push_back(Summary(
        slot->claim, !slot->claim.device_pairwise.empty() && members->Has(MemberId(slot->claim.device_pairwise))));
  }
  return json{{"devices", std::move(list)}};
}

Result<json> Service::Impl::Why(const json& args) {
  KEEL_TRY(const auto slot, FindDevice(args));
  const std::lock_guard guard(slot->mutex);
  const Claim& claim = slot->claim;
  json out = Summary(claim, !claim.device_pairwise.empty() && members->Has(MemberId(claim.device_pairwise)));
  std::string sentence;
  if (!claim.problem.empty()) {
    sentence = claim.problem;
  } else if (claim.state == ClaimState::kClaimed && claim.published == 0) {
    sentence = "the invitation is not published yet" +
               (book->publish_problem().empty() ? std::string() : ": " + book->publish_problem());
  } else if (claim.state == ClaimState::kClaimed) {
    sentence = slot->sessions.empty() ? "waits: the device has not said hello"
                                      : "the device has said hello and has not proved itself yet";
  } else if (claim.state == ClaimState::kBound) {
    sentence = "accepted; the device has not confirmed its provision yet";
  } else {
    sentence = std::string("is ") + ClaimStateName(claim.state);
  }
  out["why"] = sentence;
  if (!claim.judgement.empty()) {
    KEEL_TRY(out["judgement"], base::ParseJson(claim.judgement));
  }
  if (!claim.facts.empty()) {
    KEEL_TRY(out["facts"], base::ParseJson(claim.facts));
  }
  return out;
}

Result<json> Service::Impl::Revoke(const json& args) {
  KEEL_TRY(const auto slot, FindDevice(args));
  const std::lock_guard guard(slot->mutex);
  Claim& claim = slot->claim;
  KEEL_TRY_VOID(Step(claim, ClaimEvent::kRevoke));
  if (!claim.device_pairwise.empty()) KEEL_TRY_VOID(members->Remove(MemberId(claim.device_pairwise)));
  claim.problem = "revoked by the owner";
  claim.changed = base::NowSeconds();
  KEEL_TRY_VOID(records->SaveClaim(claim));
  base::LogInfo("device.revoked", {{"device", claim.did}, {"serial", claim.serial}});
  return Summary(claim, false);
}

Result<json> Service::Impl::Decide(const json& args) {
  KEEL_TRY(const std::string verdict, base::GetString(args, "verdict"));
  KEEL_TRY(const auto slot, FindDevice(args));
  const std::lock_guard guard(slot->mutex);
  Claim& claim = slot->claim;
  if (verdict != "reset" && verdict != "clone") {
    return Fail(Code::kUsage, "decide",
                "say --reset (the second session is the device) or --clone (neither is to be trusted)");
  }
  if (!Step(claim, verdict == "reset" ? ClaimEvent::kIsReset : ClaimEvent::kIsClone)) {
    return Fail(Code::kWrongState, "decide",
                claim.serial + " is " + ClaimStateName(claim.state) + ", not held: there is nothing to decide");
  }
  if (verdict == "reset") {
    // The second session is the device: forget the first relation. It repeats its proof under the same invitation and
    // is taken in.
    claim.device_pairwise.clear();
    claim.rival_pairwise.clear();
    claim.provision.clear();
    claim.acknowledgement.clear();
    claim.problem.clear();
    claim.published = 0;
  } else {
    claim.problem = "a copy of this device exists: revoked by the owner";
  }
  claim.changed = base::NowSeconds();
  KEEL_TRY_VOID(records->SaveClaim(claim));
  book->Index(slot);
  book->Publish(slot);
  return Summary(claim, false);
}

Result<json> Service::Impl::Order(const json& args) {
  KEEL_TRY(const std::string op, base::GetString(args, "op"));
  KEEL_TRY(const auto slot, FindDevice(args));
  const std::lock_guard guard(slot->mutex);
  Claim& claim = slot->claim;
  if (claim.device_pairwise.empty()) return Fail(Code::kWrongState, "order", claim.serial + " is not onboarded");
  if (claim.state == ClaimState::kReleased)
    return Fail(Code::kWrongState, "order", claim.serial + " was passed on: it is its next owner's to order");
  claim.order = op;  // signed when the device next asks
  KEEL_TRY_VOID(records->SaveClaim(claim));
  return Summary(claim, members->Has(MemberId(claim.device_pairwise)));
}

Result<json> Service::Impl::AddReader(const json& args) {
  KEEL_TRY(const std::string did, base::GetString(args, "did"));
  const auto resolved = resolver.Resolve(did);
  if (!resolved) return std::unexpected<Error>(resolved.error());
  const auto keys_of_reader = resolved->document->All(did::Relationship::kAuthentication);
  if (keys_of_reader.empty()) return Fail(Code::kBadKey, "reader", did + " has no authentication key");
  Members::Reader reader;
  reader.key = keys_of_reader.front()->key;
  reader.subscribe = {"keel/" + members->fleet() + "/#"};
  const UnixSeconds now = base::NowSeconds();
  reader.until = now + kReaderLife;
  const json credential = {
      {"@context", {vc::kContextV2, "https://keel-protocol.org/contexts/v1"}},
      {"id", vc::NewCredentialId()},
      {"type", {"VerifiableCredential", "TelemetryReaderCredential"}},
      {"issuer", identity->did()},
      {"validFrom", base::Rfc3339(now)},
      {"validUntil", base::Rfc3339(reader.until)},
      {"credentialSubject", {{"id", did}, {"fleet", members->fleet()}, {"subscribe", reader.subscribe}}}};
  KEEL_TRY(const std::string jwt,
           vc::IssueCredential(credential, identity->keys(), identity->auth(), identity->auth_kid()));
  reader.credential_sha256 = base::Base64Url(crypto::Sha256::Of(jwt));
  KEEL_TRY_VOID(records->SaveDocument("reader/" + did, base::DumpJson({{"did", did},
                                                                       {"key", base::Multikey(reader.key)},
                                                                       {"credential_sha256", reader.credential_sha256},
                                                                       {"subscribe", reader.subscribe},
                                                                       {"until", reader.until}})));
  KEEL_TRY_VOID(members->PutReader(did, reader));
  return json{{"did", did}, {"credential", jwt}, {"audience", members->audience()}, {"subscribe", reader.subscribe}};
}

Result<json> Service::Impl::RemoveReader(const json& args) {
  KEEL_TRY(const std::string did, base::GetString(args, "did"));
  KEEL_TRY_VOID(members->RemoveReader(did));
  KEEL_TRY_VOID(records->RemoveDocument("reader/" + did));
  return json{{"removed", did}};
}

Result<json> Service::Impl::ImportFirmware(const json& args) {
  KEEL_TRY(const std::string manifest, base::GetString(args, "manifest"));
  KEEL_TRY(const std::string image, base::GetString(args, "image"));
  KEEL_TRY(const std::string envelope, base::ReadFile(manifest, onboarding::kMaxSuitEnvelope));
  KEEL_TRY(const Release release, firmware->Import(AsBytes(envelope), image));
  return json{{"id", release.id}, {"version", release.version}, {"sequence", release.sequence}, {"size", release.size}};
}

std::map<std::string, base::ControlVerb> Service::Verbs() {
  Impl& s = *impl_;
  std::map<std::string, base::ControlVerb> verbs;
  verbs["status"] = [&s](const json&) { return s.Status(); };
  verbs["doctor"] = [&s](const json&) { return s.Doctor(); };
  verbs["claim"] = [&s](const json& args) { return s.ClaimDevices(args); };
  verbs["profile-set"] = [&s](const json& args) { return s.SetProfile(args); };
  verbs["profile-list"] = [&s](const json&) { return s.ListProfiles(); };
  verbs["policy-set"] = [&s](const json& args) { return s.SetPolicy(args); };
  verbs["policy-show"] = [&s](const json&) { return base::ParseJson(s.settings->policy()->ToText()); };
  verbs["broker-set"] = [&s](const json& args) { return s.SetBroker(args); };
  verbs["devices"] = [&s](const json& args) { return s.Devices(args); };
  verbs["why"] = [&s](const json& args) { return s.Why(args); };
  verbs["revoke"] = [&s](const json& args) { return s.Revoke(args); };
  verbs["decide"] = [&s](const json& args) { return s.Decide(args); };
  verbs["order"] = [&s](const json& args) { return s.Order(args); };
  verbs["reader-add"] = [&s](const json& args) { return s.AddReader(args); };
  verbs["reader-remove"] = [&s](const json& args) { return s.RemoveReader(args); };
  verbs["firmware-import"] = [&s](const json& args) { return s.ImportFirmware(args); };
  verbs["ownership"] = [&s](const json& args) -> Result<json> {
    KEEL_TRY(json answer, custody::RunOwnershipVerb(*s.custody_context, args));
    // What was sold is sold, whatever becomes of this: it is tried again at the next such verb and at the next start.
    const auto verb = base::GetString(args, "verb");
    if (verb && (*verb == "transfer" || *verb == "anchor")) {
      const auto released = s.ReleaseGiven();
      if (!released) base::LogError("device.release_failed", {{"why", released.error().Text()}});
    }
    return answer;
  };
  return verbs;
}

}  // namespace keel::verifier
