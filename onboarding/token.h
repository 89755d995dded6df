// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "core/time.h"
#include "crypto/key_store.h"
#include "crypto/keys.h"
#include "onboarding/limits.h"

// The broker token: a compact JWS {"alg","kid","typ":"keel-token+jwt"} . {iss, aud, iat, exp} by which a member of a
// fleet connects, signed by its pairwise key. Lives at most kTokenLifeSeconds. kid is "<iss>#<key id>".
namespace keel::onboarding {

struct TokenFields {
  std::string_view kid;  // "<did>#<id>"; iss is what stands before '#'
  std::string_view aud;  // the fleet's id at this broker
  UnixSeconds iat = 0;
  UnixSeconds exp = 0;
};
// Returns the token's length. kInvalidArgument (exp - iat over the limit, kid without '#').
Result<size_t> SignToken(const TokenFields& fields, crypto::KeyStore& store, crypto::KeyHandle key,
                         std::span<char> out);

// A parsed, not yet verified token; views point into scratch.
struct Token {
  std::string_view kid, iss, aud;
  UnixSeconds iat = 0, exp = 0;
  std::string_view signing_input;  // a view into the token
  Bytes64 signature{};
};
inline constexpr size_t kTokenScratch = 1000;
Result<Token> ParseToken(std::string_view token,
                         ByteSpan scratch);  // kMalformed, kTooLarge, kAlgorithmNotAllowed, kOutOfRange (life too long)
// kBadSignature, kWrongAudience, kNotYetValid, kExpired.
Result<> VerifyToken(const Token& token, const crypto::PublicKey& key, std::string_view aud, UnixSeconds now);

}  // namespace keel::onboarding
