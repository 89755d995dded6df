// SPDX-License-Identifier: Apache-2.0
#include <algorithm>

#include "tests/unit/vc_sd_jwt/world.h"

// Every character of an SD-JWT+KB changed, one after the other: none may be believed.
namespace keel::vc {
namespace {

class Tamper : public SdJwtTest {};

TEST_F(Tamper, EveryCharacter) {
  const std::string token = Present(Issue(), {"/model", "/firmware/digest", "/ports/0"});
  ASSERT_TRUE(Verify(token, Options(true)).valid());
  for (size_t i = 0; i < token.size(); ++i) {
    for (const char other : {'A', 'B', '.', '~', '='}) {
      if (token[i] == other) continue;
      std::string changed = token;
      changed[i] = other;
      // Only the trailing bits of the last character of a base64url text could be without meaning, and such spellings
      // are refused.
      const auto v = VerifySdJwt(changed, resolver_, Options(true));
      EXPECT_FALSE(v && v->valid()) << "at " << i << " " << token[i] << " -> " << other;
    }
    std::string shorter = token;
    shorter.erase(i, 1);
    const auto v = VerifySdJwt(shorter, resolver_, Options(true));
    EXPECT_FALSE(v && v->valid()) << "without " << i;
  }
}

TEST_F(Tamper, Cut) {
  const std::string token = Present(Issue(), {"/model"});
  for (size_t n = 0; n < token.size(); n += 3) {
    const auto v = VerifySdJwt(token.substr(0, n), resolver_, Options(true));
    EXPECT_FALSE(v && v->valid()) << n;
  }
}

TEST_F(Tamper, PartsOfTwo) {
  const SdJwt a = *SdJwt::Parse(Present(Issue(), {"/model"}, false));
  const SdJwt b = *SdJwt::Parse(Present(Issue(), {"/model"}, false));
  SdJwt mixed = a;
  mixed.disclosures = b.disclosures;
  Refused(mixed.Compact(), kCheckDisclosures, "no digest refers");
  mixed = a;
  mixed.jwt = a.jwt.substr(0, a.jwt.rfind('.')) + b.jwt.substr(b.jwt.rfind('.'));
  Refused(mixed.Compact(), kCheckSignature);
}

}  // namespace
}  // namespace keel::vc
