// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <utility>

#include "didcomm/protocols/exchange.h"

namespace keel::didcomm {

// Private to didcomm: the right to work on one exchange, given back at the end of its scope. Move-only.
class CredentialExchange::Busy {
 public:
  // kBusy: somebody else works on it.
  static Result<Busy> Enter(CredentialExchange& owner, const ExchangeId& id) {
    std::string key = owner.Key(id);
    const std::lock_guard lock(owner.mutex_);
    if (!owner.busy_.insert(key).second)
      return Fail(Code::kBusy, "credential exchange", "thread " + id.thread + " is being worked on");
    return Busy(owner, std::move(key));
  }
  Busy(Busy&& other) noexcept : owner_(std::exchange(other.owner_, nullptr)), key_(std::move(other.key_)) {}
  Busy& operator=(Busy&&) = delete;
  ~Busy() {
    if (owner_ == nullptr) return;
    const std::lock_guard lock(owner_->mutex_);
    owner_->busy_.erase(key_);
  }

 private:
  Busy(CredentialExchange& owner, std::string key) : owner_(&owner), key_(std::move(key)) {}
  CredentialExchange* owner_;
  std::string key_;
};

}  // namespace keel::didcomm
