// SPDX-License-Identifier: Apache-2.0
#include "broker-plugin/access.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "did/jose.h"
#include "onboarding/limits.h"
#include "onboarding/token.h"

namespace keel::broker {

using nlohmann::json;

namespace {

constexpr size_t kMaxMembersFile = 256 << 20;
constexpr uint64_t kMaxPresentationLife = 300;
constexpr size_t kMaxPresentation = 16 << 10;

Result<crypto::PublicKey> KeyOf(const json& entry) {
  KEEL_TRY(const std::string text, base::GetString(entry, "key"));
  return crypto::PublicKey::FromMultikey(text);
}

// The next level of a topic, taken off its front.
std::string_view NextLevel(std::string_view& rest, bool& more) {
  const size_t slash = rest.find('/');
  const std::string_view level = rest.substr(0, slash);
  more = slash != std::string_view::npos;
  rest = more ? rest.substr(slash + 1) : std::string_view{};
  return level;
}

}  // namespace

bool Covers(std::string_view grant, std::string_view filter) {
  if (grant.empty() || filter.empty()) return false;
  // Topics of the broker's own ($SYS) are matched by no wildcard in the first level.
  if (filter.front() == '$' && grant.front() != '$') return false;
  bool more_grant = true;
  bool more_filter = true;
  for (;;) {
    const std::string_view have = NextLevel(grant, more_grant);
    const std::string_view want = NextLevel(filter, more_filter);
    if (have == "#") return true;
    if (want == "#") return false;
    if (have != "+" && have != want) return false;
    // "a/#" covers "a" itself.
    if (!more_filter) return !more_grant || grant == "#";
    if (!more_grant) return false;
  }
}

Result<MembersFile> MembersFile::Parse(std::string_view text) {
  KEEL_TRY(const json value,
           base::ParseJson(text, {.max_size = kMaxMembersFile, .max_depth = 8, .max_members = 8'000'000}));
  MembersFile file;
  KEEL_TRY(const uint64_t version, base::GetUint(value, "v"));
  if (version != 1) return Fail(Code::kUnknownVersion, "members file");
  KEEL_TRY(file.owner, base::GetString(value, "owner"));
  KEEL_TRY(file.fleet, base::GetString(value, "fleet"));
  KEEL_TRY(file.audience, base::GetString(value, "audience"));
  KEEL_TRY(const std::string owner_key, base::GetString(value, "owner_key"));
  KEEL_TRY(file.owner_key, crypto::PublicKey::FromMultikey(owner_key));
  KEEL_TRY(const json* members, base::GetObject(value, "members"));
  for (const auto& [id, entry] : members->items()) {
    Member member;
    KEEL_TRY(member.key, KeyOf(entry));
    KEEL_TRY(member.did, base::GetString(entry, "did"));
    KEEL_TRY(member.publish, base::GetStrings(entry, "publish"));
    KEEL_TRY(member.until, base::GetUint(entry, "until"));
    file.members.emplace(id, std::move(member));
  }
  KEEL_TRY(const json* readers, base::GetObject(value, "readers"));
  for (const auto& [did, entry] : readers->items()) {
    Reader reader;
    KEEL_TRY(reader.key, KeyOf(entry));
    KEEL_TRY(reader.credential_sha256, base::GetString(entry, "credential_sha256"));
    KEEL_TRY(reader.subscribe, base::GetStrings(entry, "subscribe"));
    KEEL_TRY(reader.until, base::GetUint(entry, "until"));
    file.readers.emplace(did, std::move(reader));
  }
  return file;
}

Result<std::shared_ptr<const MembersFile>> Access::Current() {
  const std::lock_guard lock(mutex_);
  struct stat info = {};
  if (::stat(path_.c_str(), &info) != 0) {
    file_.reset();
    return Fail(Code::kUnavailable, "members file", path_ + ": " + std::strerror(errno));
  }
  const Stamp stamp{info.st_ino, static_cast<uint64_t>(info.st_size), info.st_mtim.tv_sec, info.st_mtim.tv_nsec};
  if (file_ != nullptr && stamp == stamp_) return file_;
  file_.reset();
  KEEL_TRY(const std::string text, base::ReadFile(path_, kMaxMembersFile));
  KEEL_TRY(MembersFile parsed, MembersFile::Parse(text));
  file_ = std::make_shared<const MembersFile>(std::move(parsed));
  stamp_ = stamp;
  return file_;
}

Result<> Access::CheckMember(const MembersFile& file, const Member& member, std::string_view token, UnixSeconds now) {
  if (now >= member.until) return Fail(Code::kExpired, "member", "its FleetCredential has expired");
  ByteArray<onboarding::kTokenScratch> scratch{};
  KEEL_TRY(const onboarding::Token parsed, onboarding::ParseToken(token, scratch));
  if (parsed.iss != member.did) return Fail(Code::kWrongSender, "token", "of another device than the user name says");
  return onboarding::VerifyToken(parsed, member.key, file.audience, now);
}

Result<> Access::CheckReader(const MembersFile& file, std::string_view did, const Reader& reader,
                             std::string_view presentation, UnixSeconds now) {
  if (presentation.size() > kMaxPresentation) return Fail(Code::kTooLarge, "presentation");
  if (now >= reader.until) return Fail(Code::kExpired, "reader", "its credential has expired");
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(presentation));
  if (jws.typ != "vp+jwt") return Fail(Code::kMalformed, "presentation", "typ is not vp+jwt");
  KEEL_TRY(const bool held, did::VerifyJws(jws, reader.key));
  if (!held) return Fail(Code::kBadSignature, "presentation", "not signed by the reader's key");
  KEEL_TRY(const json claims, base::ParseJson(jws.payload));
  KEEL_TRY(const std::string issuer, base::GetString(claims, "iss"));
  KEEL_TRY(const std::string audience, base::GetString(claims, "aud"));
  KEEL_TRY(const uint64_t issued, base::GetUint(claims, "iat"));
  KEEL_TRY(const uint64_t expires, base::GetUint(claims, "exp"));
  if (issuer != did) return Fail(Code::kWrongSender, "presentation");
  if (audience != file.audience) return Fail(Code::kWrongAudience, "presentation");
  if (expires < issued || expires - issued > kMaxPresentationLife)
    return Fail(Code::kOutOfRange, "presentation", "lives longer than 300 s");
  if (!NotBeforeOk(issued, now)) return Fail(Code::kNotYetValid, "presentation");
  if (!NotAfterOk(expires, now)) return Fail(Code::kExpired, "presentation");
  KEEL_TRY(const std::string credential, base::GetString(claims, "credential"));
  if (base::Base64Url(crypto::Sha256::Of(credential)) != reader.credential_sha256) {
    return Fail(Code::kUntrusted, "presentation", "not the credential that the owner granted, or it was taken back");
  }
  KEEL_TRY(const did::Jws granted, did::Jws::Parse(credential));
  KEEL_TRY(const bool by_owner, did::VerifyJws(granted, file.owner_key));
  if (!by_owner) return Fail(Code::kBadSignature, "credential", "not signed by the owner");
  return {};
}

