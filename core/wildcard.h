// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace keel {

// True when `pattern` ('*' for any octets, none included; everything else for itself) fits the whole of `text`. Linear
// in `text` for each star, no recursion. Discover-features 2.0, section "queries".
bool MatchesWildcard(std::string_view pattern, std::string_view text);

}  // namespace keel
