// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/jwe.h"
#include "didcomm/message.h"

// Packing (DIDComm v2.1, "DIDComm Messages"): plaintext, signed, and anoncrypt or authcrypt of plaintext or signed, and
// anoncrypt(authcrypt(plaintext)), which are the combinations that section "IANA Media Types" allows. Every function
// checks addressing before it makes an envelope: `from` is the DID of the key that signs or encrypts, `to` names the
// recipient ("Message Layer Addressing Consistency"). Thread-safe as far as the collaborators are.
namespace keel::didcomm {

struct PackOptions {
  AgreementCache* agreements = nullptr;
  Random* random = nullptr;     // null: the system's
  std::string sign_by;          // kid (or DID): sign first, inside the encryption
  bool protect_sender = false;  // authcrypt: an anoncrypt layer around; not together with sign_by
  ContentEncryption anoncrypt = ContentEncryption::kXc20p;
  std::vector<std::string> cosign_by;  // further kids of the same DID: each adds a signature to sign_by's
  // What the recipient takes at most (feature "max_receive_bytes", 0: unknown). A longer envelope is kTooLarge.
  uint64_t max_receive_bytes = 0;
};

struct Packed {
  std::string text;
  std::string plaintext;  // the exact octets inside (transcripts hash them)
  std::string from_kid;   // key that encrypted (authcrypt)
  std::string sign_kid;
  std::vector<std::string> to_kids;
  std::vector<std::string> endpoints;  // uris of the recipient's DIDCommMessaging services
};

Result<Packed> PackPlaintext(const Message& message);
// `sign_by`: a kid, or a DID (its first authentication key that the finder has). EdDSA, ES256 or ES256K by the key's
// type.
Result<Packed> PackSigned(const Message& message, const std::string& sign_by, did::KeyFinder& keys,
                          did::DidResolver& resolver);
// The same with a signature by each of several keys, all of the DID in `from`.
Result<Packed> PackSigned(const Message& message, std::span<const std::string> sign_by, did::KeyFinder& keys,
                          did::DidResolver& resolver);
// `to`: a DID (all its keyAgreement keys of the first usable curve) or one key's DID URL.
Result<Packed> PackAnoncrypt(const Message& message, const std::string& to, did::KeyFinder& keys,
                             did::DidResolver& resolver, const PackOptions& options = {});
// `from`: a DID (its first keyAgreement key that the finder has and whose curve the recipient shares) or a key's DID
// URL.
Result<Packed> PackAuthcrypt(const Message& message, const std::string& from, const std::string& to,
                             did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options = {});
// One envelope for several recipients, each a DID or a key's DID URL: all of them learn who the others are. The
// envelope has one curve: the first that every recipient (and the sender) has; kUnsupported names who lacks it. DIDComm
// v2.1 (section "Message Encryption") wants an envelope of its own for each DID: use these among parties that agreed on
// it.
Result<Packed> PackAnoncrypt(const Message& message, std::span<const std::string> to, did::KeyFinder& keys,
                             did::DidResolver& resolver, const PackOptions& options = {});
Result<Packed> PackAuthcrypt(const Message& message, const std::string& from, std::span<const std::string> to,
                             did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options = {});
// The same over ready-made plaintext octets (repeats must be the same octets): they are parsed for the addressing check
// and encrypted as they are.
Result<Packed> PackAuthcryptOctets(std::string_view plaintext, const std::string& from, const std::string& to,
                                   did::KeyFinder& keys, did::DidResolver& resolver, const PackOptions& options = {});

// A from_prior JWT (section "DID Rotation"): iss the old DID, sub the new, signed by an authentication key of the old.
Result<std::string> MakeFromPrior(const std::string& old_did, const std::string& new_did, UnixSeconds iat,
                                  const std::string& kid, did::KeyFinder& keys);

}  // namespace keel::didcomm
