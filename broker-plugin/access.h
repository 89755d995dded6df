// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "crypto/keys.h"

// Who may connect to an owner's broker, publish and read: the rules behind the mosquitto plugin, without mosquitto. The
// verifier's members file (docs/formats/members-file.md) is the only authority; it is looked at before each decision,
// and what has been added to it is read.
namespace keel::broker {

struct Member {
  crypto::PublicKey key;
  std::string did;
  std::vector<std::string> publish;  // topic filters
  UnixSeconds until = 0;             // end of its FleetCredential
};
struct Reader {
  crypto::PublicKey key;
  std::string credential_sha256;
  std::vector<std::string> subscribe;
  UnixSeconds until = 0;
};
struct MembersFile {
  std::string owner, fleet, audience;
  crypto::PublicKey owner_key;
  std::map<std::string, Member, std::less<>> members;
  std::map<std::string, Reader, std::less<>> readers;

  // The file's beginning: its first line, then others. kMalformed, kUnknownVersion.
  static Result<MembersFile> Parse(std::string_view lines);
  // What was added: whole lines.
  Result<> Add(std::string_view lines);
};

// True when every topic that `filter` matches is matched by `grant` too (MQTT 3.1.1 section 4.7). A topic name is a
// filter without wildcards.
bool Covers(std::string_view grant, std::string_view filter);

// Thread-safe. Everything fails closed: without a readable members file nobody gets in and nobody goes on.
class Access {
 public:
  explicit Access(std::string members_file) : path_(std::move(members_file)) {}
  ~Access();
  Access(const Access&) = delete;
  Access& operator=(const Access&) = delete;

  // A member's token, or a reader's vp+jwt. The error says why not: for the broker's log, never for the client.
  Result<> Authenticate(std::string_view username, std::string_view password, UnixSeconds now);
  enum class Action : uint8_t { kPublish, kSubscribe, kReceive };
  Result<> Authorize(std::string_view username, Action action, std::string_view topic, UnixSeconds now);

 private:
  // Holds mutex_.
  Result<> Refresh();
  static Result<> CheckMember(const std::string& audience, const Member& member, std::string_view token,
                              UnixSeconds now);
  struct Owner {
    std::string audience;
    crypto::PublicKey key;
  };
  static Result<> CheckReader(const Owner& owner, std::string_view did, const Reader& reader,
                              std::string_view presentation, UnixSeconds now);

  const std::string path_;
  std::mutex mutex_;
  // The file that was read, kept open: as long as it is, no other file can have its inode, and a file that stands under
  // the name with this inode can only have grown.
  int fd_ = -1;
  uint64_t device_ = 0, inode_ = 0;
  uint64_t taken_ = 0;  // octets, up to the end of a line
  uint64_t seen_ = 0;   // the file's size then
  MembersFile file_;
};

}  // namespace keel::broker
