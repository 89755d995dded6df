// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <mutex>
#include <string>
#include <vector>

#include "core/result.h"
#include "core/time.h"
#include "crypto/keys.h"

namespace keel::verifier {

// Fleet id: base64url of the first 9 octets of SHA-256(owner's DID). Part of topics and of the token's audience; names
// nobody.
std::string FleetId(const std::string& owner_did);
// Member id: base64url of the first 16 octets of SHA-256(P_D): the broker's user name of a device.
std::string MemberId(const std::string& device_pairwise);

// The broker's view of the fleet: who may publish and who may read (docs/formats/members-file.md). The file is replaced
// as a whole at every change, before the change is acknowledged to anybody, so that a revoked device is out at its next
// publish. Thread-safe.
class Members {
 public:
  struct Member {
    crypto::PublicKey key;  // Ed25519, signs the tokens
    std::string device_pairwise;
    UnixSeconds until = 0;  // end of its FleetCredential: from then on the broker refuses it
  };
  struct Reader {
    crypto::PublicKey key;
    std::string credential_sha256;  // base64url
    std::vector<std::string> subscribe;
    UnixSeconds until = 0;
  };

  // path: DIR/members.json. owner_keys: O's assertion key, by which readers' credentials are checked.
  Members(std::string path, std::string owner, crypto::PublicKey owner_key);

  const std::string& fleet() const { return fleet_; }
  const std::string& audience() const { return audience_; }
  // "keel/FLEET/ID": where a member publishes.
  std::string TopicOf(const std::string& member_id) const;

  // Replaces everything (at start-up).
  Result<> Reset(std::map<std::string, Member> members, std::map<std::string, Reader> readers);
  Result<> Put(const std::string& member_id, Member member);
  // A renewed FleetCredential. Written only when it moves the end by more than a week (a renewal comes 30 days before
  // the end), so that a changed profile doesn't rewrite the file once a device. Nothing for who is no member.
  Result<> Extend(const std::string& member_id, UnixSeconds until);
  Result<> Remove(const std::string& member_id);
  Result<> PutReader(const std::string& did, Reader reader);
  Result<> RemoveReader(const std::string& did);
  bool Has(const std::string& member_id) const;
  size_t size() const;

 private:
  // Writers that come while a write is under way share the next one: 500 devices that finish together cost a few
  // writes.
  Result<> Write(std::unique_lock<std::mutex>& lock);
  std::string Text() const;

  const std::string path_;
  const std::string owner_;
  const crypto::PublicKey owner_key_;
  const std::string fleet_;
  const std::string audience_;
  mutable std::mutex mutex_;
  std::mutex writing_;
  std::map<std::string, Member> members_;
  std::map<std::string, Reader> readers_;
  uint64_t version_ = 0;  // of what is in memory
  uint64_t written_ = 0;  // of what is in the file
};

}  // namespace keel::verifier
