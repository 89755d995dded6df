// SPDX-License-Identifier: Apache-2.0
#include <leveldb/cache.h>
#include <leveldb/db.h>
#include <leveldb/env.h>
#include <leveldb/filter_policy.h>
#include <leveldb/write_batch.h>

#include <mutex>

#include "base/clock.h"
#include "base/files.h"
#include "base/storage/key_value_store.h"

namespace keel::base {
namespace {

constexpr uint64_t kRetryMs = 1000;
constexpr size_t kProbeOctets = 256 << 10;

leveldb::Slice ToSlice(std::string_view text) { return {text.data(), text.size()}; }
std::string_view ToView(const leveldb::Slice& slice) { return {slice.data(), slice.size()}; }

// LevelDB has no code for a full disk: the text says it.
std::unexpected<Error> StoreError(const leveldb::Status& status, const std::string& path) {
  const std::string text = status.ToString();
  Code code = status.IsCorruption() ? Code::kCorrupt : Code::kIo;
  if (text.find("No space left") != std::string::npos) code = Code::kNoSpace;
  if (text.find("LOCK") != std::string::npos && text.find("lock") != std::string::npos) code = Code::kBusy;
  if (text.find("does not exist (create_if_missing is false)") != std::string::npos) code = Code::kNotFound;
  return Fail(code, "store", path + ": " + text);
}

// LevelDB's default logger writes a LOG file with every compaction: nothing reads it.
class NoLog final : public leveldb::Logger {
 public:
  void Logv(const char*, std::va_list) override {}
};

// One opened database with what it needs to live. Shared by the store and its snapshots, so that recovery knows when
// nobody reads any more.
struct Database {
  std::string path;
  std::unique_ptr<leveldb::Cache> cache;
  std::unique_ptr<const leveldb::FilterPolicy> filter;
  NoLog log;
  bool paranoid = true;
  std::unique_ptr<leveldb::DB> db;  // last: closed first

  leveldb::ReadOptions Reading(const leveldb::Snapshot* snapshot) const {
    leveldb::ReadOptions options;
    options.verify_checksums = paranoid;
    options.snapshot = snapshot;
    return options;
  }
  Result<std::optional<std::string>> Get(std::string_view key, const leveldb::Snapshot* snapshot) const {
    std::string value;
    const leveldb::Status status = db->Get(Reading(snapshot), ToSlice(key), &value);
    if (status.IsNotFound()) return std::nullopt;
    if (!status.ok()) return StoreError(status, path);
    return value;
  }
  Result<> Scan(std::string_view prefix, std::string_view from, const KeyValueReader::Visitor& visit,
                const leveldb::Snapshot* snapshot) const {
    leveldb::ReadOptions options = Reading(snapshot);
    options.fill_cache = false;
    const std::unique_ptr<leveldb::Iterator> it(db->NewIterator(options));
    for (it->Seek(ToSlice(std::max(prefix, from))); it->Valid() && it->key().starts_with(ToSlice(prefix)); it->Next()) {
      if (!visit(ToView(it->key()), ToView(it->value()))) break;
    }
    if (!it->status().ok()) return StoreError(it->status(), path);
    return {};
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix,
                                                                  const leveldb::Snapshot* snapshot) const {
    const std::unique_ptr<leveldb::Iterator> it(db->NewIterator(Reading(snapshot)));
    std::string next(prefix);
    while (!next.empty() && static_cast<uint8_t>(next.back()) == 0xFF) next.pop_back();
    if (next.empty()) {
      it->SeekToLast();
    } else {
      next.back() = static_cast<char>(static_cast<uint8_t>(next.back()) + 1);
      it->Seek(ToSlice(next));
      if (it->Valid()) {
        it->Prev();
      } else if (it->status().ok()) {
        it->SeekToLast();
      }
    }
    if (!it->status().ok()) return StoreError(it->status(), path);
    if (!it->Valid() || !it->key().starts_with(ToSlice(prefix))) return std::nullopt;
    return std::pair<std::string, std::string>(it->key().ToString(), it->value().ToString());
  }
};

class LevelDbSnapshot final : public KeyValueReader {
 public:
  explicit LevelDbSnapshot(std::shared_ptr<Database> database)
      : database_(std::move(database)), snapshot_(database_->db->GetSnapshot()) {}
  ~LevelDbSnapshot() override { database_->db->ReleaseSnapshot(snapshot_); }
  Result<std::optional<std::string>> Get(std::string_view key) const override { return database_->Get(key, snapshot_); }
  Result<> Scan(std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    return database_->Scan(prefix, from, visit, snapshot_);
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix) const override {
    return database_->Last(prefix, snapshot_);
  }

 private:
  std::shared_ptr<Database> database_;
  const leveldb::Snapshot* snapshot_;
};

// Answers every read with the error that keeps the store closed.
class FailedReader final : public KeyValueReader {
 public:
  explicit FailedReader(Error error) : error_(std::move(error)) {}
  Result<std::optional<std::string>> Get(std::string_view) const override { return std::unexpected<Error>(error_); }
  Result<> Scan(std::string_view, std::string_view, const Visitor&) const override {
    return std::unexpected<Error>(error_);
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view) const override {
    return std::unexpected<Error>(error_);
  }

 private:
  Error error_;
};

class LevelDbStore final : public KeyValueStore {
 public:
  LevelDbStore(std::string path, StoreOptions options) : path_(std::move(path)), options_(options) {}

