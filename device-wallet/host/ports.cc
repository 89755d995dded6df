// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/ports.h"

#include <cstdlib>
#include <cstring>

#include "base/clock.h"

namespace keel::device {
namespace {

constexpr size_t kMessageBuffer = 16384;

}  // namespace

Error WalletError(int status, const char* where) { return Fail(static_cast<Code>(status), where).error(); }

Result<std::unique_ptr<Device>> Device::Open(DeviceOptions options, bool boot) {
  KEEL_TRY_VOID(base::MakePrivateDir(options.dir));
  KEEL_TRY(base::LockFile lock, base::LockFile::Acquire(options.dir));
  std::unique_ptr<Device> device(new Device(std::move(options), std::move(lock)));
  KEEL_TRY(device->records_, RecordStore::Open(device->options_.dir));
  if (boot) {
    KEEL_TRY(Slots slots, Slots::Boot(device->options_.dir));
    device->slots_.emplace(std::move(slots));
  }
  KEEL_TRY_VOID(device->Start());
  return device;
}

Device::~Device() {
  if (wallet_ != nullptr) keel_wallet_destroy(wallet_);
  std::free(memory_);
}

int Device::Report(const Result<>& result) {
  if (result) return KEEL_PORT_OK;
  port_problem_ = result.error().Text();
  return KEEL_PORT_FAILED;
}

Result<> Device::Start() {
  message_.resize(kMessageBuffer);
  const size_t alignment = keel_wallet_alignment();
  const size_t memory_size = (keel_wallet_size() + alignment - 1) / alignment * alignment;
  memory_ = std::aligned_alloc(alignment, memory_size);
  if (memory_ == nullptr) return Fail(Code::kNoSpace, "wallet memory");

  keel_wallet_config config = {};
  config.size = sizeof config;
  config.abi = KEEL_WALLET_ABI;
  config.message = message_.data();
  config.message_size = message_.size();
  config.backoff_min_ms = options_.backoff_min_ms;
  config.backoff_max_ms = options_.backoff_max_ms;
  config.contact_ms = options_.contact_ms;
  config.listen = options_.listen ? 1 : 0;

  keel_wallet_ports ports = {};
  ports.size = sizeof ports;
  ports.context = this;
  ports.random = [](void*, uint8_t* out, size_t length) {
    base::SystemRandom random;
    return random.Fill({out, length}) ? KEEL_PORT_OK : KEEL_PORT_FAILED;
  };
  ports.store_read = [](void* context, uint16_t id, uint8_t* out, size_t capacity, size_t* length) {
    const auto* record = static_cast<Device*>(context)->records_->Read(id);
    if (record == nullptr) return KEEL_PORT_NOT_FOUND;
    if (record->size() > capacity) return KEEL_PORT_FAILED;
    std::memcpy(out, record->data(), record->size());
    *length = record->size();
    return KEEL_PORT_OK;
  };
  ports.store_write = [](void* context, uint16_t id, const uint8_t* data, size_t length) {
    auto* device = static_cast<Device*>(context);
    return device->Report(device->records_->Write(id, {data, length}));
  };
  ports.store_erase = [](void* context, uint16_t id) {
    auto* device = static_cast<Device*>(context);
    return device->Report(device->records_->Erase(id));
  };
  if (slots_) {
    ports.firmware_current = [](void* context, keel_wallet_firmware* out) {
      const Slots& slots = *static_cast<Device*>(context)->slots_;
      std::memset(out, 0, sizeof *out);
      slots.running().version.copy(out->version, sizeof out->version - 1);
      out->sequence = slots.running().sequence;
      std::memcpy(out->digest, slots.running().digest.data(), sizeof out->digest);
      out->trial = slots.on_trial() ? 1 : 0;
      return KEEL_PORT_OK;
    };
    ports.firmware_begin = [](void* context, uint64_t size) {
      auto* device = static_cast<Device*>(context);
      return device->Report(device->slots_->Begin(size));
    };
    ports.firmware_write = [](void* context, uint64_t offset, const uint8_t* data, size_t length) {
      auto* device = static_cast<Device*>(context);
      return device->Report(device->slots_->Write(offset, {data, length}));
    };
    ports.firmware_read = [](void* context, uint64_t offset, uint8_t* out, size_t length) {
      auto* device = static_cast<Device*>(context);
      return device->Report(device->slots_->Read(offset, {out, length}));
    };
    ports.firmware_finish = [](void* context, uint64_t size, uint64_t sequence, const char* version) {
      auto* device = static_cast<Device*>(context);
      return device->Report(device->slots_->Finish(size, sequence, version));
    };
    ports.firmware_confirm = [](void* context) {
      auto* device = static_cast<Device*>(context);
      return device->Report(device->slots_->Confirm());
    };
  }
  if (options_.on_event) {
    ports.event = [](void* context, keel_wallet_event event, int code, const char* text) {
      static_cast<Device*>(context)->options_.on_event(event, code, text);
    };
  }
  const int status = keel_wallet_init(memory_, memory_size, &config, &ports, &wallet_);
  if (status != KEEL_WALLET_OK) {
    wallet_ = nullptr;
    return std::unexpected<Error>(WalletError(status, "wallet"));
  }
  return {};
}

keel_wallet_info Device::Info() const {
  keel_wallet_info info = {};
  info.size = sizeof info;
  static_cast<void>(keel_wallet_get_info(wallet_, base::MonotonicMs(), &info));
  return info;
}

}  // namespace keel::device
