// SPDX-License-Identifier: Apache-2.0
// Credentials and presentations of any form: whatever verifies as the issuer's says what the issuer signed; envelopes
// open to what was put in.
#include "base/json_strict.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/sealed_world.h"
#include "vc/data_model/model.h"
#include "vc/enveloped.h"
#include "vc/problem_details.h"
#include "vc/verify_any.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using nlohmann::json;
  const std::string_view text = keel::fuzz::Text(data, size);
  if (const auto open = keel::vc::OpenDataUrl(text, 64 << 10)) {
    const auto made = keel::vc::MakeEnvelope(open->type.media_type, open->octets);
    FUZZ_CHECK(made.has_value());
    // What a URL can hold as it is comes out again; tokens have nothing else.
    if (open->octets.find_first_of("%") == std::string::npos) {
      const auto again = keel::vc::OpenDataUrl((*made)["id"].get<std::string>(), 64 << 10);
      FUZZ_CHECK(again && again->octets == open->octets);
    }
  }
  if (const auto document = keel::base::ParseJson(text, {.max_size = 64 << 10})) {
    // A document with the rules of one kind kept is of that kind.
    if (keel::vc::CheckCredentialModel(*document)) FUZZ_CHECK(keel::vc::HasType(*document, "VerifiableCredential"));
    if (keel::vc::CheckPresentationModel(*document)) FUZZ_CHECK(keel::vc::HasType(*document, "VerifiablePresentation"));
  }
  keel::did::KeyMethod resolver;
  keel::vc::VerifyOptions options;
  options.now = keel::fuzz::kNow;
  options.max_size = 64 << 10;
  const auto verdict = keel::vc::VerifyAny(text, resolver, options);
  if (!verdict) return 0;
  FUZZ_CHECK(!verdict->checks.empty());
  FUZZ_CHECK(keel::vc::VerdictJson(*verdict)["verified"] == verdict->valid());
  if (!verdict->valid()) return 0;
  FUZZ_CHECK(keel::vc::Recognize(text) != keel::vc::Syntax::kUnsecured);
  for (const auto& one : verdict->credentials) FUZZ_CHECK(one.valid() && !one.presentation);
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 3000; }
