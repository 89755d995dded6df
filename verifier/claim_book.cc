// SPDX-License-Identifier: Apache-2.0
#include "verifier/claim_book.h"

#include <algorithm>
#include <chrono>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "ledger/limits.h"
#include "ledger/rendezvous.h"
#include "onboarding/messages.h"
#include "verifier/record_codec.h"

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
constexpr size_t kPublishAtOnce = registry_client::kMaxRendezvousEntries;

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

namespace {

template <typename Archive, typename Device, typename Kept>
void SessionFields(Archive& archive, Device& device, Kept& session) {
  archive(device);
  archive(session.device_pairwise);
  archive(session.thread);
  archive(session.hello_hash);
  archive(session.th1);
}

template <typename Archive, typename Proof, typename Pack>
void ProofFields(Archive& archive, Proof& proof, Pack& pack) {
  archive(proof.plaintext);
  archive(proof.th2);
  archive(proof.nonce);
  archive(pack);
  archive(proof.pack_time);
}

}  // namespace

std::string EncodeSession(const Session& session, const std::string& device) {
  RecordWriter writer;
  SessionFields(writer, device, session);
  writer.List(session.proofs, [](RecordWriter& to, const OwnerProof& proof) { ProofFields(to, proof, *proof.pack); });
  return writer.Take();
}

Result<Session> DecodeSession(std::string_view octets, std::string& device) {
  RecordReader reader(octets);
  Session session;
  SessionFields(reader, device, session);
  reader.List(session.proofs, [](RecordReader& from, OwnerProof& proof) {
    std::string pack;
    ProofFields(from, proof, pack);
    proof.pack = std::make_shared<const std::string>(std::move(pack));
  });
  KEEL_TRY_VOID(reader.Done("session"));
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
  for (const Claim& claim : changed) KEEL_TRY_VOID(parts_.records.SaveClaim(claim));
  publishers_.emplace_back([this] { RunPublisher(); });
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

std::shared_ptr<ClaimSlot> ClaimBook::FindThread(const std::string& thread) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_thread_.find(thread);
  return found == by_thread_.end() ? nullptr : found->second;
}

std::shared_ptr<ClaimSlot> ClaimBook::FindDevicePairwise(const std::string& device_pairwise) const {
  const std::shared_lock lock(mutex_);
  const auto found = by_device_pairwise_.find(device_pairwise);
  return found == by_device_pairwise_.end() ? nullptr : found->second;
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
  if (!slot->claim.device_pairwise.empty()) by_device_pairwise_[slot->claim.device_pairwise] = slot;
}

void ClaimBook::IndexThread(const std::string& thread, const std::shared_ptr<ClaimSlot>& slot) {
  const std::lock_guard lock(mutex_);
  by_thread_.emplace(thread, slot);  // a thread id that another claim has is not taken from it
}

void ClaimBook::DropThread(const std::string& thread, const ClaimSlot& slot) {
  const std::lock_guard lock(mutex_);
  const auto found = by_thread_.find(thread);
  if (found != by_thread_.end() && found->second.get() == &slot) by_thread_.erase(found);
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
  KEEL_TRY_VOID(parts_.records.AddClaims(claims));
  for (Claim& claim : claims) {
    auto slot = std::make_shared<ClaimSlot>();
    slot->claim = std::move(claim);
    {
      const std::lock_guard lock(mutex_);
      by_device_[slot->claim.did] = slot;
    }
    Index(slot);
    const std::lock_guard lock(publish_mutex_);
    wanted_.insert(slot);
    ++unpublished_;
  }
  wake_.notify_one();
  return {};
}

void ClaimBook::Publish(const std::shared_ptr<ClaimSlot>& slot) {
  {
    const std::lock_guard lock(publish_mutex_);
    if (wanted_.insert(slot).second) ++unpublished_;
  }
  wake_.notify_one();
}

std::string ClaimBook::publish_problem() const {
  const std::lock_guard lock(publish_mutex_);
  return problem_;
}

Result<> ClaimBook::PublishSome(std::span<const std::shared_ptr<ClaimSlot>> slots) {
  std::vector<registry_client::RendezvousEntry> entries;
  std::vector<std::string> invitations;
  for (const auto& slot : slots) {
    const std::lock_guard lock(slot->mutex);
    registry_client::RendezvousEntry& entry = entries.emplace_back();
    const auto rs = SecretBytes<32>::CopyFrom(slot->claim.rendezvous_secret);
    KEEL_TRY(const crypto::PublicKey rp, crypto::PublicKey::FromMultikeyOctets(slot->claim.rendezvous_key));
    entry.index = ledger::RendezvousIndex(rs, parts_.registry.net());
    KEEL_TRY_VOID(
        ledger::SealInvitation(slot->claim.invitation, rs, parts_.registry.net(), rp, parts_.random, entry.value));
    invitations.push_back(slot->claim.invitation);
  }
  KEEL_TRY_VOID(parts_.registry.PublishRendezvous(entries));
  const UnixSeconds now = base::NowSeconds();
  for (size_t i = 0; i < slots.size(); ++i) {
    const std::lock_guard lock(slots[i]->mutex);
    if (slots[i]->claim.invitation != invitations[i]) continue;  // made anew meanwhile: comes again
    slots[i]->claim.published = now;
    KEEL_TRY_VOID(parts_.records.NotePublished(slots[i]->claim));
  }
  return {};
}

void ClaimBook::RunPublisher() {
  base::LogLimiter limiter(6);
  std::set<std::shared_ptr<ClaimSlot>> wanted;
  bool everything = true;  // at the start, and once a minute: renewals and what another node has forgotten
  for (;;) {
    const UnixSeconds now = base::NowSeconds();
    if (everything) {
      for (const auto& slot : All()) wanted.insert(slot);
    }
    std::vector<std::shared_ptr<ClaimSlot>> todo;
    std::vector<std::shared_ptr<ClaimSlot>> renewals;
    for (const auto& slot : wanted) {
      const std::lock_guard lock(slot->mutex);
      if (WantsPublishing(slot->claim, now))
        (slot->claim.state == ClaimState::kClaimed ? todo : renewals).push_back(slot);
    }
    // Those who wait for their first meeting go before renewals.
    todo.insert(todo.end(), renewals.begin(), renewals.end());
    wanted.clear();
    std::string problem;
    size_t done = 0;
    {
      const std::lock_guard lock(publish_mutex_);
      unpublished_ = todo.size() + wanted_.size();
    }
    while (done < todo.size() && problem.empty()) {
      {
        const std::lock_guard lock(publish_mutex_);
        if (stop_) return;
      }
      const auto some = std::span(todo).subspan(done, std::min(kPublishAtOnce, todo.size() - done));
      const auto published = PublishSome(some);
      if (published) {
        done += some.size();
        unpublished_ -= some.size();
      } else {
        problem = published.error().Text();
        limiter.Log(base::LogLevel::kWarn, "rendezvous.publish_failed", {{"problem", problem}});
      }
    }
    wanted.insert(todo.begin() + static_cast<std::ptrdiff_t>(done), todo.end());  // again after a while

    std::unique_lock lock(publish_mutex_);
    problem_ = problem;
    const auto pause = problem.empty() ? std::chrono::seconds(60) : kRetryAfter;
    everything = !wake_.wait_for(lock, pause, [this] { return stop_ || !wanted_.empty(); });
    if (stop_) return;
    wanted.merge(wanted_);
    wanted_.clear();
  }
}

}  // namespace keel::verifier
