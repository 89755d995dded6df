// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstddef>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "core/result.h"

// EnvelopedVerifiableCredential and EnvelopedVerifiablePresentation (data model 2.0, sections 4.12.1, 4.13.1): a JSON
// object whose id, a data: URL (RFC 2397), holds the secured octets. Pure, thread-safe.
namespace keel::vc {

// How secured octets are called, and what they can hold.
struct SecuredType {
  std::string_view media_type;
  enum class Syntax : unsigned char { kJwt, kSdJwt, kCose } syntax;
  bool credential, presentation;
};
// Of "application/vc+jwt", "application/vp+jwt", "application/jwt" (VC Data Model 1.1's tokens),
// "application/vc+sd-jwt", "application/vp+sd-jwt", "application/dc+sd-jwt", "application/vc+cose",
// "application/vp+cose". kUnsupported names these.
Result<SecuredType> SecuredTypeOf(std::string_view media_type);

struct Envelope {
  SecuredType type;
  std::string octets;
};
// Takes a data: URL apart: percent-encoding, and with ";base64" base64 (padded or not, white space at its end let
// through). Other parameters mean nothing. kMalformed, kNotCanonical, kTooLarge (over max_size octets), kUnsupported
// (SecuredTypeOf).
Result<Envelope> OpenDataUrl(std::string_view url, size_t max_size);

// The object around secured octets; CBOR goes in as base64. kUnsupported (SecuredTypeOf).
Result<nlohmann::json> MakeEnvelope(std::string_view media_type, std::string_view octets);

}  // namespace keel::vc
