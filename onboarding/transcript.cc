// SPDX-License-Identifier: Apache-2.0
#include "onboarding/transcript.h"

#include "crypto/hash.h"

namespace keel::onboarding {

using crypto::Sha256;

Transcript::Transcript(ByteView invitation)
    : value_(Sha256().Update("keel-onb/1\n").Update(Sha256::Of(invitation)).Final()) {}

Transcript Transcript::At(uint8_t step, const Bytes32& value) {
  Transcript t;
  t.value_ = value;
  t.step_ = step;
  return t;
}

void Transcript::Add(ByteView plaintext) { AddHash(Sha256::Of(plaintext)); }

void Transcript::AddHash(const Bytes32& plaintext_hash) {
  value_ = Sha256().Update(value_).Update(plaintext_hash).Final();
  ++step_;
}

Bytes32 EvidenceBinding(const Bytes32& th2, std::string_view device_did, std::string_view attested_multikey) {
  return Sha256()
      .Update("keel-ev/1\n")
      .Update(th2)
      .Update(Sha256::Of(device_did))
      .Update(Sha256::Of(attested_multikey))
      .Final();
}

}  // namespace keel::onboarding
