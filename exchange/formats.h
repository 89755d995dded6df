// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "didcomm/message.h"

// What the attachments of issue-credential 3.0 and present-proof 3.0 hold when the credentials are vc+jwt
// (docs/protocols/didcomm.md, "vc+jwt"). Value types.
namespace keel::exchange {

// Values of an attachment's `format`.
inline constexpr std::string_view kFormatOffer = "keel/vc-jwt-offer@v1.0";
inline constexpr std::string_view kFormatRequest = "keel/vc-jwt-request@v1.0";  // proposals, too
inline constexpr std::string_view kFormatCredential = "keel/vc-jwt@v1.0";
inline constexpr std::string_view kFormatPresentationRequest = "keel/vp-jwt-request@v1.0";  // proposals, too
inline constexpr std::string_view kFormatPresentation = "keel/vp-jwt@v1.0";

inline constexpr size_t kMaxWishes = 16;      // credentials of one presentation, types of one credential
inline constexpr size_t kMaxWishText = 512;   // octets of a type, a DID, a nonce
inline constexpr size_t kMaxWish = 64 << 10;  // octets of a wish as JSON
inline constexpr size_t kMaxJwt = 768 << 10;  // octets of a vc+jwt or vp+jwt

// Of proposals, offers and requests: {"types":[...],"claims":{...}}. The subject is the holder's DID in the exchange.
struct CredentialWish {
  std::vector<std::string> types;  // all of them, beside VerifiableCredential
  std::string claims = "{}";       // JSON object: what the holder wants or the issuer offers in credentialSubject
};
// Of presentation requests and proposals: {"nonce","audience","credentials":[{"types":[...],"issuers":[...]}]}.
struct PresentationWish {
  struct Want {
    std::vector<std::string> types;
    std::vector<std::string> issuers;  // any of them; empty: whomever the verifier trusts
  };
  std::string nonce;     // empty in proposals
  std::string audience;  // the verifier's DID
  std::vector<Want> credentials;
};

didcomm::Attachment ToAttachment(const CredentialWish& wish, std::string_view format);
didcomm::Attachment ToAttachment(const PresentationWish& wish);
// A vc+jwt (kFormatCredential) or vp+jwt (kFormatPresentation).
didcomm::Attachment JwtAttachment(std::string_view jwt, std::string_view format);

// From the message's attachment of that format; a hash that it has must be right. kUnsupported (it has none of that
// format, or only a link), kMissing, kMalformed, kTooLarge, kCorrupt (the hash is another's).
Result<CredentialWish> ReadCredentialWish(const didcomm::Message& message);
Result<PresentationWish> ReadPresentationWish(const didcomm::Message& message);
Result<std::string> ReadJwt(const didcomm::Message& message, std::string_view format);

// True when `has` holds every one of `wanted`.
bool HasAll(const std::vector<std::string>& has, const std::vector<std::string>& wanted);

}  // namespace keel::exchange
