// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>

#include "base/role.h"
#include "keel_wallet.h"

namespace keel::device {

// DIR/device.sock, by which `keel-device ping` asks the running device (mode 0600, our own uid only): one ping at a
// time. The control server's thread waits, the main thread does the work. Thread-safe where it says so.
class PingDesk {
 public:
  // `wake`: called when somebody asks, from another thread. kBusy, kIo, kUsage (the folder's name is too long for a
  // socket).
  static Result<std::unique_ptr<PingDesk>> Open(const std::string& dir, std::function<void()> wake);
  ~PingDesk();

  // Main thread only: begins what was asked for, ends what was answered, refused or took too long. When to come again.
  uint64_t Tend(keel_wallet* wallet, uint64_t now);

 private:
  struct Ask;
  explicit PingDesk(std::function<void()> wake) : wake_(std::move(wake)) {}
  Result<nlohmann::json> Handle(const nlohmann::json& args);

  std::function<void()> wake_;
  std::mutex mutex_;          // ask_
  std::shared_ptr<Ask> ask_;  // shared with the thread that waits for it
  std::unique_ptr<base::ControlServer> server_;
};

// `keel-device ping`: asks the running device in `dir`. did empty: the owner's service. The round trip in milliseconds.
// kUnreachable (the device isn't running, the owner's service can't be reached), kTimeout (no answer), kRefused.
Result<uint64_t> AskPing(const std::string& dir, const std::string& did, uint64_t timeout_ms);

}  // namespace keel::device
