// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "cli/demo/stage.h"

namespace keel::cli {

// What the demo knows of one device. Times are milliseconds since power-on.
struct DeviceProgress {
  std::string serial, model, did, folder;
  struct Step {
    std::string name;
    uint64_t ms = 0;
  };
  std::vector<Step> steps;  // until it is complete
  std::string now = "off";  // what it does, for people
  std::string trouble;      // what it waits for, or the last refusal
  size_t stage = 0;         // of kStages
  uint64_t changed = 0;
  uint64_t round_trips = 0, bytes_sent = 0, bytes_received = 0;  // of the onboarding
  uint64_t onboarded_ms = 0, complete_ms = 0;                    // 0: not yet
  std::string firmware;                                          // as the application heard it
  // The four check-marks.
  bool trusted = false;    // the owner's verifier accepted it and counts it as a member
  bool equipped = false;   // it holds FleetCredential, network credentials and configuration
  bool heard = false;      // the application received its telemetry, sent by the wanted firmware
  bool renewal = false;    // it sleeps until its next contact, at which credentials are renewed
  uint64_t messages = 0;   // received by the application
  uint64_t last_sent = 0;  // its own time stamp in the newest of them, ms since 1970
  bool complete() const { return trusted && equipped && heard && renewal; }
};

inline constexpr size_t kStages = 9;

// The powered-on devices and the application that reads their data. Feeds events into DeviceProgress.
class Fleet {
 public:
  struct Plan {
    std::string owner_dir;                        // the verifier's folder
    std::map<std::string, std::string> firmware;  // model -> version that the profile wants
    std::string broker, audience, topic;
    std::string reader_key, reader_credential;  // files
    uint64_t telemetry_ms = 1000;
  };
  Fleet(Stage& stage, std::vector<DeviceProgress> devices, Plan plan)
      : stage_(stage), plan_(std::move(plan)), devices_(std::move(devices)), links_(devices_.size()) {}

  // The application: `keel telemetry read`, subscribed when this returns.
  Result<> StartReader();
  // Starts every device's process.
  Result<> PowerOn(const std::function<void()>& meanwhile);
  // Handles events until `done` or the time is over; calls `meanwhile` at least every 100 ms. False: time is over.
  Result<bool> Watch(uint64_t until_ms, const std::function<bool()>& done, const std::function<void()>& meanwhile);

  const std::vector<DeviceProgress>& devices() const { return devices_; }
  size_t complete() const;
  uint64_t SincePowerOn() const;
  // Reads the verifier's view into the check-marks. `force`: also when nobody unknown was heard.
  Result<> AskVerifier(bool force);
  uint64_t heard_messages() const { return heard_messages_; }

 private:
  struct Link {
    int fd = -1;
    LineReader lines;
    base::ChildProcess* child = nullptr;
  };
  void OnDeviceLine(size_t index, std::string_view line);
  void OnHeard(std::string_view line);
  void TakeMessage(const std::string& member, const std::string& firmware, uint64_t sent);
  void Judge(DeviceProgress& device);

  Stage& stage_;
  Plan plan_;
  std::vector<DeviceProgress> devices_;
  std::vector<Link> links_;
  Link reader_;
  std::map<std::string, size_t> by_member_;
  std::map<std::string, size_t> by_did_;
  struct Unknown {
    std::string member, firmware;
    uint64_t sent = 0;
  };
  std::vector<Unknown> unknown_;
  uint64_t power_on_ = 0;
  uint64_t asked_ = 0;
  uint64_t heard_messages_ = 0;
};

}  // namespace keel::cli
