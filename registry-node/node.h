// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "base/storage/key_value_store.h"
#include "core/seams.h"
#include "crypto/key_store.h"
#include "ledger/descriptor.h"
#include "registry-node/high_water.h"
#include "registry-node/log.h"
#include "registry-node/map.h"
#include "registry-node/state.h"

namespace keel::registry {

// One committed state with its checkpoint: what every answer is made of. Immutable; shared by the requests that use it
// (a commit replaces it while they run). Must not outlive the store.
struct View {
  std::shared_ptr<const base::KeyValueReader> snapshot;
  uint64_t size = 0;    // log entries
  uint64_t height = 0;  // commits
  Bytes32 log_root{};
  Bytes32 map_root{};
  UnixSeconds state_time = 0;  // of the state leaf
  uint32_t epoch = 0;
  UnixSeconds time = 0;                                             // of the checkpoint
  std::vector<uint8_t> ckpt;                                        // CKPT body
  std::vector<uint8_t> state;                                       // STATE body
  std::string note;                                                 // the checkpoint as a C2SP signed note
  std::shared_ptr<const std::vector<std::vector<uint8_t>>> epochs;  // EPOCH bundles from 0 on

  StoreReader Reader() const {
    return [this](std::string_view key) { return snapshot->Get(key); };
  }
};

struct NodeOptions {
  std::vector<uint8_t> genesis;       // descriptor octets of epoch 0
  std::vector<uint8_t> genesis_sigs;  // its own roots' SIGS; needed for an empty store only
  std::string high_water_file;
  size_t max_queue_entries = 32'768;  // waiting; more are refused with kBusy
  size_t max_commit_entries = 4096;
  size_t max_commit_octets = 6 << 20;
  uint64_t cosign_interval_ms = 30'000;  // when idle
  base::Sync sync = base::Sync::kYes;    // kNo only in tests that show what sync is for
};

// The `local` engine: one writer thread takes the queued transactions, applies what fits into one commit, writes it
// with one synced write, remembers (size, root) durably, cosigns, shows the new View and only then answers.
// Thread-safe.
class Node {
 public:
  // Opens the ledger in `store` (writes the genesis commit into an empty one). All references outlive the node.
  // kWrongNetwork: the store belongs to another genesis; kNoSuchKey: the member key is in no descriptor; kCorrupt;
  // kNotFound (the high-water file is missing). A member that may not sign (HoldReason) opens all the same.
  static Result<std::unique_ptr<Node>> Open(NodeOptions options, base::KeyValueStore& store, crypto::KeyStore& keys,
                                            crypto::KeyHandle member_key, Clock& clock);
  // Answers what is queued with kClosed and ends the writer.
  ~Node();

  using Done = std::function<void(Result<std::vector<Verdict>>)>;
  // Queues a transaction. `done` is called once, from the writer's thread: verdicts in order when everything
  // acknowledged is durable; an error (kIo, kNoSpace, kUnavailable, kClosed) when it is unknown. kBusy: the queue is
  // full. member_sponsors: this member sponsors by itself.
  Result<> Submit(PreparedTransaction transaction, bool member_sponsors, Done done);
  // Submit and wait.
  Result<std::vector<Verdict>> Apply(PreparedTransaction transaction, bool member_sponsors);

  // The newest state with a checkpoint; null while there is none that may be signed.
  std::shared_ptr<const View> view() const;
  // Why this member signs nothing ("restored from an old backup ..."); empty when it does.
  std::string HoldReason() const;
  // Success when transactions are accepted and checkpoints signed; else why not.
  Result<> Ready() const;

  const ledger::Net& net() const { return net_; }
  const std::string& label() const { return label_; }
  uint8_t member() const { return member_; }
  // Signs as this member (quorum time); thread-safe if the key store is.
  Result<Bytes64> SignAsMember(ByteView message);
  ledger::MemberSet Members() const;
  // A fresh cosignature now instead of after the interval.
  void CosignNow();

  struct Stats {
    uint64_t commits = 0, entries = 0, refused = 0, failed_commits = 0;
    size_t queued = 0;
  };
  Stats stats() const;

 private:
  struct Pending {
    PreparedTransaction transaction;
    bool member_sponsors = false;
    Done done;
  };
  struct Meta {
    uint64_t size = 0, height = 0;
    Bytes32 map_root{}, log_root{};
    UnixSeconds time = 0;
    uint32_t epoch = 0;
  };

  Node(NodeOptions options, base::KeyValueStore& store, crypto::KeyStore& keys, crypto::KeyHandle key, Clock& clock);
  StoreReader StoreNow() const;
  Result<> Load(bool first);
  Result<> CheckHighWater();
  Result<> LoadEpochs(uint32_t newest);
  void Run();
  void Commit(std::vector<Pending> batch);
  Result<> TryCommit(const std::vector<Pending>& batch, std::vector<std::vector<Verdict>>& verdicts);
  Result<> Publish();
  void SetHold(std::string reason);

  NodeOptions options_;
  base::KeyValueStore& store_;
  crypto::KeyStore& keys_;
  crypto::KeyHandle key_;
  crypto::PublicKey public_key_;
  Clock& clock_;
  ledger::Net net_{};
  std::string label_;
  std::atomic<uint8_t> member_ = 0;  // changes with an epoch, read by other threads
  std::string member_id_;

  // The writer's own.
  std::unique_ptr<HighWaterFile> high_water_;
  std::unique_ptr<State> state_;
  std::unique_ptr<MapWriter> map_;
  LogWriter log_;
  Meta meta_;
  bool have_state_ = false;
  bool dirty_ = false;  // a write failed: what the store holds must be read again
  uint64_t last_cosign_ms_ = 0;
  std::shared_ptr<const std::vector<std::vector<uint8_t>>> epochs_;

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::deque<Pending> queue_;
  size_t queued_entries_ = 0;
  bool stop_ = false;
  bool cosign_now_ = false;
  std::string hold_;
  std::string trouble_;  // the last failed commit's reason, until one succeeds
  std::shared_ptr<const View> view_;
  ledger::MemberSet members_;
  Stats stats_;
  std::thread writer_;
};

}  // namespace keel::registry
