// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/encoding.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/message.h"

// What is inside attachments (DIDComm v2.1, section "Attachments"): read, hashes and signatures checked; made.
// Functions are thread-safe as far as the collaborators are.
namespace keel::didcomm {

// Fetches what a link names, `max_octets` at most (kTooLarge). Which links are followed at all is its business.
using FetchLink = std::function<Result<base::ByteVec>(const std::string& uri, size_t max_octets)>;

struct AttachmentOptions {
  size_t max_octets = size_t{16} << 20;  // of the content
  FetchLink fetch;                       // none: content that is only linked is kUnavailable
  did::DidResolver* resolver = nullptr;  // none: a signed attachment can't be checked (kUnavailable)
  bool require_signature = false;        // else kRefused
};

struct AttachmentContent {
  base::ByteVec octets;              // of `json`: its text, as it came if that had no white space
  bool hash_checked = false;         // there was a hash, and it is right
  std::vector<std::string> signers;  // kids of the signatures, all right; who may sign is the caller's to judge
  std::string link;                  // where it was fetched
};

// The content of an attachment: `base64` (base64url; padding is tolerated), else `json`, else the first of `links` that
// can be fetched and has the right hash. A hash is always checked, of linked content it is required; for `json` it may
// be of the text or of its canonical form (RFC 8785). A `jws` must be right: detached, general or flattened, each key
// listed under authentication or assertionMethod of its DID. kMalformed, kNotCanonical, kTooLarge, kMissing (hash),
// kUnsupported (a hash function besides SHA-256 and SHA-512, crit, b64), kCorrupt (the hash is another's),
// kBadSignature and ResolveKey's errors, kUnavailable, kRefused, the fetcher's errors when no link serves.
Result<AttachmentContent> OpenAttachment(const Attachment& attachment, const AttachmentOptions& options = {});

// The content's SHA-256 as a multihash in multibase ("zQm..."): what `hash` holds. Read are also bare base58btc,
// multibase 'u' and lower-case hexadecimal.
std::string AttachmentHash(ByteView content);
// kMalformed, kUnsupported (function); false when the content has another hash.
Result<bool> HashMatches(std::string_view hash, ByteView content);

// Content by value, with its hash and length.
Attachment AttachOctets(std::string id, std::string media_type, ByteView content);
// Signs content that is there by value: sets `jws` (flattened, detached). kNoSuchKey, kUnsupported, key store errors;
// kInvalidArgument when the content is only linked.
Result<> SignAttachment(Attachment& attachment, const std::string& kid, did::KeyFinder& keys);

}  // namespace keel::didcomm
