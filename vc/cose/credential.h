// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/encoding.h"
#include "vc/cose/cose_sign1.h"

// VC Data Model 2.0 credentials and presentations as vc+cose and vp+cose (VC-JOSE-COSE 1.0, section 3.3).
namespace keel::vc {

inline constexpr std::string_view kTypVcCose = "application/vc+cose";
inline constexpr std::string_view kTypVpCose = "application/vp+cose";

// Signs a credential, content type application/vc: its JSON without white space, members sorted. The issuer must be
// kid's DID (kInvalidArgument).
Result<base::ByteVec> IssueCose(const nlohmann::json& credential, crypto::KeyStore& store, crypto::KeyHandle key,
                                const std::string& kid);

// Signs a presentation, content type application/vp, whose `holder` must be kid's DID (kInvalidArgument). Audience,
// nonce and times go into the CWT claims of the protected header; its issuer becomes the holder.
Result<base::ByteVec> PresentCose(const nlohmann::json& presentation, const CwtClaims& bound, crypto::KeyStore& store,
                                  crypto::KeyHandle key, const std::string& kid);

}  // namespace keel::vc
