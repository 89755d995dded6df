// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <string>
#include <vector>

#include "cli/demo/fleet.h"
#include "cli/demo/screen.h"
#include "cli/demo/stage.h"

namespace keel::cli {

struct DemoOptions {
  uint64_t devices = 0;  // 0: those of the list
  std::string csv, firmware, json, data;
  bool keep = false;
  uint64_t timeout_s = 0;  // for all devices, from power-on; 0: by their number
};

// The parties of the demo, brought on stage by their own programs' verbs. Each function is one phase; the folders are
// registry/, maker/, distributor/, owner/, devices/SERIAL/ below the stage's.
class Cast {
 public:
  Cast(Stage& stage, Screen& screen, const DemoOptions& options) : stage_(stage), screen_(screen), options_(options) {}

  Result<> OpenRegistry();
  Result<> OpenRoles();
  Result<> Manufacture();
  Result<> PassOwnership();
  Result<> ReleaseFirmware();
  Result<> ClaimAndBind();

  // After these: what was made, and what the fleet needs to know.
  const std::vector<DeviceProgress>& devices() const { return devices_; }
  Fleet::Plan plan() const { return plan_; }
  const std::string& registry_url() const { return registry_url_; }

 private:
  Result<> OpenBroker();
  Stage::Command Verb(const char* program, const char* role, std::vector<std::string> words) const;

  Stage& stage_;
  Screen& screen_;
  const DemoOptions& options_;
  std::string net_, registry_url_, maker_did_;
  std::vector<DeviceProgress> devices_;
  std::vector<std::string> models_;  // sorted
  Fleet::Plan plan_;
};

}  // namespace keel::cli
