// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "core/bytes.h"

namespace keel::onboarding {

// The running hash over one handshake: th0 = H("keel-onb/1\n" || H(INV without padding)), th_i = H(th_{i-1} ||
// H(plaintext of M_i as received or sent)). A sender adds the octets it encrypts, a receiver those it decrypted. Value
// type of 33 octets.
class Transcript {
 public:
  Transcript() = default;
  explicit Transcript(ByteView invitation);
  static Transcript At(uint8_t step, const Bytes32& value);  // restored from a saved session

  // Adds M_{step+1}.
  void Add(ByteView plaintext);
  void AddHash(const Bytes32& plaintext_hash);
  // What Add would give, without adding: a proof inside M_i speaks of th_{i-1}, an answer of th_i.
  const Bytes32& value() const { return value_; }
  uint8_t step() const { return step_; }  // i of th_i

 private:
  Bytes32 value_{};
  uint8_t step_ = 0;
};

// What evidence is over: H("keel-ev/1\n" || th2 || H(Dev) || H(mk of the attested key)).
Bytes32 EvidenceBinding(const Bytes32& th2, std::string_view device_did, std::string_view attested_multikey);

}  // namespace keel::onboarding
