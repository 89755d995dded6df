// SPDX-License-Identifier: Apache-2.0
// JWS: the wallet takes no more than the host and both judge the same; credentials are read without a crash.
#include "base/encoding.h"
#include "device-wallet/core/jwt.h"
#include "did/jose.h"
#include "did/methods/key.h"
#include "onboarding/token.h"
#include "tests/fuzz/fuzz.h"
#include "vc/verification.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  const auto host = keel::did::Jws::Parse(text, 64 << 10);
  for (const char* typ : {"vc+jwt", "vp+jwt", "order+jwt"}) {
    const auto wallet = keel::wallet::ParseJwt(text, typ);
    if (!wallet) continue;
    if (!host) {
      // The wallet looks at the payload only after the signature.
      FUZZ_CHECK(!keel::base::FromBase64Url(wallet->payload));
      continue;
    }
    FUZZ_CHECK(host->typ == typ && host->signing_input == wallet->signing_input);
    FUZZ_CHECK(wallet->jwk.valid() == host->jwk.valid());
    if (!wallet->jwk.valid()) continue;
    FUZZ_CHECK(keel::base::Multikey(wallet->jwk) == keel::base::Multikey(host->jwk));
    const bool good = keel::wallet::VerifyJwt(*wallet, wallet->jwk).has_value();
    const auto verdict = keel::did::VerifyJws(*host, host->jwk);
    if (good) FUZZ_CHECK(verdict && *verdict);
  }
  keel::ByteArray<keel::onboarding::kTokenScratch> scratch{};
  if (const auto token = keel::onboarding::ParseToken(text, scratch)) {
    FUZZ_CHECK(host.has_value() && host->typ == "keel-token+jwt");
    FUZZ_CHECK(token->exp - token->iat <= keel::onboarding::kTokenLifeSeconds);
  }
  keel::did::KeyMethod resolver;
  keel::vc::VerifyOptions options;
  options.now = 1'790'000'000;
  (void)keel::vc::VerifyCredential(text, resolver, options);
  (void)keel::vc::Credential::Parse(text);
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 8000; }
