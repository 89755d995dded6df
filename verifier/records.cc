// SPDX-License-Identifier: Apache-2.0
#include "verifier/records.h"

#include <array>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

constexpr std::array<std::pair<ClaimState, const char*>, 7> kStates{{
    {ClaimState::kClaimed, "claimed"},
    {ClaimState::kBound, "bound"},
    {ClaimState::kOnboarded, "onboarded"},
    {ClaimState::kHeld, "held"},
    {ClaimState::kRevoked, "revoked"},
    {ClaimState::kReleased, "released"},
    {ClaimState::kRetired, "retired"},
}};

// A claim with its chain and provision: some 30 KiB; a hundred owners: 100 KiB.
constexpr base::JsonLimits kRecordLimits{.max_size = 4 << 20, .max_depth = 32, .max_members = 20'000};

// Reads the members of one record and remembers the first failure.
class Fields {
 public:
  explicit Fields(const json& value) : value_(value) {}

  void Text(const char* name, std::string& out) { Take(base::GetString(value_, name), out); }
  void Octets(const char* name, base::ByteVec& out) { Take(base::GetBytes(value_, name), out); }
  template <size_t N>
  void Fixed(const char* name, ByteArray<N>& out) {
    Take(base::GetFixed<N>(value_, name), out);
  }
  template <typename Number>
  void Uint(const char* name, Number& out) {
    uint64_t number = 0;
    Take(base::GetUint(value_, name), number);
    out = static_cast<Number>(number);
  }
  template <typename T>
  void Take(Result<T> got, T& out) {
    if (!status_) return;
    if (got) {
      out = std::move(*got);
    } else {
      status_ = std::unexpected<Error>(got.error());
    }
  }
  const Result<>& status() const { return status_; }

 private:
  const json& value_;
  Result<> status_;
};

}  // namespace

const char* ClaimStateName(ClaimState state) {
  for (const auto& [value, name] : kStates) {
    if (value == state) return name;
  }
  return "";
}

Result<ClaimState> ClaimStateFromName(std::string_view name) {
  for (const auto& [value, text] : kStates) {
    if (name == text) return value;
  }
  return Fail(Code::kMalformed, "claim state", std::string(name));
}

json Claim::ToJson() const {
  json operation_list = json::array();
  for (const auto& [index, jws] : operations) operation_list.push_back({{"index", index}, {"jws", jws}});
  json link_list = json::array();
  for (const ChainLink& link : links) {
    link_list.push_back({{"item", base::Base64Url(link.item)}, {"spent", base::Base64Url(link.spent_seal)}});
  }
  return {{"v", 1},
          {"did", did},
          {"serial", serial},
          {"model", model},
          {"state", ClaimStateName(state)},
          {"operations", std::move(operation_list)},
          {"ownership", ownership_credential},
          {"maker", maker},
          {"links", std::move(link_list)},
          {"seal", base::Base64Url(seal)},
          {"rs", base::Base64Url(rendezvous_secret)},
          {"rp", base::Base64Url(rendezvous_key)},
          {"invitation", invitation},
          {"invitation_id", base::Base64Url(invitation_id)},
          {"invited_as", invited_as},
          {"published", published},
          {"invitation_until", invitation_until},
          {"device_pairwise", device_pairwise},
          {"pairwise", pairwise},
          {"pairwise_id", base::Base64Url(pairwise_id)},
          {"rival_pairwise", rival_pairwise},
          {"thread", thread},
          {"provision", provision},
          {"acknowledgement", acknowledgement},
          {"proof", base::Base64Url(proof_hash)},
          {"th4", base::Base64Url(th4)},
          {"done", base::Base64Url(done_hash)},
          {"generation", generation},
          {"base_links", base_links},
          {"contact", base::Base64Url(contact_secret)},
          {"next_contact", base::Base64Url(next_contact_secret)},
          {"seq_in", seq_in},
          {"seq_out", seq_out},
          {"hardware", hardware_credential},
          {"facts", facts},
          {"judgement", judgement},
          {"firmware_version", firmware_version},
          {"firmware_sequence", firmware_sequence},
          {"problem", problem},
          {"order", order},
          {"provided", provided},
          {"fleet_until", fleet_until},
          {"changed", changed},
          {"seen", seen}};
}

