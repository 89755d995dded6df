// SPDX-License-Identifier: Apache-2.0
#include "core/wildcard.h"

#include <cstddef>

namespace keel {

bool MatchesWildcard(std::string_view pattern, std::string_view text) {
  // The usual two-pointer walk: on a mismatch go back to the last star and let it take one octet more.
  size_t p = 0, t = 0, star = std::string_view::npos, after = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      after = t;
    } else if (p < pattern.size() && pattern[p] == text[t]) {
      ++p;
      ++t;
    } else if (star != std::string_view::npos) {
      p = star + 1;
      t = ++after;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

}  // namespace keel
