// SPDX-License-Identifier: Apache-2.0
#include "verifier/claim_book.h"

#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "ledger/limits.h"
#include "ledger/rendezvous.h"
#include "onboarding/messages.h"

namespace keel::verifier {
namespace {

using nlohmann::json;

// An entry lives 30 days at a node; it is renewed well before.
constexpr uint64_t kInvitationLife = 30ull * 24 * 3600;
constexpr uint64_t kRenewAfter = 20ull * 24 * 3600;
// While the device hasn't come, its invitation is put in front again: others may have filled the slots meanwhile, or
// the node has lost it in a power cut.
constexpr uint64_t kInFrontAgainAfter = 15ull * 60;
constexpr auto kRetryAfter = std::chrono::seconds(2);

// Whether the device of this claim may be looking for us.
bool WantsPublishing(const Claim& claim, UnixSeconds now) {
  switch (claim.state) {
    case ClaimState::kClaimed: return claim.published == 0 || claim.published + kInFrontAgainAfter < now;
    case ClaimState::kBound:
    case ClaimState::kOnboarded: return claim.published == 0 || claim.published + kRenewAfter < now;
    case ClaimState::kHeld:
    case ClaimState::kRevoked:
    case ClaimState::kReleased:
    case ClaimState::kRetired: return false;
  }
  return false;
}

}  // namespace

Result<crypto::KeyType> AgreementTypeOf(const Claim& claim) {
  KEEL_TRY(const crypto::PublicKey key, crypto::PublicKey::FromMultikeyOctets(claim.rendezvous_key));
  return key.type();
}

std::string SessionText(const Session& session, const std::string& device) {
  json proofs = json::array();
  for (const OwnerProof& proof : session.proofs) {
    proofs.push_back({{"plaintext", proof.plaintext},
                      {"th2", base::Base64Url(proof.th2)},
                      {"nonce", proof.nonce},
                      {"pack", base::Base64Url(AsBytes(*proof.pack))},
                      {"time", proof.pack_time}});
  }
  return base::DumpJson({{"device", device},
                         {"pairwise", session.device_pairwise},
                         {"thread", session.thread},
                         {"hello", base::Base64Url(session.hello_hash)},
                         {"th1", base::Base64Url(session.th1)},
                         {"proofs", std::move(proofs)}});
}

Result<Session> SessionFromText(const std::string& text, std::string& device) {
  KEEL_TRY(const json value, base::ParseJson(text));
  Session session;
  KEEL_TRY(device, base::GetString(value, "device"));
  KEEL_TRY(session.device_pairwise, base::GetString(value, "pairwise"));
  KEEL_TRY(session.thread, base::GetString(value, "thread"));
  KEEL_TRY(session.hello_hash, base::GetFixed<32>(value, "hello"));
  KEEL_TRY(session.th1, base::GetFixed<32>(value, "th1"));
  KEEL_TRY(const json* proofs, base::GetArray(value, "proofs"));
  for (const json& item : *proofs) {
    OwnerProof proof;
    KEEL_TRY(proof.plaintext, base::GetString(item, "plaintext"));
    KEEL_TRY(proof.th2, base::GetFixed<32>(item, "th2"));
    KEEL_TRY(proof.nonce, base::GetString(item, "nonce"));
    KEEL_TRY(const base::ByteVec pack, base::GetBytes(item, "pack"));
    proof.pack = std::make_shared<const std::string>(base::ToString(pack));
    KEEL_TRY(proof.pack_time, base::GetUint(item, "time"));
    session.proofs.push_back(std::move(proof));
  }
  return session;
}

ClaimBook::ClaimBook(Parts parts) : parts_(std::move(parts)) {}

ClaimBook::~ClaimBook() {
  {
    const std::lock_guard lock(publish_mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  for (std::thread& thread : publishers_) thread.join();
}

Result<> ClaimBook::Invite(Claim& claim) {
  KEEL_TRY_VOID(parts_.random.Fill(claim.invitation_id));
  KEEL_TRY(const crypto::KeyType type, AgreementTypeOf(claim));
  KEEL_TRY(claim.invited_as, parts_.keys.Pairwise(claim.invitation_id, type));
  claim.invitation_until = base::NowSeconds() + kInvitationLife;
  namespace name = onboarding::invitation;
  // Written member by member: the device's codec reads any order, but the octets are hashed and must be ours as sent.
  claim.invitation = base::DumpJson(json{{std::string(name::kV), 1},
                                         {std::string(name::kId), base::Base64Url(claim.invitation_id)},
                                         {std::string(name::kPv), claim.invited_as},
                                         {std::string(name::kUrl), json::array({parts_.url})},
                                         {std::string(name::kExp), claim.invitation_until}});
  if (claim.invitation.size() > ledger::kMaxInvitation) {
    return Fail(Code::kTooLarge, "invitation",
                "the public URL " + parts_.url + " is too long: an invitation has " +
                    std::to_string(ledger::kMaxInvitation) + " octets at most");
  }
  claim.published = 0;
  return {};
}

Result<> ClaimBook::Load() {
  KEEL_TRY(std::vector<Claim> claims, parts_.records.Claims());
  std::vector<Claim> changed;
  for (Claim& claim : claims) {
    KEEL_TRY(const crypto::KeyType type, AgreementTypeOf(claim));
    if (!claim.pairwise.empty()) KEEL_TRY_VOID(parts_.keys.Pairwise(claim.pairwise_id, type));
    const auto invitation = base::ParseJson(claim.invitation);
    if (claim.state == ClaimState::kClaimed) claim.published = 0;  // once at each start, for the same reason
    const bool ours = invitation && invitation->value("url", json::array()) == json::array({parts_.url});
    if (ours) {
      KEEL_TRY_VOID(parts_.keys.Pairwise(claim.invitation_id, type));
    } else {
      KEEL_TRY_VOID(Invite(claim));
      changed.push_back(claim);
    }
    auto slot = std::make_shared<ClaimSlot>();
    slot->claim = std::move(claim);
    {
      const std::lock_guard lock(mutex_);
      by_device_[slot->claim.did] = slot;
    }
    Index(slot);
  }
  if (!changed.empty()) KEEL_TRY_VOID(parts_.records.SaveClaims(changed));
  publishers_.emplace_back([this] { Publish(); });
  Wake();
  return {};
}

std::shared_ptr<ClaimSlot> ClaimBook::FindDevice(const std::string& did) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_device_.find(did);
  return found == by_device_.end() ? nullptr : found->second;
}

std::shared_ptr<ClaimSlot> ClaimBook::FindPairwise(const std::string& our_pairwise) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_pairwise_.find(our_pairwise);
  return found == by_pairwise_.end() ? nullptr : found->second;
}

std::vector<std::shared_ptr<ClaimSlot>> ClaimBook::All() const {
  const std::shared_lock lock(mutex_);
  std::vector<std::shared_ptr<ClaimSlot>> all;
  all.reserve(by_device_.size());
  for (const auto& [did, slot] : by_device_) all.push_back(slot);
  return all;
}

void ClaimBook::Index(const std::shared_ptr<ClaimSlot>& slot) {
  const std::lock_guard lock(mutex_);
  if (!slot->claim.invited_as.empty()) by_pairwise_[slot->claim.invited_as] = slot;
  if (!slot->claim.pairwise.empty()) by_pairwise_[slot->claim.pairwise] = slot;
}

Result<> ClaimBook::Add(std::vector<Claim> claims) {
  for (Claim& claim : claims) {
    const auto known = FindDevice(claim.did);
    if (known != nullptr) {
      const std::lock_guard lock(known->mutex);
      if (known->claim.state != ClaimState::kReleased) {
        return Fail(Code::kConflict, "claim",
                    claim.did + " is claimed already, state " + ClaimStateName(known->claim.state));
      }
    }
    KEEL_TRY_VOID(Invite(claim));
    claim.changed = base::NowSeconds();
  }
  KEEL_TRY_VOID(parts_.records.SaveClaims(claims));
  for (Claim& claim : claims) {
    auto slot = std::make_shared<ClaimSlot>();
    slot->claim = std::move(claim);
    {
      const std::lock_guard lock(mutex_);
      by_device_[slot->claim.did] = slot;
    }
    Index(slot);
  }
  Wake();
  return {};
}

void ClaimBook::Wake() {
  {
    const std::lock_guard lock(publish_mutex_);
    work_ = true;
  }
  wake_.notify_one();
}

std::string ClaimBook::publish_problem() const {
  const std::lock_guard lock(publish_mutex_);
  return problem_;
}

Result<> ClaimBook::PublishOne(ClaimSlot& slot) {
  Bytes32 index{};
  ByteArray<ledger::kRendezvousValue> value{};
  std::string invitation;
  {
    const std::lock_guard lock(slot.mutex);
    const auto rs = SecretBytes<32>::CopyFrom(slot.claim.rendezvous_secret);
    KEEL_TRY(const crypto::PublicKey rp, crypto::PublicKey::FromMultikeyOctets(slot.claim.rendezvous_key));
    invitation = slot.claim.invitation;
    index = ledger::RendezvousIndex(rs, parts_.registry.net());
    KEEL_TRY_VOID(ledger::SealInvitation(invitation, rs, parts_.registry.net(), rp, parts_.random, value));
  }
  KEEL_TRY_VOID(parts_.registry.PublishRendezvous(index, value));
  const std::lock_guard lock(slot.mutex);
  if (slot.claim.invitation != invitation) return {};  // made anew meanwhile: comes again
  slot.claim.published = base::NowSeconds();
  return parts_.records.SaveClaim(slot.claim);
}

void ClaimBook::Publish() {
  base::LogLimiter limiter(6);
  for (;;) {
    {
      std::unique_lock lock(publish_mutex_);
      wake_.wait_for(lock, problem_.empty() ? std::chrono::seconds(60) : kRetryAfter,
                     [this] { return stop_ || work_; });
      if (stop_) return;
      work_ = false;
    }
    std::vector<std::shared_ptr<ClaimSlot>> todo;
    std::vector<std::shared_ptr<ClaimSlot>> renewals;
    const UnixSeconds now = base::NowSeconds();
    for (const auto& slot : All()) {
      const std::lock_guard lock(slot->mutex);
      if (WantsPublishing(slot->claim, now))
        (slot->claim.state == ClaimState::kClaimed ? todo : renewals).push_back(slot);
    }
    // Those who wait for their first meeting go before renewals.
    todo.insert(todo.end(), renewals.begin(), renewals.end());
    unpublished_ = todo.size();
    std::string problem;
    for (const auto& slot : todo) {
      {
        const std::lock_guard lock(publish_mutex_);
        if (stop_) return;
      }
      const auto done = PublishOne(*slot);
      if (!done) {
        problem = done.error().Text();
        limiter.Log(base::LogLevel::kWarn, "rendezvous.publish_failed", {{"problem", problem}});
        break;
      }
      --unpublished_;
    }
    const std::lock_guard lock(publish_mutex_);
    problem_ = problem;
  }
}

}  // namespace keel::verifier
