// SPDX-License-Identifier: Apache-2.0
// Data Integrity: documents with proofs (text) are judged without a crash, whatever was valid stays so when it is
// written again; proof values of ecdsa-sd-2023 (anything else) are read strictly.
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/methods/key.h"
#include "tests/fuzz/fuzz.h"
#include "vc/data_integrity/derive.h"
#include "vc/data_integrity/internal/proof_config.h"
#include "vc/data_integrity/internal/sd_proof.h"
#include "vc/data_integrity/internal/sd_transform.h"
#include "vc/data_integrity/verify.h"

namespace {

void ProofValues(keel::ByteView octets) {
  if (const auto base = keel::vc::internal::ParseBase(octets)) {
    const auto again = keel::vc::internal::SerializeBase(*base);
    FUZZ_CHECK(again && *again == keel::base::ToBytes(octets));
  }
  if (const auto derived = keel::vc::internal::ParseDerived(octets)) {
    const auto again = keel::vc::internal::SerializeDerived(*derived);
    FUZZ_CHECK(again.has_value());
    FUZZ_CHECK(keel::vc::internal::ParseDerived(*again).has_value());
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  keel::crypto::SetUpHostedCrypto();
  if (size == 0 || data[0] != '{') {
    ProofValues({data, size});
    (void)keel::vc::internal::ParseDateTimeStamp(keel::fuzz::Text(data, size));
    return 0;
  }
  const std::string_view text = keel::fuzz::Text(data, size);
  keel::did::KeyMethod resolver;
  keel::vc::VerifyOptions options;
  options.now = 1'790'000'000;
  options.max_size = 64 << 10;
  options.ignore_status = true;
  const auto verdict = keel::vc::VerifyDataIntegrity(text, resolver, options);
  const auto document = keel::base::ParseJson(text, {.max_size = 64 << 10});
  if (verdict && verdict->valid()) {
    FUZZ_CHECK(document.has_value());
    const auto again = keel::vc::VerifyDataIntegrity(keel::base::DumpJson(*document), resolver, options);
    FUZZ_CHECK(again && again->valid());
  }
  if (document && document->is_object()) (void)keel::vc::Derive(*document, {"/credentialSubject"});
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 4000; }
