// SPDX-License-Identifier: Apache-2.0
#include "tests/fakes/fault_env.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <memory>
#include <random>

namespace keel::fakes {

class FaultFile final : public leveldb::WritableFile {
 public:
  FaultFile(FaultEnv& env, std::string name, leveldb::WritableFile* file)
      : env_(env), name_(std::move(name)), file_(file) {}

  leveldb::Status Append(const leveldb::Slice& data) override {
    leveldb::Status status = env_.Next(name_);
    if (status.ok()) status = file_->Append(data);
    if (status.ok()) {
      const std::lock_guard lock(env_.mutex_);
      env_.files_[name_].written += data.size();
    }
    return status;
  }
  leveldb::Status Close() override { return file_->Close(); }
  leveldb::Status Flush() override { return file_->Flush(); }
  leveldb::Status Sync() override {
    leveldb::Status status = env_.Next(name_);
    if (!status.ok()) return status;
    if (env_.ignore_sync_) return file_->Flush();
    status = file_->Sync();
    if (status.ok()) {
      const std::lock_guard lock(env_.mutex_);
      auto& state = env_.files_[name_];
      state.synced = state.written;
      if (name_.find("MANIFEST") != std::string::npos) env_.new_.clear();
    }
    return status;
  }

 private:
  FaultEnv& env_;
  const std::string name_;
  const std::unique_ptr<leveldb::WritableFile> file_;
};

leveldb::Status FaultEnv::Next(const std::string& what) {
  const uint64_t operation = operations_.fetch_add(1);
  if (operation >= cut_at_.load()) return leveldb::Status::IOError(what, "Input/output error (power cut)");
  switch (fault_.load()) {
    case Fault::kNone: return leveldb::Status::OK();
    case Fault::kIo: return leveldb::Status::IOError(what, "Input/output error");
    case Fault::kNoSpace: return leveldb::Status::IOError(what, "No space left on device");
  }
  return leveldb::Status::OK();
}

leveldb::Status FaultEnv::Wrap(const std::string& name, leveldb::Status opened, leveldb::WritableFile** result,
                               bool fresh) {
  if (!opened.ok()) return opened;
  {
    const std::lock_guard lock(mutex_);
    if (fresh) {
      files_[name] = {};
      new_.insert(name);
    } else if (!files_.contains(name)) {
      struct stat info{};
      ::stat(name.c_str(), &info);
      files_[name] = {static_cast<uint64_t>(info.st_size), static_cast<uint64_t>(info.st_size)};
    }
  }
  *result = new FaultFile(*this, name, *result);
  return opened;
}

leveldb::Status FaultEnv::NewWritableFile(const std::string& name, leveldb::WritableFile** result) {
  const leveldb::Status status = Next(name);
  if (!status.ok()) return status;
  return Wrap(name, target()->NewWritableFile(name, result), result, true);
}

leveldb::Status FaultEnv::NewAppendableFile(const std::string& name, leveldb::WritableFile** result) {
  const leveldb::Status status = Next(name);
  if (!status.ok()) return status;
  return Wrap(name, target()->NewAppendableFile(name, result), result, false);
}

leveldb::Status FaultEnv::RemoveFile(const std::string& name) {
  // After the cut nothing changes on the disk.
  if (cut()) return leveldb::Status::IOError(name, "Input/output error (power cut)");
  const leveldb::Status status = target()->RemoveFile(name);
  const std::lock_guard lock(mutex_);
  files_.erase(name);
  new_.erase(name);
  return status;
}

leveldb::Status FaultEnv::RenameFile(const std::string& from, const std::string& to) {
  leveldb::Status status = Next(from);
  if (!status.ok()) return status;
  status = target()->RenameFile(from, to);
  if (!status.ok()) return status;
  const std::lock_guard lock(mutex_);
  if (files_.contains(from)) {
    files_[to] = files_[from];
    files_.erase(from);
  }
  // As file systems do: a name that was replaced is there, with the old content or the new.
  new_.erase(from);
  new_.erase(to);
  return status;
}

void FaultEnv::LoseUnsynced(uint64_t seed) {
  const std::lock_guard lock(mutex_);
  std::mt19937_64 random(seed);
  for (auto& [name, state] : files_) {
    struct stat info{};
    if (::stat(name.c_str(), &info) != 0) continue;
    if (new_.contains(name) && state.synced == 0) {
      ::unlink(name.c_str());
      continue;
    }
    const auto size = static_cast<uint64_t>(info.st_size);
    if (size <= state.synced) continue;
    uint64_t keep = state.synced;
    if (seed != 0) keep += random() % (size - state.synced + 1);
    if (::truncate(name.c_str(), static_cast<off_t>(keep)) != 0) continue;
    if (seed != 0 && keep > state.synced) {
      const int fd = ::open(name.c_str(), O_WRONLY | O_CLOEXEC);
      const uint64_t torn = std::min<uint64_t>(keep - state.synced, 1 + random() % 512);
      std::string garbage(torn, '\0');
      for (char& c : garbage) c = static_cast<char>(random());
      static_cast<void>(!::pwrite(fd, garbage.data(), garbage.size(), static_cast<off_t>(keep - torn)));
      ::close(fd);
    }
    state.written = state.synced = keep;
  }
  files_.clear();
  new_.clear();
}

}  // namespace keel::fakes
