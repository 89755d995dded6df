// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "base/files.h"
#include "base/json_strict.h"

namespace keel::fakes {

// The members file (docs/formats/members-file.md) as one object: its first line's members, and under "members" and
// "readers" who is in after all lines. Written from the page, apart from the plugin's reader.
inline nlohmann::json ReadMembersFile(const std::string& path) {
  const auto text = base::ReadFile(path);
  EXPECT_TRUE(text) << path;
  nlohmann::json out = nlohmann::json::object();
  std::string_view rest = text ? std::string_view(*text) : std::string_view();
  EXPECT_TRUE(rest.ends_with('\n')) << "the last line is whole";
  bool first = true;
  while (!rest.empty()) {
    const size_t end = rest.find('\n');
    nlohmann::json line = *base::ParseJson(rest.substr(0, end));
    rest.remove_prefix(end == std::string_view::npos ? rest.size() : end + 1);
    if (first) {
      out = line;
      out["members"] = nlohmann::json::object();
      out["readers"] = nlohmann::json::object();
    }
    for (const char* kind : {"member", "reader"}) {
      if (!line.contains(kind)) continue;
      const std::string id = line[kind];
      line.erase(kind);
      out[std::string(kind) + "s"][id] = line;
    }
    if (line.contains("gone")) {
      out["members"].erase(line["gone"].get<std::string>());
      out["readers"].erase(line["gone"].get<std::string>());
    }
    first = false;
  }
  return out;
}

}  // namespace keel::fakes
