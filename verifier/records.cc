// SPDX-License-Identifier: Apache-2.0
#include "verifier/records.h"

#include <utility>

#include "verifier/record_codec.h"

namespace keel::verifier {
namespace {

// The fields of the three records of a claim, in the order they are written.
template <typename Archive, typename Record>
void HoldingFields(Archive& archive, Record& claim) {
  archive(claim.did);
  archive(claim.serial);
  archive(claim.ownership_credential);
  archive(claim.maker);
  archive.List(claim.links, [](Archive& a, auto& link) {
    a(link.item);
    a(link.spent_seal);
  });
  archive(claim.seal);
}

template <typename Archive, typename Record>
void MeetingFields(Archive& archive, Record& claim) {
  archive(claim.model);
  archive(claim.rendezvous_secret);
  archive(claim.rendezvous_key);
  archive(claim.invitation);
  archive(claim.invitation_id);
  archive(claim.invited_as);
  archive(claim.invitation_until);
  archive(claim.device_pairwise);
  archive(claim.pairwise);
  archive(claim.pairwise_id);
  archive(claim.rival_pairwise);
  archive(claim.thread);
  archive(claim.provision);
  archive(claim.acknowledgement);
  archive(claim.proof_hash);
  archive(claim.th4);
  archive(claim.done_hash);
  archive(claim.base_links);
  archive(claim.hardware_credential);
  archive(claim.facts);
  archive(claim.judgement);
  archive(claim.passed_on.item);
  archive(claim.passed_on.spent_seal);
}

template <typename Archive, typename Record>
void RelationFields(Archive& archive, Record& claim) {
  archive(claim.state);
  archive(claim.published);
  archive(claim.generation);
  archive(claim.contact_secret);
  archive(claim.next_contact_secret);
  archive(claim.seq_in);
  archive(claim.seq_out);
  archive(claim.firmware_version);
  archive(claim.firmware_sequence);
  archive(claim.problem);
  archive(claim.order);
  archive(claim.provided);
  archive(claim.fleet_until);
  archive(claim.changed);
  archive(claim.seen);
}

std::string HoldingOf(const Claim& claim) {
  RecordWriter writer;
  HoldingFields(writer, claim);
  return writer.Take();
}
std::string MeetingOf(const Claim& claim) {
  RecordWriter writer;
  MeetingFields(writer, claim);
  return writer.Take();
}
std::string RelationOf(const Claim& claim) {
  RecordWriter writer;
  RelationFields(writer, claim);
  return writer.Take();
}

base::WriteBatch ChangesOf(const Claim& claim) {
  base::WriteBatch batch;
  batch.Put("m" + claim.did, MeetingOf(claim));
  batch.Put("r" + claim.did, RelationOf(claim));
  return batch;
}

Result<Claim> ReadClaim(const base::KeyValueStore& store, std::string_view did, std::string_view holding) {
  KEEL_TRY(const auto meeting, store.Get("m" + std::string(did)));
  KEEL_TRY(const auto relation, store.Get("r" + std::string(did)));
  if (!meeting || !relation)
    return Fail(Code::kCorrupt, "claim", std::string(did) + ": one of its three records is missing");
  Claim claim;
  RecordReader first(holding), second(*meeting), third(*relation);
  HoldingFields(first, claim);
  MeetingFields(second, claim);
  RelationFields(third, claim);
  KEEL_TRY_VOID(first.Done("claim, as held"));
  KEEL_TRY_VOID(second.Done("claim, its onboarding"));
  KEEL_TRY_VOID(third.Done("claim, its relation"));
  if (claim.did != did) return Fail(Code::kCorrupt, "claim", "the record under " + std::string(did) + " is another's");
  return claim;
}

}  // namespace

const char* ClaimStateName(ClaimState state) { return onboarding::NameOf(state).data(); }

Result<> Step(Claim& claim, ClaimEvent event) {
  const onboarding::ClaimStep step = onboarding::Next(claim.state, event);
  if (!step.legal) {
    return Fail(Code::kWrongState, "claim",
                claim.serial + " is " + ClaimStateName(claim.state) + ": no '" +
                    std::string(onboarding::NameOf(event)) + "' follows");
  }
  claim.state = step.next;
  return {};
}

Records::Records(base::KeyValueStore& store) : store_(store), committer_(store) {}

Result<std::optional<Claim>> Records::FindClaim(const std::string& did) const {
  KEEL_TRY(const std::optional<std::string> holding, store_.Get("c" + did));
  if (!holding) return std::nullopt;
  KEEL_TRY(Claim claim, ReadClaim(store_, did, *holding));
  return claim;
}

Result<std::vector<Claim>> Records::Claims() const {
  std::vector<Claim> claims;
  Result<> failure;
  KEEL_TRY_VOID(store_.Scan("c", [&](std::string_view key, std::string_view holding) {
    auto claim = ReadClaim(store_, key.substr(1), holding);
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

Result<> Records::AddClaims(const std::vector<Claim>& claims) {
  base::WriteBatch batch;
  for (const Claim& claim : claims) {
    batch.Put("c" + claim.did, HoldingOf(claim));
    batch.Append(ChangesOf(claim));
  }
  return committer_.Commit(std::move(batch));
}

Result<> Records::SaveClaim(const Claim& claim) { return BeginSaveClaim(claim).get(); }

std::future<Result<>> Records::BeginSaveClaim(const Claim& claim) { return committer_.Submit(ChangesOf(claim)); }

Result<> Records::SaveRelation(const Claim& claim) {
  base::WriteBatch batch;
  batch.Put("r" + claim.did, RelationOf(claim));
  return committer_.Commit(std::move(batch));
}

Result<> Records::NotePublished(const Claim& claim) {
  base::WriteBatch batch;
  batch.Put("r" + claim.did, RelationOf(claim));
  return store_.Write(batch, base::Sync::kNo);
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
