// SPDX-License-Identifier: Apache-2.0
// SD-JWTs in every form: what is taken apart is put together again the same; nothing is believed that the issuer did
// not say, and no key binding but the holder's.
#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sealed_world.h"
#include "vc/sd_jwt/verify.h"

namespace {

using nlohmann::json;

// Every member and element of `part` is in `whole`; elements in the same order.
bool Within(const json& part, const json& whole) {
  if (part.is_object() && whole.is_object()) {
    for (const auto& [name, value] : part.items()) {
      if (!whole.contains(name) || !Within(value, whole[name])) return false;
    }
    return true;
  }
  if (part.is_array() && whole.is_array()) {
    auto at = whole.begin();
    for (const json& value : part) {
      while (at != whole.end() && !Within(value, *at)) ++at;
      if (at == whole.end()) return false;
      ++at;
    }
    return true;
  }
  return part == whole;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static keel::fuzz::SealedWorld world;
  const std::string_view text = keel::fuzz::Text(data, size);
  const auto parts = keel::vc::SdJwt::Parse(text, 64 << 10);
  if (parts) {
    const auto again = keel::vc::SdJwt::Parse(parts->Compact());
    FUZZ_CHECK(again && again->jwt == parts->jwt && again->disclosures == parts->disclosures &&
               again->key_binding == parts->key_binding);
    json payload;
    if (keel::vc::InspectSdJwt(*parts, payload)) {
      FUZZ_CHECK(!payload.contains("_sd") && !payload.contains("_sd_alg") && !payload.contains("..."));
      if (const auto all = keel::vc::PresentSdJwt(parts->Signed(), {""})) FUZZ_CHECK(*all == parts->Signed());
    }
  }
  keel::did::KeyMethod resolver;
  keel::vc::VerifyOptions options;
  options.now = keel::fuzz::kNow;
  const auto verdict = keel::vc::VerifySdJwt(text, resolver, options);
  if (verdict && verdict->valid() && verdict->credential.issuer == world.issuer) {
    json claims = *keel::base::ParseJson(verdict->credential.json);
    claims.erase("cnf");
    FUZZ_CHECK(Within(claims, world.claims));
  }
  options.audience = "did:example:owner";
  options.nonce = "n-1";
  const auto bound = keel::vc::VerifySdJwt(text, resolver, options);
  if (bound && bound->valid() && bound->credential.issuer == world.issuer)
    FUZZ_CHECK(parts && parts->Compact() == world.Presented());
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 4000; }
