// SPDX-License-Identifier: Apache-2.0
#include "verifier/members.h"

#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"

namespace keel::verifier {

using nlohmann::json;

namespace {
constexpr uint64_t kExtendStep = 7ull * 24 * 3600;
}  // namespace

std::string FleetId(const std::string& owner_did) {
  return base::Base64Url(ByteView(crypto::Sha256::Of(owner_did)).first(9));
}

std::string MemberId(const std::string& device_pairwise) {
  return base::Base64Url(ByteView(crypto::Sha256::Of(device_pairwise)).first(16));
}

Members::Members(std::string path, std::string owner, crypto::PublicKey owner_key)
    : path_(std::move(path)),
      owner_(std::move(owner)),
      owner_key_(owner_key),
      fleet_(FleetId(owner_)),
      audience_("keel-fleet:" + fleet_) {}

std::string Members::TopicOf(const std::string& member_id) const { return "keel/" + fleet_ + "/" + member_id; }

std::string Members::Text() const {
  json members = json::object();
  for (const auto& [id, member] : members_) {
    members[id] = {{"key", base::Multikey(member.key)},
                   {"did", member.device_pairwise},
                   {"publish", {TopicOf(id) + "/#"}},
                   {"until", member.until}};
  }
  json readers = json::object();
  for (const auto& [did, reader] : readers_) {
    readers[did] = {{"key", base::Multikey(reader.key)},
                    {"credential_sha256", reader.credential_sha256},
                    {"subscribe", reader.subscribe},
                    {"until", reader.until}};
  }
  return base::DumpJson({{"v", 1},
                         {"owner", owner_},
                         {"owner_key", base::Multikey(owner_key_)},
                         {"fleet", fleet_},
                         {"audience", audience_},
                         {"members", std::move(members)},
                         {"readers", std::move(readers)}});
}

Result<> Members::Write(std::unique_lock<std::mutex>& lock) {
  const uint64_t wanted = ++version_;
  lock.unlock();
  const std::lock_guard writing(writing_);
  lock.lock();
  if (written_ >= wanted) return {};  // another writer's file has our change in it
  const uint64_t version = version_;
  const std::string text = Text();
  lock.unlock();
  KEEL_TRY_VOID(base::WriteFileAtomic(path_, text, 0640));
  lock.lock();
  written_ = version;
  return {};
}

Result<> Members::Reset(std::map<std::string, Member> members, std::map<std::string, Reader> readers) {
  std::unique_lock lock(mutex_);
  members_ = std::move(members);
  readers_ = std::move(readers);
  return Write(lock);
}

Result<> Members::Put(const std::string& member_id, Member member) {
  std::unique_lock lock(mutex_);
  members_[member_id] = std::move(member);
  return Write(lock);
}

Result<> Members::Extend(const std::string& member_id, UnixSeconds until) {
  std::unique_lock lock(mutex_);
  const auto member = members_.find(member_id);
  if (member == members_.end() || until <= member->second.until + kExtendStep) return {};
  member->second.until = until;
  return Write(lock);
}

Result<> Members::Remove(const std::string& member_id) {
  std::unique_lock lock(mutex_);
  if (members_.erase(member_id) == 0) return {};
  return Write(lock);
}

Result<> Members::PutReader(const std::string& did, Reader reader) {
  std::unique_lock lock(mutex_);
  readers_[did] = std::move(reader);
  return Write(lock);
}

Result<> Members::RemoveReader(const std::string& did) {
  std::unique_lock lock(mutex_);
  if (readers_.erase(did) == 0) return {};
  return Write(lock);
}

bool Members::Has(const std::string& member_id) const {
  const std::lock_guard lock(mutex_);
  return members_.contains(member_id);
}

size_t Members::size() const {
  const std::lock_guard lock(mutex_);
  return members_.size();
}

}  // namespace keel::verifier
