// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "crypto/keys.h"
#include "ledger/limits.h"
#include "ledger/text.h"

// The text form of did:keel and the network that it belongs to (docs/formats/did-keel.md, section 1 of the formats).
// `net` everywhere is H(octets of the network's genesis descriptor); the label is only its short name.
namespace keel::ledger {

using Net = Bytes32;
using Did = FixedText<kMaxDid>;
using Kid = FixedText<kMaxKid>;

// True for 1..32 of a-z, 0-9 and '-', beginning with a letter and not ending with '-'.
bool IsLabel(std::string_view label);
// True for a key id: 1..32 of A-Z, a-z, 0-9, '-', '_'.
bool IsKeyId(std::string_view id);

// `did:keel:<label>:<scid>` of a create payload's octets. kInvalidArgument for a bad label.
Result<Did> DidOfCreate(std::string_view label, ByteView create_payload);
Result<Did> DidOfScid(std::string_view label, const Bytes32& scid_hash);

// The parts of a did:keel. `label` is a view into the text given.
struct DidParts {
  std::string_view label;
  Bytes32 scid_hash{};  // the SHA-256 in the scid
};
// kInvalidDid when it is not a did:keel in canonical form; DID URLs (with #, ?, /) are refused too.
Result<DidParts> ParseDid(std::string_view did);
// The same, and the label must be the network's: kWrongNetwork.
Result<DidParts> ParseDidOf(std::string_view did, std::string_view label);

// Splits `did:...#id` at '#'. kInvalidDidUrl when either side is empty or '#' is missing.
struct KidParts {
  std::string_view did;
  std::string_view id;
};
Result<KidParts> ParseKid(std::string_view kid);

// H(mk): SHA-256 of the Multikey text, by which next keys and key records are named.
Result<Bytes32> KeyHash(const crypto::PublicKey& key);
Bytes32 KeyHashOfText(std::string_view multikey);

}  // namespace keel::ledger
