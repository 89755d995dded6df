// SPDX-License-Identifier: Apache-2.0
#include "vc/signature_check.h"

#include "did/did.h"

namespace keel::vc {

Result<> AddSignatureChecks(Verification& verification, const std::string& controller, const std::string& key_id,
                            did::Relationship use, did::DidResolver& resolver, const VerifyOptions& options,
                            const std::function<Result<bool>(const crypto::PublicKey&)>& verify) {
  if (!did::IsDid(controller) && options.given_keys.empty() && !resolver.Resolve(controller)) {
    return Fail(Code::kUnavailable, "verify credential",
                (controller.empty() ? std::string("no issuer is named") : "'" + controller + "' is no DID") +
                    ", and keys are never fetched from the web: give the issuer's key (--key)");
  }
  KEEL_TRY(const KeyChoice choice, ChooseKeys(controller, key_id, use, resolver, options, options.anchored_at));
  Note(verification, kCheckIssuer, choice.ok, choice.detail);
  if (!choice.ok) {
    Note(verification, kCheckSignature, false, "no key to check it with");
    return {};
  }
  std::string why = "no key made it";
  for (const crypto::PublicKey& key : choice.keys) {
    const Result<bool> verdict = verify(key);
    if (verdict && *verdict) {
      Note(verification, kCheckSignature, true, key_id.empty() ? "made by a given key" : "made by " + key_id);
      return {};
    }
    if (verdict) continue;
    if (verdict.error().code != Code::kAlgorithmNotAllowed && verdict.error().code != Code::kMalformed)
      return std::unexpected<Error>(verdict.error());
    why = verdict.error().Text();
  }
  Note(verification, kCheckSignature, false, "wrong: " + why);
  return {};
}

}  // namespace keel::vc
