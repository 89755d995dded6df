// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "did/methods/key.h"
#include "tests/fakes/memory_keys.h"
#include "vc/cose/credential.h"
#include "vc/sd_jwt/sd_jwt.h"

// One issuer with the same key in each run, who signed one credential: what seeds are made of, and the most that a
// target may come to believe.
namespace keel::fuzz {

inline constexpr UnixSeconds kNow = 1'790'000'000;

struct SealedWorld {
  SealedWorld() {
    key = *keys.Generate(crypto::KeyType::kEd25519);
    holder = *keys.Generate(crypto::KeyType::kEd25519);
    issuer = did::DidKey(*keys.Public(key));
    kid = did::DidKeyUrl(*keys.Public(key));
    claims = {{"iss", issuer},           {"vct", "https://example.com/device"},
              {"exp", kNow + 1000},      {"model", "M1"},
              {"serial", "S-17"},        {"firmware", {{"version", "1.2"}, {"digest", "abc"}}},
              {"ports", {"uart", "can"}}};
    credential = {{"@context", {"https://www.w3.org/ns/credentials/v2"}},
                  {"type", {"VerifiableCredential"}},
                  {"issuer", issuer},
                  {"credentialSubject", {{"model", "M1"}}}};
  }
  std::string SdJwt() {
    fakes::SeededRandom random("salts");
    const vc::SdJwtIssue plan{.kid = kid,
                              .concealed = {"/model", "/serial", "/firmware", "/firmware/digest", "/ports/0"},
                              .decoys = 1,
                              .holder = *keys.Public(holder)};
    return *vc::IssueSdJwt(claims, plan, random, keys, key);
  }
  std::string Presented() {
    const vc::KeyBinding binding{
        .audience = "did:example:owner", .nonce = "n-1", .iat = kNow, .store = &keys, .key = holder};
    return *vc::PresentSdJwt(SdJwt(), {"/model", "/firmware/digest"}, &binding);
  }
  base::ByteVec Cose() { return *vc::IssueCose(credential, keys, key, kid); }

  fakes::MemoryKeys keys{"issuer"};
  crypto::KeyHandle key, holder;
  std::string issuer, kid;
  nlohmann::json claims, credential;
};

}  // namespace keel::fuzz
