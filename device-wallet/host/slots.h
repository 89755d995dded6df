// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "core/bytes.h"
#include "core/result.h"

namespace keel::device {

// What a boot loader with two slots does, for a Linux gateway: DIR/slot-a and DIR/slot-b hold images, DIR/boot.json
// says which one runs. A new image is booted on trial once; unless it is confirmed the next boot goes back to the old
// one. Not thread-safe.
class Slots {
 public:
  struct Image {
    std::string version;
    uint64_t sequence = 0;
    uint64_t size = 0;
    Bytes32 digest{};  // SHA-256
  };

  // Makes the first image in slot a, at manufacture. Does nothing when there is one.
  static Result<> Install(const std::string& dir, const Image& facts, ByteView image);
  // Boots: decides which slot runs, checks its image's digest, writes the decision down before it takes effect.
  // kNotFound, kCorrupt.
  static Result<Slots> Boot(const std::string& dir);

  const Image& running() const { return slots_[active_]; }
  bool on_trial() const { return trial_; }
  // True when this boot went back from a trial that was not confirmed.
  bool reverted() const { return reverted_; }

  Result<> Begin(uint64_t size);
  Result<> Write(uint64_t offset, ByteView data);
  Result<> Read(uint64_t offset, ByteSpan out) const;
  // The spare slot is complete (its digest is computed here from what lies there): booted on trial by the next Boot.
  Result<> Finish(uint64_t size, uint64_t sequence, const std::string& version);
  Result<> Confirm();

 private:
  explicit Slots(std::string dir) : dir_(std::move(dir)) {}
  Result<> Load();
  Result<> Save() const;
  std::string SpareFile() const;

  std::string dir_;
  Image slots_[2];
  int active_ = 0;
  bool pending_ = false;  // the spare slot waits for its trial
  bool trial_ = false;    // the active slot is on trial: the other one is the way back
  bool reverted_ = false;
};

}  // namespace keel::device
