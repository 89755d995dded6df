// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "core/bytes.h"

namespace keel::registry {

// The largest (size, root) that this member has signed or is about to sign, in a file of its own, outside the store's
// folder: what tells a store that was restored from an old backup (protocol.md section 2). Two records of 512 octets
// written in turn, each with a digest, synced before Advance returns. Needs external synchronisation.
struct HighWater {
  uint64_t size = 0;
  Bytes32 root{};
};

class HighWaterFile {
 public:
  // Opens or makes the file. kCorrupt when it exists and neither record is whole; kIo. `create` false: kNotFound when
  // it is absent.
  static Result<std::unique_ptr<HighWaterFile>> Open(const std::string& path, bool create);
  ~HighWaterFile();

  // Nothing signed yet: nullopt.
  const std::optional<HighWater>& current() const { return current_; }
  // Durably remembers a greater size. kConflict for a smaller size or another root at the same size: then nothing may
  // be signed.
  Result<> Advance(const HighWater& next);

 private:
  HighWaterFile(int fd, std::string path) : fd_(fd), path_(std::move(path)) {}
  int fd_ = -1;
  std::string path_;
  uint64_t counter_ = 0;
  std::optional<HighWater> current_;
};

}  // namespace keel::registry
