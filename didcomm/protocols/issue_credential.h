// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/protocols/exchange.h"

// issue-credential 3.0 (WACI DIDComm, "Issue Credential Protocol 3.0"), both roles.
namespace keel::didcomm {

inline constexpr std::string_view kIssueCredentialProtocol = "https://didcomm.org/issue-credential/3.0";

// The three beginnings; everything else follows from CredentialExchangeHooks. What they give is stored already and goes
// to Agent::Queue or Agent::Send. `pthid`: the invitation's id, or empty. Thread-safe.
class IssueCredential final : public CredentialExchange {
 public:
  // `store`, `clock` and `hooks` outlive it. The store's errors, kCorrupt.
  static Result<std::unique_ptr<IssueCredential>> Create(base::KeyValueStore& store, Clock& clock,
                                                         CredentialExchangeHooks& hooks, ExchangeOptions options = {});
  std::vector<ProtocolInfo> Speaks() const override;

  // The holder proposes; the issuer offers; the holder requests without an offer. kInvalidArgument, kBusy, the store's.
  Result<Outgoing> Propose(const std::string& ours, const std::string& issuer, const ExchangeContent& content,
                           const std::string& pthid = {});
  Result<Outgoing> Offer(const std::string& ours, const std::string& holder, const ExchangeContent& content,
                         const std::string& pthid = {});
  Result<Outgoing> Request(const std::string& ours, const std::string& issuer, const ExchangeContent& content,
                           const std::string& pthid = {});

 private:
  using CredentialExchange::CredentialExchange;
};

}  // namespace keel::didcomm
