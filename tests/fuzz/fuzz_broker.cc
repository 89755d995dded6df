// SPDX-License-Identifier: Apache-2.0
// Members file, and topic grants against a model: `grant newline filter newline topic` must be transitive.
#include <vector>

#include "broker-plugin/access.h"
#include "tests/fuzz/fuzz.h"

namespace {

std::vector<std::string_view> Levels(std::string_view text) {
  std::vector<std::string_view> levels;
  for (;;) {
    const size_t slash = text.find('/');
    levels.push_back(text.substr(0, slash));
    if (slash == std::string_view::npos) return levels;
    text.remove_prefix(slash + 1);
  }
}

// MQTT 3.1.1 section 4.7, written from the text: does the filter match the topic name?
bool Matches(std::string_view filter, std::string_view topic) {
  if (filter.empty() || topic.empty()) return false;
  if (topic.front() == '$' && (filter.front() == '+' || filter.front() == '#')) return false;
  const auto f = Levels(filter), t = Levels(topic);
  for (size_t i = 0; i < f.size(); ++i) {
    if (f[i] == "#" && i + 1 == f.size()) return true;
    if (i >= t.size()) return false;
    if (f[i] != "+" && f[i] != t[i]) return false;
    if (i + 1 == t.size() && i + 2 == f.size() && f[i + 1] == "#") return true;
  }
  return f.size() == t.size();
}

// '#' stands alone at the end of a filter, '+' alone in a level.
bool GoodFilter(std::string_view filter) {
  const auto levels = Levels(filter);
  for (size_t i = 0; i < levels.size(); ++i) {
    if (levels[i].find('#') != std::string_view::npos && (levels[i] != "#" || i + 1 != levels.size())) return false;
    if (levels[i].find('+') != std::string_view::npos && levels[i] != "+") return false;
  }
  return !filter.empty();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text = keel::fuzz::Text(data, size);
  (void)keel::broker::MembersFile::Parse(text);
  const size_t one = text.find('\n');
  const size_t two = one == std::string_view::npos ? one : text.find('\n', one + 1);
  if (two == std::string_view::npos) return 0;
  const std::string_view grant = text.substr(0, one), filter = text.substr(one + 1, two - one - 1),
                         topic = text.substr(two + 1);
  if (!GoodFilter(grant) || !GoodFilter(filter) || topic.find_first_of("+#") != std::string_view::npos) return 0;
  FUZZ_CHECK(keel::broker::Covers(grant, topic) == Matches(grant, topic));
  if (keel::broker::Covers(grant, filter) && Matches(filter, topic)) FUZZ_CHECK(Matches(grant, topic));
  return 0;
}
