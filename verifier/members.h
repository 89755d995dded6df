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

// The broker's view of the fleet: who may publish and who may read (docs/formats/members-file.md). A change is a line
// at the end of the file, written before it is acknowledged to anybody, so that a revoked device is out at its next
// publish; who is taken out is out durably. The file is written anew as a whole at the start and when most of its lines
// count no more. Thread-safe.
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

  // path: DIR/members.jsonl. owner_key: O's assertion key, by which readers' credentials are checked.
  Members(std::string path, std::string owner, crypto::PublicKey owner_key);
  ~Members();
  Members(const Members&) = delete;
  Members& operator=(const Members&) = delete;

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
  // Adds the line, or with an empty one replaces the file. Writers that come while a write is under way share the next
  // one. kSynced: durable when it returns. A member that a power cut takes away is put in again when the verifier
  // starts, from its claim.
  enum class Durable : uint8_t { kLater, kSynced };
  Result<> Write(std::unique_lock<std::mutex>& lock, const std::string& line, Durable durable);
  Result<> Append(const std::string& lines, Durable durable);
  Result<> Replace(const std::string& text);
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
  std::string pending_;   // lines that no write has taken yet
  Durable wanted_ = Durable::kLater;
  size_t lines_ = 0;     // in the file
  bool replace_ = true;  // the next write makes the file anew: it was never written here, or a write failed half-way
  int fd_ = -1;          // for appending; used under writing_ only
};

}  // namespace keel::verifier
