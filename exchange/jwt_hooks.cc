// SPDX-License-Identifier: Apache-2.0
#include "exchange/jwt_hooks.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "did/did.h"

namespace keel::exchange {
namespace {

using didcomm::ExchangeContent;
using didcomm::ExchangeDecision;
using didcomm::ExchangeRecord;
using didcomm::ExchangeState;
using didcomm::Message;
using nlohmann::json;
constexpr const char* kWhere = "credential exchange";

struct Text {
  std::string_view code, comment;
};
constexpr Text kTexts[] = {
    {kProblemFormat, "No attachment is of a format that is supported here."},
    {kProblemNotGranted, "The request is not granted."},
    {kProblemNotHeld, "There is no credential here as it was asked for."},
    {kProblemBadCredential, "The credential is not accepted."},
    {kProblemBadPresentation, "The presentation is not accepted."},
};

ExchangeDecision Refuse(std::string_view code) {
  for (const Text& text : kTexts) {
    if (text.code == code) return ExchangeDecision::Refuse(std::string(code), std::string(text.comment));
  }
  return ExchangeDecision::Refuse(std::string(code));
}

// What the peer can cause by what it sends is refused; the rest could not be decided.
bool TheirFault(Code code) {
  switch (code) {
    case Code::kMalformed:
    case Code::kNotCanonical:
    case Code::kMissing:
    case Code::kTooLarge:
    case Code::kDuplicate:
    case Code::kOutOfRange:
    case Code::kUnsupported: return true;
    default: return false;
  }
}

bool Among(const std::vector<std::string>& list, const std::string& text) {
  return std::find(list.begin(), list.end(), text) != list.end();
}

// What we asked for: the last message that we sent.
Result<Message> OurRequest(const ExchangeRecord& record) { return Message::Parse(record.sent); }

}  // namespace

ExchangeContent WishContent(const CredentialWish& wish, std::string_view format) {
  ExchangeContent content;
  content.attachments = {ToAttachment(wish, format)};
  return content;
}

ExchangeContent RequestContent(PresentationWish wish, const std::string& ours, bool will_confirm) {
  ByteArray<32> nonce;
  KEEL_ASSERT(crypto::SystemRandom().Fill(nonce).has_value());
  wish.nonce = base::Base64Url(nonce);
  wish.audience = ours;
  ExchangeContent content;
  content.attachments = {ToAttachment(wish)};
  content.will_confirm = will_confirm;
  return content;
}

Result<ExchangeDecision> JwtExchangeHooks::Take(const CredentialWish& wish) const {
  return ExchangeDecision::GoOn(WishContent(wish, kFormatRequest));
}

Result<ExchangeDecision> JwtExchangeHooks::Issue(const ExchangeRecord& record, const CredentialWish& wish) const {
  if (!parts_.grant) return Refuse(kProblemNotGranted);
  KEEL_TRY(const std::optional<Grant> granted, parts_.grant(record, wish));
  if (!granted) return Refuse(kProblemNotGranted);
  KEEL_TRY(const json credential, base::ParseJson(granted->credential));
  // The peer proved this DID and no other.
  const auto subject = credential.find("credentialSubject");
  if (subject == credential.end() || !subject->is_object() || subject->value("id", "") != record.id.peer)
    return Fail(Code::kInvalidArgument, kWhere, "a credential about somebody else than " + record.id.peer);
  KEEL_TRY(const did::KeyRef key, parts_.keys.Find(granted->kid));
  KEEL_TRY(const std::string jwt, vc::IssueCredential(credential, *key.store, key.handle, granted->kid));
  ExchangeContent content;
  content.attachments = {JwtAttachment(jwt, kFormatCredential)};
  return ExchangeDecision::GoOn(std::move(content));
}

Result<ExchangeDecision> JwtExchangeHooks::Keep(const ExchangeRecord& record, const std::string& jwt) const {
  if (parts_.held == nullptr) return Refuse(kProblemBadCredential);
  vc::VerifyOptions how;
  KEEL_TRY(how.now, parts_.clock.Now());
  how.status = parts_.status;
  how.subject = record.id.ours;
  how.trusted_issuers = parts_.trusted_issuers;
  if (how.trusted_issuers.empty()) how.trusted_issuers = {record.id.peer};
  KEEL_TRY(const vc::Verification verdict, vc::VerifyCredential(jwt, parts_.resolver, how));
  if (!verdict.valid()) return Refuse(kProblemBadCredential);
  KEEL_TRY(const Message request, OurRequest(record));
  if (!request.attachments.empty()) {
    KEEL_TRY(const CredentialWish wish, ReadCredentialWish(request));
    if (!HasAll(verdict.credential.types, wish.types)) return Refuse(kProblemBadCredential);
  }
  Held held;
  held.jwt = jwt;
  held.id = verdict.credential.id;
  held.issuer = verdict.credential.issuer;
  held.subject = record.id.ours;
  held.types = verdict.credential.types;
  held.valid_until = verdict.credential.valid_until;
  held.thread = record.id.thread;
  held.received = *how.now;
  KEEL_TRY_VOID(parts_.held->Put(held, record.replaces));
  return ExchangeDecision::GoOn();
}

Result<ExchangeDecision> JwtExchangeHooks::Show(const ExchangeRecord& record, const PresentationWish& wish,
                                                const std::vector<Held>& credentials) const {
  vc::PresentationRequest request;
  request.holder = record.id.ours;
  request.audience = record.id.peer;
  request.nonce = wish.nonce;
  KEEL_TRY(request.iat, parts_.clock.Now());
  for (const Held& held : credentials) request.credentials.push_back(held.jwt);
  KEEL_TRY(const did::ResolutionResult self, parts_.resolver.Resolve(record.id.ours));
  for (const did::VerificationMethod* method : self.document->All(did::Relationship::kAuthentication)) {
    const auto key = parts_.keys.Find(method->id);
    if (!key) {
      if (key.error().code == Code::kNoSuchKey) continue;
      return std::unexpected<Error>(key.error());
    }
    KEEL_TRY(const std::string jwt, vc::CreatePresentation(request, *key->store, key->handle, method->id));
    ExchangeContent content;
    content.attachments = {JwtAttachment(jwt, kFormatPresentation)};
    return ExchangeDecision::GoOn(std::move(content));
  }
  return Fail(Code::kNoSuchKey, kWhere, "no private key of " + record.id.ours + " for authentication");
}

Result<ExchangeDecision> JwtExchangeHooks::Prove(const ExchangeRecord& record, const PresentationWish& wish) const {
  // A presentation made for somebody else, or without a nonce, could be shown on.
  if (wish.nonce.empty() || wish.audience != record.id.peer) return Refuse(kProblemFormat);
  if (parts_.held == nullptr) return Refuse(kProblemNotHeld);
  KEEL_TRY(const UnixSeconds now, parts_.clock.Now());
  std::vector<Held> chosen;
  for (const PresentationWish::Want& want : wish.credentials) {
    KEEL_TRY(std::vector<Held> fit, parts_.held->Find(want.types, want.issuers, record.id.ours, now));
    if (fit.empty()) return Refuse(kProblemNotHeld);
    // The newest; one credential serves several wants.
    auto newest =
        std::max_element(fit.begin(), fit.end(), [](const Held& a, const Held& b) { return a.received < b.received; });
    const bool there =
        std::any_of(chosen.begin(), chosen.end(), [&](const Held& held) { return held.jwt == newest->jwt; });
    if (!there) chosen.push_back(std::move(*newest));
  }
  if (!parts_.show) return ExchangeDecision::Later();
  KEEL_TRY(const bool yes, parts_.show(record, wish, chosen));
  if (!yes) return ExchangeDecision::Refuse();
  return Show(record, wish, chosen);
}

Result<ExchangeDecision> JwtExchangeHooks::Check(const ExchangeRecord& record, const std::string& jwt) const {
  KEEL_TRY(const Message request, OurRequest(record));
  KEEL_TRY(const PresentationWish wish, ReadPresentationWish(request));
  vc::PresentationOptions how;
  how.audience = record.id.ours;
  how.nonce = wish.nonce;
  KEEL_TRY(how.now, parts_.clock.Now());
  how.holder = record.id.peer;
  how.credentials.status = parts_.status;
  how.credentials.subject = record.id.peer;
  KEEL_TRY(const vc::PresentationVerification verdict, vc::VerifyPresentation(jwt, parts_.resolver, how));
  if (!verdict.valid()) return Refuse(kProblemBadPresentation);
  for (const PresentationWish::Want& want : wish.credentials) {
    const std::vector<std::string>& believed = want.issuers.empty() ? parts_.trusted_issuers : want.issuers;
    const bool found =
        std::any_of(verdict.credentials.begin(), verdict.credentials.end(), [&](const vc::Verification& shown) {
          return Among(believed, shown.credential.issuer) && HasAll(shown.credential.types, want.types);
        });
    if (!found) return Refuse(kProblemBadPresentation);
  }
  if (parts_.accept) {
    KEEL_TRY(const bool yes, parts_.accept(record, verdict));
    if (!yes) return Refuse(kProblemBadPresentation);
  }
  return ExchangeDecision::GoOn();
}

Result<ExchangeDecision> JwtExchangeHooks::Decide(const ExchangeRecord& record, const Message& received) {
  switch (record.state) {
    case ExchangeState::kProposalReceived:
      if (record.role == didcomm::ExchangeRole::kVerifier) {
        const auto wish = ReadPresentationWish(received);
        if (!wish) return Refuse(kProblemFormat);
        std::optional<PresentationWish> asked = *wish;
        if (parts_.ask) {
          KEEL_TRY(asked, parts_.ask(record, *wish));
        }
        if (!asked) return ExchangeDecision::Refuse();
        return ExchangeDecision::GoOn(RequestContent(std::move(*asked), record.id.ours, parts_.will_confirm));
      } else {
        const auto wish = ReadCredentialWish(received);
        if (!wish) return Refuse(kProblemFormat);
        if (!parts_.grant) return Refuse(kProblemNotGranted);
        std::optional<CredentialWish> offered = *wish;
        if (parts_.offer) {
          KEEL_TRY(offered, parts_.offer(record, *wish));
        }
        if (!offered) return Refuse(kProblemNotGranted);
        return ExchangeDecision::GoOn(WishContent(*offered, kFormatOffer));
      }
    case ExchangeState::kOfferReceived: {
      const auto wish = ReadCredentialWish(received);
      if (!wish) return Refuse(kProblemFormat);
      if (parts_.held == nullptr) return ExchangeDecision::Refuse();
      // What we proposed ourselves, and got offered as it was, is what we want.
      const auto proposal = record.sent.empty() ? Fail(Code::kMissing, kWhere) : OurRequest(record);
      if (proposal) {
        const auto proposed = ReadCredentialWish(*proposal);
        if (proposed && proposed->types == wish->types && proposed->claims == wish->claims) return Take(*wish);
      }
      if (!parts_.take) return ExchangeDecision::Later();
      KEEL_TRY(const bool yes, parts_.take(record, *wish));
      if (!yes) return ExchangeDecision::Refuse();
      return Take(*wish);
    }
    case ExchangeState::kRequestReceived:
      if (record.role == didcomm::ExchangeRole::kIssuer) {
        const auto wish = ReadCredentialWish(received);
        if (!wish) return Refuse(kProblemFormat);
        return Issue(record, *wish);
      } else {
        const auto wish = ReadPresentationWish(received);
        if (!wish) return Refuse(kProblemFormat);
        return Prove(record, *wish);
      }
    case ExchangeState::kCredentialReceived: {
      const auto jwt = ReadJwt(received, kFormatCredential);
      if (!jwt) return Refuse(kProblemFormat);
      auto kept = Keep(record, *jwt);
      if (!kept && TheirFault(kept.error().code)) return Refuse(kProblemBadCredential);
      return kept;
    }
    case ExchangeState::kPresentationReceived: {
      const auto jwt = ReadJwt(received, kFormatPresentation);
      if (!jwt) return Refuse(kProblemFormat);
      auto checked = Check(record, *jwt);
      if (!checked && TheirFault(checked.error().code)) return Refuse(kProblemBadPresentation);
      return checked;
    }
    case ExchangeState::kStart:
    case ExchangeState::kProposalSent:
    case ExchangeState::kOfferSent:
    case ExchangeState::kRequestSent:
    case ExchangeState::kCredentialIssued:
    case ExchangeState::kPresentationSent:
    case ExchangeState::kDone:
    case ExchangeState::kAbandoned: break;
  }
  return Fail(Code::kWrongState, kWhere, "nothing to decide");
}

}  // namespace keel::exchange
