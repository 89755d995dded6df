// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "vc/verification.h"

// Verifiable presentations as vp+jwt (VC-JOSE-COSE 1.0), bound to nonce, audience and time; further members (pv, pd,
// th, vcs, pack, want: protocol.md section 8) pass through unread.
namespace keel::vc {

inline constexpr uint64_t kMaxPresentationLife = 600;  // seconds, exp - iat

struct PresentationRequest {
  std::string holder;  // DID; iss and holder
  std::string audience;
  std::string nonce;
  UnixSeconds iat = 0;
  UnixSeconds exp = 0;                   // 0: iat + 600
  std::vector<std::string> credentials;  // vc+jwt's put into verifiableCredential as EnvelopedVerifiableCredential; may
                                         // be empty (vcs instead)
  std::string extra = "{}";              // JSON object: more members
};

// With `kid` the header names the key; with `embed_jwk` it carries the public key (jwk) and no kid, so that a device
// needs no resolver.
Result<std::string> CreatePresentation(const PresentationRequest& request, crypto::KeyStore& store,
                                       crypto::KeyHandle key, const std::string& kid, bool embed_jwk = false);

struct PresentationOptions {
  std::string audience;               // required
  std::string nonce;                  // required
  UnixSeconds now = 0;                // required
  std::optional<std::string> holder;  // must be this one
  uint64_t max_life = kMaxPresentationLife;
  VerifyOptions
      credentials;  // for each embedded credential (now is taken from above); batches by position in `batches`
  std::vector<BatchMember> batches;
};

struct PresentationVerification {
  std::vector<Check> checks;
  std::string holder;
  std::string payload;  // JSON text: read pv, pd, th, vcs, ... here
  std::string kid;
  crypto::PublicKey key;  // that signed
  std::vector<Verification> credentials;

  bool valid() const;  // all checks, and all credentials
  const Check* Find(std::string_view name) const;
  std::string Reason() const;
};

// The key must be a current authentication key of the holder (iss). Errors as VerifyCredential's.
Result<PresentationVerification> VerifyPresentation(std::string_view jwt, did::DidResolver& resolver,
                                                    const PresentationOptions& options);

}  // namespace keel::vc
