// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>

#include "tests/fakes/memory_keys.h"

// A secure element as the wallet's key_* ports see it: P-256 keys in slots, which come out of it as public points,
// signatures (randomized, high s as often as low) and agreements only. For tests.
namespace keel::fakes {

class SecureElement {
 public:
  explicit SecureElement(std::string seed) : random_(std::move(seed)) {}

  bool Make(uint8_t slot, uint8_t* point);
  bool Public(uint8_t slot, uint8_t* point) const;
  bool Sign(uint8_t slot, const uint8_t* digest, uint8_t* signature) const;
  bool Agree(uint8_t slot, const uint8_t* peer, uint8_t* x) const;
  void Erase(uint8_t slot) { keys.erase(slot); }

  std::map<uint8_t, Bytes32> keys;
  size_t made = 0;
  mutable size_t signs = 0, agreements = 0;

 private:
  SeededRandom random_;
};

}  // namespace keel::fakes