Result<Claim> Claim::FromJson(const json& value) {
  Claim claim;
  Fields fields(value);
  std::string state;
  fields.Text("did", claim.did);
  fields.Text("serial", claim.serial);
  fields.Text("model", claim.model);
  fields.Text("state", state);
  fields.Text("ownership", claim.ownership_credential);
  fields.Text("maker", claim.maker);
  fields.Fixed("seal", claim.seal);
  fields.Fixed("rs", claim.rendezvous_secret);
  fields.Octets("rp", claim.rendezvous_key);
  fields.Text("invitation", claim.invitation);
  fields.Fixed("invitation_id", claim.invitation_id);
  fields.Text("invited_as", claim.invited_as);
  fields.Uint("published", claim.published);
  fields.Uint("invitation_until", claim.invitation_until);
  fields.Text("device_pairwise", claim.device_pairwise);
  fields.Text("pairwise", claim.pairwise);
  fields.Fixed("pairwise_id", claim.pairwise_id);
  fields.Text("rival_pairwise", claim.rival_pairwise);
  fields.Text("thread", claim.thread);
  fields.Text("provision", claim.provision);
  fields.Text("acknowledgement", claim.acknowledgement);
  fields.Fixed("proof", claim.proof_hash);
  fields.Fixed("th4", claim.th4);
  fields.Fixed("done", claim.done_hash);
  fields.Uint("generation", claim.generation);
  fields.Uint("base_links", claim.base_links);
  fields.Fixed("contact", claim.contact_secret);
  fields.Fixed("next_contact", claim.next_contact_secret);
  fields.Uint("seq_in", claim.seq_in);
  fields.Uint("seq_out", claim.seq_out);
  fields.Text("hardware", claim.hardware_credential);
  fields.Text("facts", claim.facts);
  fields.Text("judgement", claim.judgement);
  fields.Text("firmware_version", claim.firmware_version);
  fields.Uint("firmware_sequence", claim.firmware_sequence);
  fields.Text("problem", claim.problem);
  fields.Text("order", claim.order);
  fields.Text("provided", claim.provided);
  fields.Uint("fleet_until", claim.fleet_until);
  fields.Uint("changed", claim.changed);
  fields.Uint("seen", claim.seen);
  KEEL_TRY_VOID(fields.status());
  KEEL_TRY(claim.state, ClaimStateFromName(state));
  KEEL_TRY(const json* operation_list, base::GetArray(value, "operations"));
  for (const json& item : *operation_list) {
    KEEL_TRY(const uint64_t index, base::GetUint(item, "index"));
    KEEL_TRY(std::string jws, base::GetString(item, "jws"));
    claim.operations.emplace_back(index, std::move(jws));
  }
  KEEL_TRY(const json* link_list, base::GetArray(value, "links"));
  for (const json& item : *link_list) {
    ChainLink link;
    KEEL_TRY(link.item, base::GetBytes(item, "item"));
    KEEL_TRY(link.spent_seal, base::GetFixed<32>(item, "spent"));
    claim.links.push_back(std::move(link));
  }
  return claim;
}

Records::Records(base::KeyValueStore& store) : store_(store), committer_(store) {}

Result<std::optional<Claim>> Records::FindClaim(const std::string& did) const {
  KEEL_TRY(const std::optional<std::string> text, store_.Get("c" + did));
  if (!text) return std::nullopt;
  KEEL_TRY(const json value, base::ParseJson(*text, kRecordLimits));
  KEEL_TRY(Claim claim, Claim::FromJson(value));
  return claim;
}

Result<std::vector<Claim>> Records::Claims() const {
  std::vector<Claim> claims;
  Result<> failure;
  KEEL_TRY_VOID(store_.Scan("c", [&](std::string_view, std::string_view text) {
    const auto value = base::ParseJson(text, kRecordLimits);
    auto claim = value ? Claim::FromJson(*value) : Result<Claim>(std::unexpected<Error>(value.error()));
    if (!claim) {
      failure = std::unexpected<Error>(claim.error());
      return false;
    }
    claims.push_back(std::move(*claim));
    return true;
  }));
  KEEL_TRY_VOID(failure);
  return claims;
}

Result<> Records::SaveClaim(const Claim& claim) {
  base::WriteBatch batch;
  batch.Put("c" + claim.did, base::DumpJson(claim.ToJson()));
  return committer_.Commit(std::move(batch));
}

Result<> Records::SaveClaims(const std::vector<Claim>& claims) {
  base::WriteBatch batch;
  for (const Claim& claim : claims) batch.Put("c" + claim.did, base::DumpJson(claim.ToJson()));
  return committer_.Commit(std::move(batch));
}

Result<std::optional<std::string>> Records::Document(const std::string& name) const { return store_.Get("d" + name); }

Result<std::map<std::string, std::string>> Records::Documents(const std::string& prefix) const {
  std::map<std::string, std::string> documents;
  KEEL_TRY_VOID(store_.Scan("d" + prefix, [&](std::string_view key, std::string_view text) {
    documents.emplace(key.substr(1), text);
    return true;
  }));
  return documents;
}

Result<> Records::SaveDocument(const std::string& name, const std::string& text) {
  base::WriteBatch batch;
  batch.Put("d" + name, text);
  return committer_.Commit(std::move(batch));
}

Result<> Records::RemoveDocument(const std::string& name) {
  base::WriteBatch batch;
  batch.Delete("d" + name);
  return committer_.Commit(std::move(batch));
}

Result<std::optional<std::string>> Records::Session(const std::string& name) const { return store_.Get("s" + name); }

Result<> Records::SaveSession(const std::string& name, const std::string& text) {
  base::WriteBatch batch;
  batch.Put("s" + name, text);
  return store_.Write(batch, base::Sync::kNo);
}

Result<> Records::RemoveSession(const std::string& name) {
  base::WriteBatch batch;
  batch.Delete("s" + name);
  return store_.Write(batch, base::Sync::kNo);
}

}  // namespace keel::verifier
