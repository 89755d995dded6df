// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "device-wallet/core/wallet.h"

namespace keel::wallet {

// Needed only while a registry answer is read: lies in the tail of the message buffer.
struct Wallet::R0Work {
  ledger::MemberSet members;
  ByteArray<ledger::kMaxItem> item{};
  ledger::ItemReader reader{item};
  FixedText<ledger::kMaxInvitation> found;  // the newest usable invitation
  size_t bundle = 0;                        // octets of an epoch bundle collected at the buffer's front
  uint8_t next_part = 0;
  bool time_seen = false;
};

// Needed from the first octet of a pack to its end, over all resumptions.
struct Wallet::PackWork {
  ledger::MemberSet members;
  ledger::PackExpectation expect;
  ledger::PackVerifier verifier;
};

template <typename W>
W* Wallet::Work() {
  static_assert(sizeof(W) + 4096 + 64 <= KEEL_WALLET_MESSAGE_BUFFER_MIN, "a descriptor must fit in front");
  const auto end = reinterpret_cast<uintptr_t>(message_.data() + message_.size());
  const uintptr_t at = (end - sizeof(W)) & ~(uintptr_t{alignof(W)} - 1);
  return reinterpret_cast<W*>(message_.data() + (at - reinterpret_cast<uintptr_t>(message_.data())));
}

}  // namespace keel::wallet
