// SPDX-License-Identifier: Apache-2.0
#include "verifier/members.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"

namespace keel::verifier {

using nlohmann::json;

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

Members::~Members() {
  if (fd_ >= 0) ::close(fd_);
}

namespace {

std::string Line(const json& value) { return base::DumpJson(value) + "\n"; }
std::string LineOf(const std::string& id, const std::string& topic, const Members::Member& member) {
  return Line({{"member", id},
               {"key", base::Multikey(member.key)},
               {"did", member.device_pairwise},
               {"publish", {topic + "/#"}},
               {"until", member.until}});
}
std::string LineOf(const std::string& did, const Members::Reader& reader) {
  return Line({{"reader", did},
               {"key", base::Multikey(reader.key)},
               {"credential_sha256", reader.credential_sha256},
               {"subscribe", reader.subscribe},
               {"until", reader.until}});
}

// A file with fewer lines than this is never worth writing anew.
constexpr size_t kSpareLines = 1024;
constexpr uint64_t kExtendStep = 7ull * 24 * 3600;

}  // namespace

std::string Members::Text() const {
  std::string text = Line({{"v", 2},
                           {"owner", owner_},
                           {"owner_key", base::Multikey(owner_key_)},
                           {"fleet", fleet_},
                           {"audience", audience_}});
  for (const auto& [id, member] : members_) text += LineOf(id, TopicOf(id), member);
  for (const auto& [did, reader] : readers_) text += LineOf(did, reader);
  return text;
}

Result<> Members::Append(const std::string& lines, Durable durable) {
  std::string_view rest = lines;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd_, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Fail(errno == ENOSPC ? Code::kNoSpace : Code::kIo, "members file", path_ + ": " + std::strerror(errno));
    rest.remove_prefix(static_cast<size_t>(n));
  }
  if (durable == Durable::kSynced && ::fdatasync(fd_) != 0)
    return Fail(Code::kIo, "members file", path_ + ": " + std::strerror(errno));
  return {};
}

Result<> Members::Replace(const std::string& text) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
  KEEL_TRY_VOID(base::WriteFileAtomic(path_, text, 0640));
  fd_ = ::open(path_.c_str(), O_WRONLY | O_APPEND | O_CLOEXEC);
  if (fd_ < 0) return Fail(Code::kIo, "members file", path_ + ": " + std::strerror(errno));
  return {};
}

Result<> Members::Write(std::unique_lock<std::mutex>& lock, const std::string& line, Durable durable) {
  const uint64_t wanted = ++version_;
  pending_ += line;
  if (line.empty()) replace_ = true;
  wanted_ = std::max(wanted_, durable);
  lock.unlock();
  const std::lock_guard writing(writing_);
  lock.lock();
  if (written_ >= wanted) return {};  // another writer's write had our change in it
  const uint64_t version = version_;
  const std::string lines = std::exchange(pending_, {});
  const Durable most = std::exchange(wanted_, Durable::kLater);
  const size_t added = static_cast<size_t>(std::count(lines.begin(), lines.end(), '\n'));
  const size_t live = 1 + members_.size() + readers_.size();
  const bool replace = replace_ || lines_ + added > 2 * live + kSpareLines;
  const std::string text = replace ? Text() : std::string();
  lock.unlock();
  const Result<> done = replace ? Replace(text) : Append(lines, most);
  lock.lock();
  // After a failure nobody knows what is in the file: the next write makes it anew, from memory.
  replace_ = !done;
  KEEL_TRY_VOID(done);
  lines_ = replace ? live : lines_ + added;
  written_ = version;
  return {};
}

Result<> Members::Reset(std::map<std::string, Member> members, std::map<std::string, Reader> readers) {
  std::unique_lock lock(mutex_);
  members_ = std::move(members);
  readers_ = std::move(readers);
  return Write(lock, {}, Durable::kSynced);
}

Result<> Members::Put(const std::string& member_id, Member member) {
  std::unique_lock lock(mutex_);
  const std::string line = LineOf(member_id, TopicOf(member_id), member);
  members_[member_id] = std::move(member);
  return Write(lock, line, Durable::kLater);
}

Result<> Members::Extend(const std::string& member_id, UnixSeconds until) {
  std::unique_lock lock(mutex_);
  const auto member = members_.find(member_id);
  if (member == members_.end() || until <= member->second.until + kExtendStep) return {};
  member->second.until = until;
  return Write(lock, LineOf(member_id, TopicOf(member_id), member->second), Durable::kLater);
}

Result<> Members::Remove(const std::string& member_id) {
  std::unique_lock lock(mutex_);
  if (members_.erase(member_id) == 0) return {};
  return Write(lock, Line({{"gone", member_id}}), Durable::kSynced);
}

Result<> Members::PutReader(const std::string& did, Reader reader) {
  std::unique_lock lock(mutex_);
  const std::string line = LineOf(did, reader);
  readers_[did] = std::move(reader);
  return Write(lock, line, Durable::kSynced);
}

Result<> Members::RemoveReader(const std::string& did) {
  std::unique_lock lock(mutex_);
  if (readers_.erase(did) == 0) return {};
  return Write(lock, Line({{"gone", did}}), Durable::kSynced);
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
