// SPDX-License-Identifier: Apache-2.0
// What tests/interop needs of the library and `keel didcomm` has no verb for:
//   keel-interop-make from-prior SECRETS KID OLD-DID NEW-DID     prints a from_prior JWT
//   keel-interop-make forward DID-DOCS TO < ENVELOPE             wraps an envelope for the mediators of TO
#include <cstdio>
#include <string_view>

#include "base/clock.h"
#include "base/files.h"
#include "crypto/signature.h"
#include "did/key_finder.h"
#include "didcomm/pack.h"
#include "didcomm/routing.h"

namespace {

using namespace keel;

Result<std::string> FromPrior(char** argv) {
  KEEL_TRY(const auto secrets, did::SecretsFile::Load(argv[0]));
  return didcomm::MakeFromPrior(argv[2], argv[3], base::NowSeconds(), argv[1], *secrets);
}

Result<std::string> Forward(char** argv) {
  did::StaticResolver documents;
  KEEL_TRY_VOID(documents.AddFile(argv[0]));
  KEEL_TRY(std::string packed, base::ReadFile("-", didcomm::kMaxMessage));
  KEEL_TRY(const auto deliveries, didcomm::Route(std::move(packed), argv[1], documents));
  return deliveries.front().envelope;
}

}  // namespace

int main(int argc, char** argv) {
  crypto::SetUpHostedCrypto();
  const std::string_view verb = argc > 1 ? argv[1] : "";
  Result<std::string> made =
      Fail(Code::kUsage, "keel-interop-make", "from-prior SECRETS KID OLD NEW, or forward DOCS TO");
  if (verb == "from-prior" && argc == 6) made = FromPrior(argv + 2);
  if (verb == "forward" && argc == 4) made = Forward(argv + 2);
  if (!made) return std::fprintf(stderr, "%s\n", made.error().Text().c_str()), 1;
  return std::printf("%s\n", made->c_str()) > 0 ? 0 : 1;
}
