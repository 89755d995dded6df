// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

#include "base/net/http_server.h"
#include "did/resolver.h"

namespace keel::did {

inline constexpr std::string_view kIdentifiersPath = "/1.0/identifiers/";

// The HTTP binding of DID Resolution (section 10.1) and the interface of the Universal Resolver's drivers, for GET,
// HEAD and POST below kIdentifiersPath. Options: versionId, versionTime, noCache, expandRelativeUrls,
// verificationRelationship, and did:key's publicKeyFormat and enableExperimentalPublicKeyTypes; in the query, or for
// POST as a JSON object (at most 16 KiB). Any other is FEATURE_NOT_SUPPORTED.
//
// The identifier is read as it was sent: percent-encoded ("did%3A...", decoded once), or plain ("did:..."), where only
// %23 and %3F count as '#' and '?', and where the DID parameters service, serviceType and relativeRef may stand in the
// URL's own query. docs/formats/did-resolution.md has the media types. Thread-safe if the resolver is.
base::HttpResponse AnswerIdentifiers(DidResolver& resolver, const base::HttpRequest& request);

}  // namespace keel::did
