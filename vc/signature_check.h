// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>

#include "vc/common_checks.h"

namespace keel::vc {

// kCheckIssuer and kCheckSignature of an envelope (SD-JWT, COSE): the controller's keys that `key_id` names, and
// whether one of them made the signature. `verify` gives the verdict under one key; its kAlgorithmNotAllowed and
// kMalformed (a key of another kind) count as "no". Errors: ChooseKeys's, and kUnavailable for a controller that is no
// DID and resolves to nothing while no key was given (its metadata is never fetched). Pure but for the resolver.
Result<> AddSignatureChecks(Verification& verification, const std::string& controller, const std::string& key_id,
                            did::Relationship use, did::DidResolver& resolver, const VerifyOptions& options,
                            const std::function<Result<bool>(const crypto::PublicKey&)>& verify);

}  // namespace keel::vc