Result<> Access::Authenticate(std::string_view username, std::string_view password, UnixSeconds now) {
  KEEL_TRY(const auto file, Current());
  if (const auto member = file->members.find(std::string(username)); member != file->members.end()) {
    return CheckMember(*file, member->second, password, now);
  }
  if (const auto reader = file->readers.find(std::string(username)); reader != file->readers.end()) {
    return CheckReader(*file, reader->first, reader->second, password, now);
  }
  return Fail(Code::kUntrusted, "broker", "is neither a member nor a reader");
}

Result<> Access::Authorize(std::string_view username, Action action, std::string_view topic, UnixSeconds now) {
  KEEL_TRY(const auto file, Current());
  const auto covered = [&](const std::vector<std::string>& grants) {
    return std::any_of(grants.begin(), grants.end(), [&](const std::string& grant) { return Covers(grant, topic); });
  };
  if (const auto member = file->members.find(std::string(username)); member != file->members.end()) {
    if (now >= member->second.until) return Fail(Code::kExpired, "broker", "the member's FleetCredential has expired");
    // A member writes below its own prefix, and reads what is written to it there.
    if (covered(member->second.publish)) return {};
    return Fail(Code::kUntrusted, "broker", "a member may use its own topics only");
  }
  if (const auto reader = file->readers.find(std::string(username)); reader != file->readers.end()) {
    if (now >= reader->second.until) return Fail(Code::kExpired, "broker", "the reader's credential has expired");
    if (action == Action::kPublish) return Fail(Code::kUntrusted, "broker", "a reader may not publish");
    if (covered(reader->second.subscribe)) return {};
    return Fail(Code::kUntrusted, "broker", "not among the topics that were granted");
  }
  return Fail(Code::kRevoked, "broker", "is no member or reader any more");
}

}  // namespace keel::broker
