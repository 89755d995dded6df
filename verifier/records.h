// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <future>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/encoding.h"
#include "base/storage/group_committer.h"
#include "base/storage/key_value_store.h"
#include "core/bytes.h"
#include "core/result.h"
#include "core/time.h"
#include "onboarding/verifier_states.h"

// What the verifier keeps: records in LevelDB under a one-letter prefix (docs/formats/verifier-storage.md); every
// change is durable before anybody is told of it.
namespace keel::verifier {

using onboarding::ClaimEvent;
using onboarding::ClaimState;
constexpr uint8_t EndOf(ClaimState) { return 7; }  // how many there are
const char* ClaimStateName(ClaimState state);

// One link of the chain that the verifier shows to the device: octets of the pack's LINK item and the seal it spent.
struct ChainLink {
  base::ByteVec item;    // link record 176 || u16 length || policy || SIGS
  Bytes32 spent_seal{};  // seal_{i-1}
  friend bool operator==(const ChainLink&, const ChainLink&) = default;
};

// A device that the owner holds, from claim to retirement. Kept as three records, so that each step writes only what it
// may change.
struct Claim {
  // Key 'c' || DID: from custody, written when the device is claimed and never again.
  std::string did;
  std::string serial;
  std::string ownership_credential;  // vc+jwt, the last one
  std::string maker;                 // issuer of the HardwareCredential that came with the sale
  std::vector<ChainLink> links;      // from the root seal to our seal
  Bytes32 seal{};                    // our unspent seal

  // Key 'm' || DID: invitation and onboarding, written when they change.
  std::string model;
  Bytes32 rendezvous_secret{};   // RS
  base::ByteVec rendezvous_key;  // RP, Multikey octets
  // The invitation of this claim; made anew after every onboarding.
  std::string invitation;  // octets without padding
  ByteArray<16> invitation_id{};
  std::string invited_as;  // P_V of this invitation
  UnixSeconds invitation_until = 0;
  std::string device_pairwise;      // P_D that the claim is bound to; empty: none
  std::string pairwise;             // P_V that it was bound with
  ByteArray<16> pairwise_id{};      // the invitation id that P_V's key is derived from
  std::string rival_pairwise;       // P_D of the second session of a held claim
  std::string thread;               // thid of that session
  std::string provision;            // plaintext of M4; repeats are these octets
  std::string acknowledgement;      // plaintext of M6
  Bytes32 proof_hash{};             // H(plaintext of M3): its repeats get the same M4
  Bytes32 th4{};                    // transcript after M4
  Bytes32 done_hash{};              // H(plaintext of M5): its repeats get the same M6
  uint32_t base_links = 0;          // links the device has seen (k of its base)
  std::string hardware_credential;  // vc+jwt as the device presented it
  std::string facts;                // JSON the policy judged
  std::string judgement;            // JSON of the last judgement
  ChainLink passed_on;              // released: item of the link that spent our seal, for the device; empty: none

  // Key 'r' || DID: the relation, small, written at every contact.
  ClaimState state = ClaimState::kClaimed;
  UnixSeconds published = 0;  // last time at a node; 0: never
  uint32_t generation = 0;
  Bytes32 contact_secret{};       // the newest that we gave and the device has shown
  Bytes32 next_contact_secret{};  // given, not shown yet
  uint64_t seq_in = 0, seq_out = 0;
  std::string firmware_version;  // last reported
  uint64_t firmware_sequence = 0;
  std::string problem;          // last problem in a sentence; empty: none
  std::string order;            // wipe or retire, until the device has said that it carries it out; empty: none
  std::string provided;         // base64url of the hash of what the profile gave; another one is due for renewal
  UnixSeconds fleet_until = 0;  // end of the FleetCredential
  UnixSeconds changed = 0, seen = 0;

  friend bool operator==(const Claim&, const Claim&) = default;
};

// Takes the claim where onboarding/verifier_states.h says that the event leads; nothing else sets its state.
// kWrongState where the event does not belong; the claim is as before then.
Result<> Step(Claim& claim, ClaimEvent event);

// Thread-safe. Synced writes of all claims share group commits; a call returns when its change is durable.
class Records {
 public:
  explicit Records(base::KeyValueStore& store);

  Result<std::optional<Claim>> FindClaim(const std::string& did) const;
  // All claims, ordered by DID.
  Result<std::vector<Claim>> Claims() const;
  // New claims, whole.
  Result<> AddClaims(const std::vector<Claim>& claims);
  // Invitation, onboarding and relation of a claim that was added. Begin: the same, durable when the future is ready.
  Result<> SaveClaim(const Claim& claim);
  std::future<Result<>> BeginSaveClaim(const Claim& claim);
  // Only the relation: for steps that change nothing else.
  Result<> SaveRelation(const Claim& claim);
  // When its invitation was published: unsynced, since publishing again after a power cut does no harm.
  Result<> NotePublished(const Claim& claim);

  // Small documents by name: policies, profiles, settings, readers. Key: 'd' || name.
  Result<std::optional<std::string>> Document(const std::string& name) const;
  Result<std::map<std::string, std::string>> Documents(const std::string& prefix) const;
  Result<> SaveDocument(const std::string& name, const std::string& text);
  Result<> RemoveDocument(const std::string& name);

  // Session state that may be lost in a power cut without harm (the device begins again), but survives a killed
  // process. Key: 's' || name.
  Result<std::optional<std::string>> Session(const std::string& name) const;
  Result<> SaveSession(const std::string& name, const std::string& text);
  Result<> RemoveSession(const std::string& name);

 private:
  base::KeyValueStore& store_;
  base::GroupCommitter committer_;
};

}  // namespace keel::verifier
