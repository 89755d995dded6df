// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "core/seams.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/protocols/exchange.h"
#include "exchange/credential_store.h"
#include "exchange/formats.h"
#include "vc/presentation.h"

// issue-credential 3.0 and present-proof 3.0 with vc+jwt and vp+jwt. docs/decisions/0041-exchange.md.
namespace keel::exchange {

// A credential that an issuer is willing to sign.
struct Grant {
  std::string credential;  // JSON object text, unsigned (vc::IssueCredential)
  std::string kid;         // of an assertion key of its issuer
};

struct JwtParts {
  did::KeyFinder& keys;
  did::DidResolver& resolver;
  Clock& clock;
  CredentialStore* held = nullptr;      // holder and prover; null: offers, credentials and requests are refused
  vc::StatusChecker* status = nullptr;  // null: a credential with a status is not accepted

  // Issuer: the credential for this request; none: refused. May be called again for the same thread and must then grant
  // the same. Its subject must be the peer (else kInvalidArgument). Empty: this is no issuer.
  std::function<Result<std::optional<Grant>>(const didcomm::ExchangeRecord&, const CredentialWish&)> grant;
  // Issuer: what to offer for a proposal; none: refused. Empty: what was proposed.
  std::function<Result<std::optional<CredentialWish>>(const didcomm::ExchangeRecord&, const CredentialWish&)> offer;
  // Holder: whether to take an offer that we didn't propose. Empty: it waits for Decide.
  std::function<Result<bool>(const didcomm::ExchangeRecord&, const CredentialWish&)> take;
  // Prover: whether to show these. Empty: it waits for Decide.
  std::function<Result<bool>(const didcomm::ExchangeRecord&, const PresentationWish&, const std::vector<Held>&)> show;
  // Verifier: what to ask for after a proposal; none: refused. Empty: what was proposed.
  std::function<Result<std::optional<PresentationWish>>(const didcomm::ExchangeRecord&, const PresentationWish&)> ask;
  // Verifier: the last word on a presentation that is valid and has what was asked for. Empty: yes.
  std::function<Result<bool>(const didcomm::ExchangeRecord&, const vc::PresentationVerification&)> accept;

  // Whose credentials are believed. Empty: a holder believes the peer it asked, a verifier believes those named in its
  // request and, where it names none, nobody.
  std::vector<std::string> trusted_issuers;
  bool will_confirm = true;  // verifier, after a proposal
};

// Problem codes of refusals.
inline constexpr std::string_view kProblemFormat = "e.p.msg.unsupported-format";
inline constexpr std::string_view kProblemNotGranted = "e.p.req.not-granted";
inline constexpr std::string_view kProblemNotHeld = "e.p.req.no-such-credential";
inline constexpr std::string_view kProblemBadCredential = "e.p.trust.bad-credential";
inline constexpr std::string_view kProblemBadPresentation = "e.p.trust.bad-presentation";

// Makes and checks the content. A credential is accepted when vc::VerifyCredential finds it valid, it is about us, by
// an issuer that is believed, and of the types that were wanted; a presentation when vc::VerifyPresentation finds it
// and all its credentials valid, with our nonce and audience, by the peer and about the peer, and it has every
// credential that was asked for. Thread-safe as far as the parts are.
class JwtExchangeHooks final : public didcomm::CredentialExchangeHooks {
 public:
  explicit JwtExchangeHooks(JwtParts parts) : parts_(std::move(parts)) {}
  // Errors: could not be decided now (resolver, status lists, store).
  Result<didcomm::ExchangeDecision> Decide(const didcomm::ExchangeRecord& record,
                                           const didcomm::Message& received) override;

  // For CredentialExchange::Decide, where a person decided: request what was offered; show these credentials.
  Result<didcomm::ExchangeDecision> Take(const CredentialWish& wish) const;
  Result<didcomm::ExchangeDecision> Show(const didcomm::ExchangeRecord& record, const PresentationWish& wish,
                                         const std::vector<Held>& credentials) const;

 private:
  Result<didcomm::ExchangeDecision> Issue(const didcomm::ExchangeRecord& record, const CredentialWish& wish) const;
  Result<didcomm::ExchangeDecision> Keep(const didcomm::ExchangeRecord& record, const std::string& jwt) const;
  Result<didcomm::ExchangeDecision> Prove(const didcomm::ExchangeRecord& record, const PresentationWish& wish) const;
  Result<didcomm::ExchangeDecision> Check(const didcomm::ExchangeRecord& record, const std::string& jwt) const;
  const JwtParts parts_;
};

// The first content of a thread. A request gets a nonce of 32 random octets and our DID as its audience.
didcomm::ExchangeContent WishContent(const CredentialWish& wish, std::string_view format);
didcomm::ExchangeContent RequestContent(PresentationWish wish, const std::string& ours, bool will_confirm);

}  // namespace keel::exchange
