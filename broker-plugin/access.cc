// SPDX-License-Identifier: Apache-2.0
#include "broker-plugin/access.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "did/jose.h"
#include "onboarding/limits.h"
#include "onboarding/token.h"

namespace keel::broker {

using nlohmann::json;

namespace {

constexpr size_t kMaxMembersFile = 256 << 20;
constexpr size_t kMaxLine = 64 << 10;
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

Result<MembersFile> MembersFile::Parse(std::string_view lines) {
  const size_t end = lines.find('\n');
  if (end == std::string_view::npos) return Fail(Code::kMalformed, "members file", "no first line");
  KEEL_TRY(const json head, base::ParseJson(lines.substr(0, end), {.max_size = kMaxLine, .max_depth = 8}));
  MembersFile file;
  KEEL_TRY(const uint64_t version, base::GetUint(head, "v"));
  if (version != 2) return Fail(Code::kUnknownVersion, "members file");
  KEEL_TRY(file.owner, base::GetString(head, "owner"));
  KEEL_TRY(file.fleet, base::GetString(head, "fleet"));
  KEEL_TRY(file.audience, base::GetString(head, "audience"));
  KEEL_TRY(const std::string owner_key, base::GetString(head, "owner_key"));
  KEEL_TRY(file.owner_key, crypto::PublicKey::FromMultikey(owner_key));
  KEEL_TRY_VOID(file.Add(lines.substr(end + 1)));
  return file;
}

Result<> MembersFile::Add(std::string_view lines) {
  while (!lines.empty()) {
    const size_t end = lines.find('\n');
    if (end == std::string_view::npos) return Fail(Code::kMalformed, "members file", "a line without its end");
    KEEL_TRY(const json entry, base::ParseJson(lines.substr(0, end), {.max_size = kMaxLine, .max_depth = 8}));
    lines.remove_prefix(end + 1);
    KEEL_TRY(const auto member_id, base::GetOptionalString(entry, "member"));
    KEEL_TRY(const auto reader_did, base::GetOptionalString(entry, "reader"));
    KEEL_TRY(const auto gone, base::GetOptionalString(entry, "gone"));
    if ((member_id ? 1 : 0) + (reader_did ? 1 : 0) + (gone ? 1 : 0) != 1)
      return Fail(Code::kMalformed, "members file", "a line that is neither member nor reader nor gone");
    if (gone) {
      members.erase(*gone);
      readers.erase(*gone);
    } else if (member_id) {
      Member member;
      KEEL_TRY(member.key, KeyOf(entry));
      KEEL_TRY(member.did, base::GetString(entry, "did"));
      KEEL_TRY(member.publish, base::GetStrings(entry, "publish"));
      KEEL_TRY(member.until, base::GetUint(entry, "until"));
      members[*member_id] = std::move(member);
    } else {
      Reader reader;
      KEEL_TRY(reader.key, KeyOf(entry));
      KEEL_TRY(reader.credential_sha256, base::GetString(entry, "credential_sha256"));
      KEEL_TRY(reader.subscribe, base::GetStrings(entry, "subscribe"));
      KEEL_TRY(reader.until, base::GetUint(entry, "until"));
      readers[*reader_did] = std::move(reader);
    }
  }
  return {};
}

Access::~Access() {
  if (fd_ >= 0) ::close(fd_);
}

Result<> Access::Refresh() {
  // Whatever goes wrong, nobody is let in by what was known before: the next decision reads the file anew.
  const auto fail = [this](Code code, const std::string& why) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = -1;
    file_ = {};
    return Fail(code, "members file", path_ + ": " + why);
  };
  struct stat info = {};
  if (::stat(path_.c_str(), &info) != 0) return fail(Code::kUnavailable, std::strerror(errno));
  bool known = fd_ >= 0 && info.st_dev == device_ && info.st_ino == inode_;
  if (known && static_cast<uint64_t>(info.st_size) < taken_) known = false;
  if (known && static_cast<uint64_t>(info.st_size) == seen_) return {};
  if (!known) {
    if (fd_ >= 0) ::close(fd_);
    fd_ = ::open(path_.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd_ < 0 || ::fstat(fd_, &info) != 0) return fail(Code::kUnavailable, std::strerror(errno));
    device_ = info.st_dev;
    inode_ = info.st_ino;
    taken_ = 0;
    file_ = {};
  }
  const auto size = static_cast<uint64_t>(info.st_size);
  if (size > kMaxMembersFile) return fail(Code::kTooLarge, "over 256 MiB");
  std::string added(size - taken_, '\0');
  size_t got = 0;
  while (got < added.size()) {
    const ssize_t n = ::pread(fd_, added.data() + got, added.size() - got, static_cast<off_t>(taken_ + got));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return fail(Code::kIo, "cut off while it was read");
    got += static_cast<size_t>(n);
  }
  // A last line that isn't whole is being written, or was when the power went: nobody has been told of it.
  const size_t end = added.rfind('\n');
  added.resize(end == std::string::npos ? 0 : end + 1);
  if (taken_ == 0) {
    auto parsed = MembersFile::Parse(added);
    if (!parsed) return fail(parsed.error().code, parsed.error().Text());
    file_ = std::move(*parsed);
  } else if (auto more = file_.Add(added); !more) {
    return fail(more.error().code, more.error().Text());
  }
  taken_ += added.size();
  seen_ = size;
  return {};
}

Result<> Access::CheckMember(const std::string& audience, const Member& member, std::string_view token,
                             UnixSeconds now) {
  if (now >= member.until) return Fail(Code::kExpired, "member", "its FleetCredential has expired");
  ByteArray<onboarding::kTokenScratch> scratch{};
  KEEL_TRY(const onboarding::Token parsed, onboarding::ParseToken(token, scratch));
  if (parsed.iss != member.did) return Fail(Code::kWrongSender, "token", "of another device than the user name says");
  return onboarding::VerifyToken(parsed, member.key, audience, now);
}

Result<> Access::CheckReader(const Owner& owner, std::string_view did, const Reader& reader,
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
  if (audience != owner.audience) return Fail(Code::kWrongAudience, "presentation");
  if (expires < issued || expires - issued > kMaxPresentationLife)
    return Fail(Code::kOutOfRange, "presentation", "lives longer than 300 s");
  if (!NotBeforeOk(issued, now)) return Fail(Code::kNotYetValid, "presentation");
  if (!NotAfterOk(expires, now)) return Fail(Code::kExpired, "presentation");
  KEEL_TRY(const std::string credential, base::GetString(claims, "credential"));
  if (base::Base64Url(crypto::Sha256::Of(credential)) != reader.credential_sha256) {
    return Fail(Code::kUntrusted, "presentation", "not the credential that the owner granted, or it was taken back");
  }
  KEEL_TRY(const did::Jws granted, did::Jws::Parse(credential));
  KEEL_TRY(const bool by_owner, did::VerifyJws(granted, owner.key));
  if (!by_owner) return Fail(Code::kBadSignature, "credential", "not signed by the owner");
  return {};
}

Result<> Access::Authenticate(std::string_view username, std::string_view password, UnixSeconds now) {
  const std::string name(username);
  std::optional<Member> member;
  std::optional<Reader> reader;
  Owner owner;
  {
    const std::lock_guard lock(mutex_);
    KEEL_TRY_VOID(Refresh());
    owner = {file_.audience, file_.owner_key};
    if (const auto found = file_.members.find(name); found != file_.members.end()) member = found->second;
    if (const auto found = file_.readers.find(name); found != file_.readers.end()) reader = found->second;
  }
  if (member) return CheckMember(owner.audience, *member, password, now);
  if (reader) return CheckReader(owner, name, *reader, password, now);
  return Fail(Code::kUntrusted, "broker", "is neither a member nor a reader");
}

Result<> Access::Authorize(std::string_view username, Action action, std::string_view topic, UnixSeconds now) {
  const std::lock_guard lock(mutex_);
  KEEL_TRY_VOID(Refresh());
  const auto covered = [&](const std::vector<std::string>& grants) {
    return std::any_of(grants.begin(), grants.end(), [&](const std::string& grant) { return Covers(grant, topic); });
  };
  if (const auto member = file_.members.find(username); member != file_.members.end()) {
    if (now >= member->second.until) return Fail(Code::kExpired, "broker", "the member's FleetCredential has expired");
    // A member writes below its own prefix, and reads what is written to it there.
    if (covered(member->second.publish)) return {};
    return Fail(Code::kUntrusted, "broker", "a member may use its own topics only");
  }
  if (const auto reader = file_.readers.find(username); reader != file_.readers.end()) {
    if (now >= reader->second.until) return Fail(Code::kExpired, "broker", "the reader's credential has expired");
    if (action == Action::kPublish) return Fail(Code::kUntrusted, "broker", "a reader may not publish");
    if (covered(reader->second.subscribe)) return {};
    return Fail(Code::kUntrusted, "broker", "not among the topics that were granted");
  }
  return Fail(Code::kRevoked, "broker", "is no member or reader any more");
}

}  // namespace keel::broker
