// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/present_proof.h"

namespace keel::didcomm {

Result<std::unique_ptr<PresentProof>> PresentProof::Create(base::KeyValueStore& store, Clock& clock,
                                                           CredentialExchangeHooks& hooks, ExchangeOptions options) {
  std::unique_ptr<PresentProof> made(new PresentProof(PresentProofRules(), store, clock, hooks, std::move(options)));
  KEEL_TRY_VOID(made->Load());
  return made;
}

std::vector<ProtocolInfo> PresentProof::Speaks() const {
  return {{std::string(kPresentProofProtocol), {"verifier", "prover"}}};
}

Result<Outgoing> PresentProof::Request(const std::string& ours, const std::string& prover,
                                       const ExchangeContent& content, const std::string& pthid) {
  return Start(ExchangeRole::kVerifier, ExchangeMessage::kRequest, ours, prover, content, pthid);
}

Result<Outgoing> PresentProof::Propose(const std::string& ours, const std::string& verifier,
                                       const ExchangeContent& content, const std::string& pthid) {
  return Start(ExchangeRole::kProver, ExchangeMessage::kPropose, ours, verifier, content, pthid);
}

}  // namespace keel::didcomm
