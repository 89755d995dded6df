// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/protocols/exchange.h"

// present-proof 3.0 (WACI DIDComm, "Present Proof Protocol 3.0"), both roles.
namespace keel::didcomm {

inline constexpr std::string_view kPresentProofProtocol = "https://didcomm.org/present-proof/3.0";

// The two beginnings; everything else follows from CredentialExchangeHooks. What they give is stored already and goes
// to Agent::Queue or Agent::Send. `pthid`: the invitation's id, or empty. Thread-safe.
class PresentProof final : public CredentialExchange {
 public:
  // `store`, `clock` and `hooks` outlive it. The store's errors, kCorrupt.
  static Result<std::unique_ptr<PresentProof>> Create(base::KeyValueStore& store, Clock& clock,
                                                      CredentialExchangeHooks& hooks, ExchangeOptions options = {});
  std::vector<ProtocolInfo> Speaks() const override;

  // The verifier requests (content.will_confirm: it will acknowledge); the prover proposes. kInvalidArgument (a request
  // needs an attachment), kBusy, the store's.
  Result<Outgoing> Request(const std::string& ours, const std::string& prover, const ExchangeContent& content,
                           const std::string& pthid = {});
  Result<Outgoing> Propose(const std::string& ours, const std::string& verifier, const ExchangeContent& content,
                           const std::string& pthid = {});

 private:
  using CredentialExchange::CredentialExchange;
};

}  // namespace keel::didcomm
