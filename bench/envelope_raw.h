// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>

#include "crypto/keys.h"

// What an envelope can't do without, called on the libraries themselves and with everything that can be made ready
// beforehand made ready: no JSON, no base64url, no key derivation, no checks of points.
namespace keel::bench {

using Work = std::function<void()>;

// An ephemeral key, `agreements` agreements, the content, its key wrapped. Content: A256CBC-HS512 or XC20P.
Work RawPack(crypto::KeyType type, int agreements, bool cbc, size_t size);
// `agreements` agreements, the content's key unwrapped, the content.
Work RawUnpack(crypto::KeyType type, int agreements, bool cbc, size_t size);
// One signature over that many octets, one verification.
Work RawSign(crypto::KeyType type, size_t size);
Work RawVerify(crypto::KeyType type, size_t size);

}  // namespace keel::bench
