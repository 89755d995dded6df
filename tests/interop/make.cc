// SPDX-License-Identifier: Apache-2.0
// What tests/interop needs of the library and `keel didcomm` has no verb for:
//   keel-interop-make from-prior SECRETS KID OLD-DID NEW-DID     prints a from_prior JWT
#include <cstdio>
#include <string_view>

#include "base/clock.h"
#include "crypto/signature.h"
#include "did/key_finder.h"
#include "didcomm/pack.h"

namespace {

using namespace keel;

Result<std::string> FromPrior(char** argv) {
  KEEL_TRY(const auto secrets, did::SecretsFile::Load(argv[0]));
  return didcomm::MakeFromPrior(argv[2], argv[3], base::NowSeconds(), argv[1], *secrets);
}

}  // namespace

int main(int argc, char** argv) {
  crypto::SetUpHostedCrypto();
  const std::string_view verb = argc > 1 ? argv[1] : "";
  Result<std::string> made = Fail(Code::kUsage, "keel-interop-make", "from-prior SECRETS KID OLD NEW");
  if (verb == "from-prior" && argc == 6) made = FromPrior(argv + 2);
  if (!made) return std::fprintf(stderr, "%s\n", made.error().Text().c_str()), 1;
  return std::printf("%s\n", made->c_str()) > 0 ? 0 : 1;
}
