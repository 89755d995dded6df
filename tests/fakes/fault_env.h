// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <leveldb/env.h>

#include <atomic>
#include <cstdint>
#include <map>
#include <mutex>
#include <set>
#include <string>

namespace keel::fakes {

// A leveldb::Env that fails on request and forgets, at a power cut, every octet that no Sync covered. Thread-safe.
// Outlives the stores that use it.
//   FaultEnv env; OpenLevelDb(path, {.env = &env}); ... env.CutAfter(17); ... (writes fail from the 17th on); destroy
//   the store; env.LoseUnsynced(seed); open again.
class FaultEnv final : public leveldb::EnvWrapper {
 public:
  enum class Fault { kNone, kIo, kNoSpace };

  FaultEnv() : EnvWrapper(leveldb::Env::Default()) {}

  // From now on writing operations (append, sync, create, rename) fail with this.
  void Fail(Fault fault) { fault_ = fault; }
  // The power goes at the n-th writing operation from now (0: at once): it and all later ones fail until Restore.
  void CutAfter(uint64_t operations) {
    operations_ = 0;
    cut_at_ = operations;
  }
  void Restore() {
    fault_ = Fault::kNone;
    cut_at_ = UINT64_MAX;
  }
  uint64_t operations() const { return operations_; }
  bool cut() const { return operations_ > cut_at_; }
  // Syncs say that they worked and did nothing: what a store does that forgets to sync.
  void IgnoreSync(bool ignore) { ignore_sync_ = ignore; }

  // After the power cut (the store must be destroyed): cuts every file back to what was synced and removes those that
  // no folder sync covered. seed != 0: a torn write, some of the octets after the synced ones stay, the last of them
  // garbled.
  void LoseUnsynced(uint64_t seed = 0);

  leveldb::Status NewWritableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status NewAppendableFile(const std::string& name, leveldb::WritableFile** result) override;
  leveldb::Status RemoveFile(const std::string& name) override;
  leveldb::Status RenameFile(const std::string& from, const std::string& to) override;

 private:
  friend class FaultFile;
  struct State {
    uint64_t written = 0, synced = 0;
  };
  leveldb::Status Next(const std::string& what);
  leveldb::Status Wrap(const std::string& name, leveldb::Status opened, leveldb::WritableFile** result, bool fresh);

  std::atomic<Fault> fault_{Fault::kNone};
  std::atomic<uint64_t> operations_{0}, cut_at_{UINT64_MAX};
  std::atomic<bool> ignore_sync_{false};
  std::mutex mutex_;  // files_, new_
  std::map<std::string, State> files_;
  std::set<std::string> new_;  // made since the last folder sync (LevelDB syncs the folder with each MANIFEST)
};

}  // namespace keel::fakes
