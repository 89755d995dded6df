// SPDX-License-Identifier: Apache-2.0
// What the verifier reads back and what its owner gives it: claims, sessions, policies, profiles.
#include <nlohmann/json.hpp>

#include "tests/fuzz/fuzz.h"
#include "verifier/claim_book.h"
#include "verifier/policy.h"
#include "verifier/profile.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace keel::verifier;
  const std::string text(keel::fuzz::Text(data, size));
  if (const auto policy = Policy::Parse(text)) {
    const auto back = Policy::Parse(policy->ToText());
    FUZZ_CHECK(back.has_value());
    FUZZ_CHECK(back->ToText() == policy->ToText());
    const nlohmann::json facts = {{"manufacturer", "did:keel:demo:z"},
                                  {"hardware", {{"model", "gateway"}, {"memory", 512}, {"list", {1, 2}}}},
                                  {"firmware", {{"version", "1.10.2"}}}};
    const Judgement judged = policy->Judge(facts);
    FUZZ_CHECK(judged.outcomes.size() >= policy->rules().size());
    FUZZ_CHECK(!judged.Sentence().empty());
    (void)judged.ToJson().dump();
  }
  if (const auto profile = MakeProfile("gateway", text, ""))
    FUZZ_CHECK(profile->configuration.size() <= kMaxConfiguration);
  std::string device;
  if (const auto session = DecodeSession(text, device)) {
    const std::string again = EncodeSession(*session, device);
    std::string same;
    const auto back = DecodeSession(again, same);
    FUZZ_CHECK(back.has_value());
    FUZZ_CHECK(EncodeSession(*back, same) == again);
  }
  const size_t middle = text.find('\n');
  if (middle != std::string::npos && size < 200) {
    const std::string a = text.substr(0, middle), b = text.substr(middle + 1);
    const int ab = CompareVersions(a, b), ba = CompareVersions(b, a);
    FUZZ_CHECK((ab < 0) == (ba > 0) && (ab == 0) == (ba == 0));
    FUZZ_CHECK(CompareVersions(a, a) == 0);
  }
  return 0;
}
