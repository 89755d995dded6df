// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <list>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <shared_mutex>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "core/seams.h"
#include "registry-client/registry_client.h"
#include "verifier/records.h"
#include "verifier/session_keys.h"

namespace keel::verifier {

// An M2 that was sent: M3 must answer one of the last two.
struct OwnerProof {
  std::string plaintext;                    // of M2
  Bytes32 th2{};                            // transcript after it
  std::string nonce;                        // N_V, base64url
  std::shared_ptr<const std::string> pack;  // sealed octets
  UnixSeconds pack_time = 0;
};

// A device's attempt from M1 on, before it has proved itself. At most kMaxUnprovenSessions a claim; the oldest goes
// first.
struct Session {
  std::string device_pairwise;  // P_D
  std::string thread;           // thid
  Bytes32 hello_hash{};         // H(plaintext of M1)
  Bytes32 th1{};
  std::list<OwnerProof> proofs;  // oldest first
};

// A session as it is kept beside the records, so that a verifier that was killed goes on where it stood.
std::string EncodeSession(const Session& session, const std::string& device);
// kCorrupt. `device`: whose claim it belongs to.
Result<Session> DecodeSession(std::string_view octets, std::string& device);

// The suite's agreement keys that the claim's device has: X25519 or P-256, as its rendezvous key is. kBadKey,
// kMalformed.
Result<crypto::KeyType> AgreementTypeOf(const Claim& claim);

// A claim in memory. Whoever reads or changes it holds `mutex`.
struct ClaimSlot {
  std::mutex mutex;
  Claim claim;
  std::list<Session> sessions;  // oldest first
};

// All claims of this verifier, in memory and in the records, found by device DID and by our pairwise DIDs. Thread-safe.
class ClaimBook {
 public:
  // url: what invitations name, e.g. "http://127.0.0.1:8443".
  struct Parts {
    Records& records;
    SessionKeys& keys;
    registry_client::RegistryClient& registry;
    Clock& clock;
    Random& random;
    std::string url;
  };
  explicit ClaimBook(Parts parts);
  ~ClaimBook();

  // Reads the records. Invitations that name another URL than ours are made anew. Then starts publishing.
  Result<> Load();

  std::shared_ptr<ClaimSlot> FindDevice(const std::string& did) const;
  std::shared_ptr<ClaimSlot> FindPairwise(const std::string& our_pairwise) const;
  // Whose session has this thread id; null when none that is in memory.
  std::shared_ptr<ClaimSlot> FindThread(const std::string& thread) const;
  // By the DID that a device speaks to us with; its claim may be bound to another one by now.
  std::shared_ptr<ClaimSlot> FindDevicePairwise(const std::string& device_pairwise) const;
  // Sorted by DID.
  std::vector<std::shared_ptr<ClaimSlot>> All() const;

  // New claims, durable when it returns, and handed to the publisher. A device that is claimed already is kConflict.
  Result<> Add(std::vector<Claim> claims);
  // Makes a new invitation (id, P_V, expiry) in the claim; the caller holds the slot's mutex and saves.
  Result<> Invite(Claim& claim);
  // Makes pairwise DIDs of a changed claim findable. The caller holds the slot's mutex.
  void Index(const std::shared_ptr<ClaimSlot>& slot);
  // Likewise for the sessions' thread ids, and undone. Drop does nothing when the thread is another claim's.
  void IndexThread(const std::string& thread, const std::shared_ptr<ClaimSlot>& slot);
  void DropThread(const std::string& thread, const ClaimSlot& slot);
  // Tells the publisher that this claim wants publishing.
  void Publish(const std::shared_ptr<ClaimSlot>& slot);
  // How many claims wait to be published, and the last reason why one could not be.
  size_t unpublished() const { return unpublished_.load(); }
  std::string publish_problem() const;

 private:
  void RunPublisher();
  // Publishes up to kPublishAtOnce claims with one call.
  Result<> PublishSome(std::span<const std::shared_ptr<ClaimSlot>> slots);

  Parts parts_;
  mutable std::shared_mutex mutex_;
  std::map<std::string, std::shared_ptr<ClaimSlot>> by_device_;
  std::map<std::string, std::shared_ptr<ClaimSlot>> by_pairwise_;
  std::map<std::string, std::shared_ptr<ClaimSlot>> by_thread_;
  std::map<std::string, std::shared_ptr<ClaimSlot>> by_device_pairwise_;

  mutable std::mutex publish_mutex_;
  std::condition_variable wake_;
  bool stop_ = false;
  std::set<std::shared_ptr<ClaimSlot>> wanted_;  // told by Publish(slot); the rest is looked through now and then
  std::string problem_;
  std::atomic<size_t> unpublished_{0};
  std::vector<std::thread> publishers_;
};

}  // namespace keel::verifier
