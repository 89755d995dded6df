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
// verifier's members file (docs/formats/members-file.md) is the only authority; it is looked at again whenever it has
// changed, before each decision.
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
  std::map<std::string, Member> members;
  std::map<std::string, Reader> readers;

  static Result<MembersFile> Parse(std::string_view text);
};

// True when every topic that `filter` matches is matched by `grant` too (MQTT 3.1.1 section 4.7). A topic name is a
// filter without wildcards.
bool Covers(std::string_view grant, std::string_view filter);

// Thread-safe. Everything fails closed: without a readable members file nobody gets in and nobody goes on.
class Access {
 public:
  explicit Access(std::string members_file) : path_(std::move(members_file)) {}

  // A member's token, or a reader's vp+jwt. The error says why not: for the broker's log, never for the client.
  Result<> Authenticate(std::string_view username, std::string_view password, UnixSeconds now);
  enum class Action : uint8_t { kPublish, kSubscribe, kReceive };
  Result<> Authorize(std::string_view username, Action action, std::string_view topic, UnixSeconds now);

 private:
  Result<std::shared_ptr<const MembersFile>> Current();
  static Result<> CheckMember(const MembersFile& file, const Member& member, std::string_view token, UnixSeconds now);
  static Result<> CheckReader(const MembersFile& file, std::string_view did, const Reader& reader,
                              std::string_view presentation, UnixSeconds now);

  const std::string path_;
  std::mutex mutex_;
  std::shared_ptr<const MembersFile> file_;
  struct Stamp {
    uint64_t inode = 0, size = 0;
    int64_t seconds = 0, nanoseconds = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  } stamp_;
};

}  // namespace keel::broker
