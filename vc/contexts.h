// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>
#include <vector>

namespace keel::vc {

// JSON-LD contexts that are known here, by URL, bundled: nothing is ever fetched. vc+jwt is verified over its octets and needs none; they serve the data
// model's check that a credential uses no context which nobody here can read.
bool IsKnownContext(std::string_view url);
std::vector<std::string_view> KnownContexts();

}  // namespace keel::vc
