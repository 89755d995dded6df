// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sstream>

#include "tests/system/cli/toolbox.h"

namespace keel::test {

inline constexpr auto kPatience = std::chrono::seconds(30);
inline constexpr const char* kBasicMessage = "https://didcomm.org/basicmessage/2.0/message";

// A listener that is ready.
struct Listener {
  base::ChildProcess process;
  std::string did;
  std::vector<std::string> uris;

  // Its messages, once it has ended.
  std::vector<nlohmann::json> Messages() {
    std::vector<nlohmann::json> all;
    auto output = process.ReadOutput(kPatience);
    EXPECT_TRUE(output) << output.error().Text();
    std::istringstream lines(output ? output->out : "");
    for (std::string line; std::getline(lines, line);) {
      auto value = base::ParseJson(line);
      EXPECT_TRUE(value) << line;
      if (value) all.push_back(std::move(*value));
    }
    return all;
  }
};

class Talk : public Toolbox {
 protected:
  Listener Listen(std::vector<std::string> arguments) {
    base::SpawnOptions options;
    options.argv = {std::string(KEEL_BIN_DIR) + "/keel", "didcomm", "listen", "--ready-fd", "{ready-fd}"};
    options.argv.insert(options.argv.end(), arguments.begin(), arguments.end());
    options.capture_stdout = options.capture_stderr = true;
    auto process = base::ChildProcess::Spawn(options);
    EXPECT_TRUE(process) << process.error().Text();
    auto ready = process->WaitReady(kPatience);
    EXPECT_TRUE(ready) << ready.error().Text();
    Listener listener{std::move(*process), {}, {}};
    if (ready) {
      listener.did = ready->value("did", "");
      listener.uris = ready->value("uris", std::vector<std::string>());
    }
    return listener;
  }
};

}  // namespace keel::test
