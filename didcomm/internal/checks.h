// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/json_text.h"

#include "didcomm/unpack.h"

// Private to didcomm: the parts of Unpack that judge what was opened.
namespace keel::didcomm {

// Verifies a signed message (JWS JSON, general or flattened) and gives its payload; fills sign_from, sign_alg, signers.
// Every signature must verify under a key that its signer's DID lists for authentication.
Result<std::string> OpenSigned(const base::JsonText::Value& root, did::DidResolver& resolver, Metadata& metadata);

// "Message Layer Addressing Consistency", and from_prior.
Result<> CheckAddressing(const Message& message, const Metadata& metadata, const std::string& outer_kid);
Result<> CheckFromPrior(const Message& message, did::DidResolver& resolver, Metadata& metadata);

}  // namespace keel::didcomm