  Result<> Open() {
    auto database = std::make_shared<Database>();
    database->path = path_;
    database->paranoid = options_.paranoid;
    database->cache.reset(leveldb::NewLRUCache(options_.cache));
    database->filter.reset(leveldb::NewBloomFilterPolicy(10));
    leveldb::Options options;
    options.create_if_missing = options_.create;
    options.paranoid_checks = options_.paranoid;
    options.write_buffer_size = options_.write_buffer;
    options.block_cache = database->cache.get();
    options.filter_policy = database->filter.get();
    options.info_log = &database->log;
    options.compression = options_.compress ? leveldb::kSnappyCompression : leveldb::kNoCompression;
    if (options_.env != nullptr) options.env = options_.env;
    leveldb::DB* db = nullptr;
    const leveldb::Status status = leveldb::DB::Open(options, path_, &db);
    if (!status.ok()) return StoreError(status, path_);
    database->db.reset(db);
    const std::lock_guard lock(mutex_);
    database_ = std::move(database);
    failure_.reset();
    return {};
  }

  Result<> Write(const WriteBatch& batch, Sync sync) override {
    if (Failed()) KEEL_TRY_VOID(Recover());
    const std::shared_ptr<Database> database = Current();
    if (database == nullptr) return std::unexpected<Error>(Closed());
    leveldb::WriteBatch updates;
    for (const auto& entry : batch.entries()) {
      if (entry.value) {
        updates.Put(ToSlice(entry.key), ToSlice(*entry.value));
      } else {
        updates.Delete(ToSlice(entry.key));
      }
    }
    leveldb::WriteOptions options;
    options.sync = sync == Sync::kYes;
    const leveldb::Status status = database->db->Write(options, &updates);
    if (status.ok()) return {};
    auto error = StoreError(status, path_);
    const std::lock_guard lock(mutex_);
    failure_ = error.error();
    return error;
  }

  std::unique_ptr<KeyValueReader> Snapshot() const override {
    const std::shared_ptr<Database> database = Current();
    if (database == nullptr) return std::make_unique<FailedReader>(Closed());
    return std::make_unique<LevelDbSnapshot>(database);
  }
  Result<> Healthy() const override {
    const std::lock_guard lock(mutex_);
    if (failure_) return std::unexpected<Error>(*failure_);
    return {};
  }
  Result<std::optional<std::string>> Get(std::string_view key) const override {
    const std::shared_ptr<Database> database = Current();
    if (database == nullptr) return std::unexpected<Error>(Closed());
    return database->Get(key, nullptr);
  }
  Result<> Scan(std::string_view prefix, std::string_view from, const Visitor& visit) const override {
    const std::shared_ptr<Database> database = Current();
    if (database == nullptr) return std::unexpected<Error>(Closed());
    return database->Scan(prefix, from, visit, nullptr);
  }
  Result<std::optional<std::pair<std::string, std::string>>> Last(std::string_view prefix) const override {
    const std::shared_ptr<Database> database = Current();
    if (database == nullptr) return std::unexpected<Error>(Closed());
    return database->Last(prefix, nullptr);
  }

 private:
  std::shared_ptr<Database> Current() const {
    const std::lock_guard lock(mutex_);
    return database_;
  }
  // Why there is no database just now (it is being opened anew).
  Error Closed() const {
    const std::lock_guard lock(mutex_);
    return failure_ ? *failure_ : Error{Code::kUnavailable, "store", path_ + " is being opened again; try again"};
  }
  bool Failed() const {
    const std::lock_guard lock(mutex_);
    return failure_.has_value();
  }

  // LevelDB refuses every write after one failed, until it is opened anew. Before closing it (reads go on until then) a
  // probe file shows that the disk takes writes again.
  Result<> Recover() {
    const std::lock_guard recovering(recover_mutex_);
    if (!Failed()) return {};
    const uint64_t now = MonotonicMs();
    if (now - last_try_ < kRetryMs && last_try_ != 0) return Healthy();
    last_try_ = now;
    leveldb::Env* env = options_.env != nullptr ? options_.env : leveldb::Env::Default();
    const std::string probe = path_ + "/probe.tmp";
    leveldb::Status status = leveldb::WriteStringToFile(env, leveldb::Slice(std::string(kProbeOctets, '\0')), probe);
    if (status.ok()) {
      leveldb::WritableFile* raw = nullptr;
      status = env->NewAppendableFile(probe, &raw);
      const std::unique_ptr<leveldb::WritableFile> file(raw);
      if (status.ok()) status = file->Sync();
    }
    static_cast<void>(env->RemoveFile(probe));
    if (!status.ok()) return StoreError(status, path_);
    {
      const std::lock_guard lock(mutex_);
      // One reference here; more are snapshots and reads that are under way.
      if (database_ != nullptr && database_.use_count() > 1)
        return Fail(Code::kUnavailable, "store", path_ + " recovers as soon as the reads under way end");
      database_.reset();
    }
    return Open();
  }

  const std::string path_;
  const StoreOptions options_;
  mutable std::mutex mutex_;  // database_, failure_
  std::shared_ptr<Database> database_;
  std::optional<Error> failure_;
  std::mutex recover_mutex_;  // one recovery at a time; last_try_
  uint64_t last_try_ = 0;
};

}  // namespace

Result<std::unique_ptr<KeyValueStore>> OpenLevelDb(const std::string& path, const StoreOptions& options) {
  if (options.env == nullptr) {
    if (!options.create && !FileExists(path)) return Fail(Code::kNotFound, "store", path + " does not exist");
    KEEL_TRY_VOID(MakePrivateDir(path));
  }
  auto store = std::make_unique<LevelDbStore>(path, options);
  KEEL_TRY_VOID(store->Open());
  return std::unique_ptr<KeyValueStore>(std::move(store));
}

}  // namespace keel::base
