// SPDX-License-Identifier: Apache-2.0
#include "core/result.h"

// What a bug and an error look like where there is an operating system. A microcontroller has neither text nor abort():
// there the target's port decides what a failed assertion does (restart, mostly).
#if KEEL_HOSTED

#include <cstdio>
#include <cstdlib>

namespace keel {

std::string Error::Text() const {
  std::string text = where;
  if (!detail.empty()) {
    if (!text.empty()) text += ": ";
    text += detail;
  }
  if (!text.empty()) text += ' ';
  text += '(';
  text += CodeName(code);
  text += ')';
  for (char& c : text) {
    if (c == '\n' || c == '\r') c = ' ';  // one line, whatever a peer's text held
  }
  return text;
}

void AssertFailed(const char* expression, const char* file, int line) {
  std::fprintf(stderr, "keel: assertion failed: %s (%s:%d); this is a bug\n", expression, file, line);
  std::abort();
}

}  // namespace keel

#else

extern "C" [[noreturn]] void keel_port_assert_failed(const char* expression, const char* file, int line);

namespace keel {

void AssertFailed(const char* expression, const char* file, int line) {
  keel_port_assert_failed(expression, file, line);
}

}  // namespace keel

#endif
