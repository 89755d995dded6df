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
// A created_time that lies over kMaxAhead ahead (kNotYetValid); an expires_time that is past (kExpired).
Result<> CheckTimes(const Message& message, UnixSeconds now);
// Until when a replay cache must know the message. kExpired: it says that it was made longer than replay_seconds ago,
// so that it may have come and been forgotten.
Result<UnixSeconds> RememberUntil(const Message& message, UnixSeconds now, uint64_t replay_seconds);
Result<> CheckFromPrior(const Message& message, did::DidResolver& resolver, Metadata& metadata);

}  // namespace keel::didcomm
