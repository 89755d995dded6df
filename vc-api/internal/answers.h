// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/net/http.h"
#include "core/result.h"

namespace keel::vc_api::internal {

// RFC 9457: application/problem+json with type, title, status, detail.
base::HttpResponse Problem(int status, const Error& error);

}  // namespace keel::vc_api::internal
