// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <span>
#include <string>

#include "did/methods/peer.h"

// did:peer, numalgo 4 (DIF Peer DID Method 1.0, "Method 4"): a long form that carries an input document, and a short
// form, the document's hash, for those who have seen the long one. Pure functions, thread-safe.
namespace keel::did {

struct Peer4 {
  std::string long_form;
  std::string short_form;
};

// Of an input document: a JSON object, taken octet by octet as it stands (the hash covers them). kMalformed: no strict
// JSON object; kInvalidDidDocument: it has an `id`, an id or reference that is not relative, a `controller` that could
// only be its own, or keys or services that don't read; kTooLarge: the long form would exceed kMaxDid.
Result<Peer4> CreatePeer4(std::string_view input_document);
// Of these keys, as "#key-1", "#key-2", ..., and services as CreatePeer2 takes them. Besides: kUnsupported.
Result<Peer4> CreatePeer4(std::span<const PeerKey> keys, std::span<const std::string> services = {});

// Whether it is a long form ("did:peer:4zQm...:z..."), by its looks.
bool IsPeer4Long(std::string_view did);
// The short form that a long one contains, its hash checked. kInvalidDid.
Result<std::string> Peer4ShortForm(std::string_view long_form);

// The document of a long form, under the long form's name or, `as_short`, under the short one's; the other stands in
// alsoKnownAs. kInvalidDid: the hash is of another document, or that one is not an input document.
Result<DidDocument> ResolvePeer4(std::string_view long_form, bool as_short = false);

}  // namespace keel::did
