// SPDX-License-Identifier: Apache-2.0
#include "didcomm/protocols/issue_credential.h"

namespace keel::didcomm {

Result<std::unique_ptr<IssueCredential>> IssueCredential::Create(base::KeyValueStore& store, Clock& clock,
                                                                 CredentialExchangeHooks& hooks,
                                                                 ExchangeOptions options) {
  std::unique_ptr<IssueCredential> made(
      new IssueCredential(IssueCredentialRules(), store, clock, hooks, std::move(options)));
  KEEL_TRY_VOID(made->Load());
  return made;
}

std::vector<ProtocolInfo> IssueCredential::Speaks() const {
  return {{std::string(kIssueCredentialProtocol), {"issuer", "holder"}}};
}

Result<Outgoing> IssueCredential::Propose(const std::string& ours, const std::string& issuer,
                                          const ExchangeContent& content, const std::string& pthid) {
  return Start(ExchangeRole::kHolder, ExchangeMessage::kPropose, ours, issuer, content, pthid);
}

Result<Outgoing> IssueCredential::Offer(const std::string& ours, const std::string& holder,
                                        const ExchangeContent& content, const std::string& pthid) {
  return Start(ExchangeRole::kIssuer, ExchangeMessage::kOffer, ours, holder, content, pthid);
}

Result<Outgoing> IssueCredential::Request(const std::string& ours, const std::string& issuer,
                                          const ExchangeContent& content, const std::string& pthid) {
  return Start(ExchangeRole::kHolder, ExchangeMessage::kRequest, ours, issuer, content, pthid);
}

}  // namespace keel::didcomm
