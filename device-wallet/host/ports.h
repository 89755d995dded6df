// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/files.h"
#include "device-wallet/host/record_store.h"
#include "device-wallet/host/slots.h"
#include "keel_wallet.h"

namespace keel::device {

struct DeviceOptions {
  std::string dir;
  uint32_t backoff_min_ms = 0;  // 0: what the wallet says (a minute)
  uint32_t backoff_max_ms = 0;
  uint32_t contact_ms = 0;
  bool listen = false;  // keel_wallet_config.listen
  // Told of the wallet's events; may be empty.
  std::function<void(keel_wallet_event event, int code, const char* text)> on_event;
};

// A wallet with the ports of a Linux gateway: journal, slots, random, log. Holds the folder's lock. Not thread-safe.
class Device {
 public:
  // boot: run the boot loader's part too (not at manufacture). kBusy when another process runs this device.
  static Result<std::unique_ptr<Device>> Open(DeviceOptions options, bool boot);
  ~Device();
  Device(const Device&) = delete;
  Device& operator=(const Device&) = delete;

  keel_wallet* wallet() { return wallet_; }
  RecordStore& records() { return *records_; }
  Slots* slots() { return slots_ ? &*slots_ : nullptr; }
  keel_wallet_info Info() const;
  // The last failure of a port function in words; empty when none.
  const std::string& port_problem() const { return port_problem_; }

 private:
  Device(DeviceOptions options, base::LockFile lock) : options_(std::move(options)), lock_(std::move(lock)) {}
  Result<> Start();
  int Report(const Result<>& result);

  DeviceOptions options_;
  base::LockFile lock_;
  std::unique_ptr<RecordStore> records_;
  std::optional<Slots> slots_;
  std::vector<uint8_t> message_;
  void* memory_ = nullptr;
  keel_wallet* wallet_ = nullptr;
  std::string port_problem_;
};

// An error out of a status of the C API.
Error WalletError(int status, const char* where);

}  // namespace keel::device
