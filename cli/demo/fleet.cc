// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/fleet.h"

#include <fcntl.h>
#include <poll.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/json_strict.h"
#include "base/role.h"

namespace keel::cli {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr size_t kMostListeners = 64;

constexpr size_t kMaxSteps = 64;
constexpr size_t kMaxUnknown = 100'000;
constexpr uint64_t kAskEveryMs = 150;  // while somebody was heard whom we don't know
constexpr uint64_t kAskAnywayMs = 1000;

// What people read for a wallet's step, and how far along it is.
struct StepText {
  const char* name;
  const char* text;
  size_t stage;
};
constexpr StepText kSteps[] = {
    {"rendezvous", "looks for its owner", 1}, {"hello", "greets the owner", 2},
    {"pack", "checks the owner's proof", 3},  {"proof", "proves itself", 4},
    {"done", "confirms its credentials", 5},  {"onboarded", "onboarded", 6},
    {"time", "asks for the time", 0},         {"contact", "talks to its owner", 0},
    {"firmware", "takes new firmware", 7},    {"restart", "restarts", 8},
    {"trial", "tries the new firmware", 8},   {"dormant", "sleeps until its next contact", 0},
    {"telemetry", "its data arrives", 0},
};

const StepText* FindStep(std::string_view name) {
  for (const StepText& step : kSteps) {
    if (name == step.name) return &step;
  }
  return nullptr;
}

uint64_t Number(const json& event, const char* name, uint64_t fallback) {
  const auto value = base::GetOptionalUint(event, name);
  return value && *value ? **value : fallback;
}

std::string Text(const json& event, const char* name) {
  const auto value = base::GetOptionalString(event, name);
  return value && *value ? **value : "";
}

}  // namespace

Result<> Fleet::StartReader() {
  base::SpawnOptions options;
  options.argv = {Stage::Program("keel"),
                  "telemetry",
                  "read",
                  "--credential",
                  plan_.reader_credential,
                  "--key",
                  plan_.reader_key,
                  "--broker",
                  plan_.broker,
                  "--audience",
                  plan_.audience,
                  "--topic",
                  plan_.topic,
                  "--json",
                  "--ready-fd",
                  "{ready-fd}"};
  options.capture_stdout = true;
  KEEL_TRY(reader_.child, stage_.Launch("application", std::move(options)));
  KEEL_TRY_VOID(stage_.Await("application"));
  reader_.fd = reader_.child->output_fd();
  ::fcntl(reader_.fd, F_SETFL, O_NONBLOCK);
  return {};
}

uint64_t Fleet::SincePowerOn() const { return power_on_ == 0 ? 0 : base::NowMs() - power_on_; }

size_t Fleet::complete() const {
  return static_cast<size_t>(
      std::count_if(devices_.begin(), devices_.end(), [](const DeviceProgress& d) { return d.complete(); }));
}

Result<> Fleet::PowerOn(const std::function<void()>& meanwhile) {
  power_on_ = base::NowMs();
  for (size_t i = 0; i < devices_.size(); ++i) by_did_[devices_[i].did] = i;
  const std::string telemetry = std::to_string(plan_.telemetry_ms);
  for (size_t i = 0; i < devices_.size(); ++i) {
    base::SpawnOptions options;
    options.argv = {Stage::Program("keel-device"),
                    "run",
                    "--data",
                    devices_[i].folder,
                    "--events-fd",
                    "1",
                    "--telemetry-interval",
                    telemetry,
                    "--backoff-min",
                    "250",
                    "--backoff-max",
                    "3000"};
    // Many devices that each hold a line open cost more than they show.
    if (devices_.size() > kMostListeners) options.argv.push_back("--no-listen");
    options.capture_stdout = true;
    KEEL_TRY(links_[i].child, stage_.Launch("device-" + devices_[i].serial, std::move(options)));
    links_[i].fd = links_[i].child->output_fd();
    ::fcntl(links_[i].fd, F_SETFL, O_NONBLOCK);
    devices_[i].now = "powered on";
    if (i % 16 == 15) {
      KEEL_TRY_VOID(Watch(base::NowMs(), [] { return true; }, meanwhile));
      if (stage_.stopped()) return Fail(Code::kClosed, "demo", "stopped by you");
    }
  }
  return {};
}

Result<bool> Fleet::Watch(uint64_t until_ms, const std::function<bool()>& done,
                          const std::function<void()>& meanwhile) {
  std::vector<pollfd> wait;
  std::vector<size_t> whose;  // index of the device; its size: the reader
  uint64_t shown = 0;
  for (;;) {
    wait.assign(1, {stage_.stop_fd(), POLLIN, 0});
    whose.clear();
    if (reader_.fd >= 0) {
      wait.push_back({reader_.fd, POLLIN, 0});
      whose.push_back(devices_.size());
    }
    for (size_t i = 0; i < links_.size(); ++i) {
      if (links_[i].fd < 0) continue;
      wait.push_back({links_[i].fd, POLLIN, 0});
      whose.push_back(i);
    }
    const uint64_t now = base::NowMs();
    ::poll(wait.data(), wait.size(), now >= until_ms ? 0 : static_cast<int>(std::min<uint64_t>(until_ms - now, 100)));
    if (stage_.stopped()) return Fail(Code::kClosed, "demo", "stopped by you");
    for (size_t k = 0; k < whose.size(); ++k) {
      if (wait[k + 1].revents == 0) continue;
      const size_t index = whose[k];
      Link& link = index == devices_.size() ? reader_ : links_[index];
      const bool open = link.lines.Read(link.fd, [&](std::string_view line) {
        if (index == devices_.size()) {
          OnHeard(line);
        } else {
          OnDeviceLine(index, line);
        }
      });
      if (open) continue;
      link.fd = -1;
      if (index == devices_.size())
        return Fail(Code::kClosed, "demo",
                    "the application that reads the data ended:\n" + stage_.LogTail("application"));
      devices_[index].now = "stopped";
      devices_[index].trouble = stage_.LogTail("device-" + devices_[index].serial);
      devices_[index].changed = base::NowMs();
    }
    if (!unknown_.empty() || base::NowMs() - asked_ >= kAskAnywayMs) KEEL_TRY_VOID(AskVerifier(false));
    if (base::NowMs() - shown >= 100) {
      meanwhile();
      shown = base::NowMs();
    }
    if (done()) return true;
    if (base::NowMs() >= until_ms) return false;
  }
}

void Fleet::OnDeviceLine(size_t index, std::string_view line) {
  DeviceProgress& device = devices_[index];
  const auto event = base::ParseJson(line);
  if (!event) return;
  const std::string kind = Text(*event, "event");
  const uint64_t ms = Number(*event, "time", power_on_) - std::min(power_on_, Number(*event, "time", power_on_));
  std::string name = kind;
  if (kind == "step") name = Text(*event, "step");
  device.changed = base::NowMs();
  if (kind == "waiting" || kind == "refused") {
    device.trouble = Text(*event, "text") + (Text(*event, "code").empty() ? "" : " (" + Text(*event, "code") + ")");
    if (kind == "waiting") device.now = "waits for " + Text(*event, "text");
  } else if (const StepText* step = FindStep(name)) {
    device.stage = std::max(device.stage, step->stage);
    device.now = step->text;
    if (name == "onboarded" && device.onboarded_ms == 0) {
      device.onboarded_ms = std::max<uint64_t>(ms, 1);
      device.equipped = true;
      device.round_trips = Number(*event, "round_trips", 0);
      device.bytes_sent = Number(*event, "bytes_sent", 0);
      device.bytes_received = Number(*event, "bytes_received", 0);
    }
    // Asleep with credentials: the next contact, which renews them, is set.
    if (name == "dormant" && device.equipped) device.renewal = true;
    if (name == "restart") device.renewal = false;
    if (device.equipped) device.trouble.clear();
  }
  const bool again = !device.steps.empty() && device.steps.back().name == name;
  if (device.complete_ms == 0 && !again && device.steps.size() < kMaxSteps && kind != "notice") {
    device.steps.push_back({name, ms});
  }
  Judge(device);
}

void Fleet::OnHeard(std::string_view line) {
  const auto message = base::ParseJson(line);
  if (!message) return;
  const std::string topic = Text(*message, "topic");
  const auto payload = base::GetObject(*message, "payload");
  if (!payload) return;
  ++heard_messages_;
  // keel/FLEET/MEMBER/telemetry
  const size_t end = topic.rfind('/');
  const size_t begin = end == std::string::npos || end == 0 ? std::string::npos : topic.rfind('/', end - 1);
  if (begin == std::string::npos) return;
  TakeMessage(topic.substr(begin + 1, end - begin - 1), Text(**payload, "firmware"), Number(**payload, "time", 0));
}

void Fleet::TakeMessage(const std::string& member, const std::string& firmware, uint64_t sent) {
  const auto known = by_member_.find(member);
  if (known == by_member_.end()) {
    if (unknown_.size() < kMaxUnknown) unknown_.push_back({member, firmware, sent});
    return;
  }
  DeviceProgress& device = devices_[known->second];
  ++device.messages;
  device.last_sent = std::max(device.last_sent, sent);
  device.firmware = firmware;
  const auto wanted = plan_.firmware.find(device.model);
  if (wanted == plan_.firmware.end() || wanted->second == firmware) device.heard = true;
  device.changed = base::NowMs();
  Judge(device);
}

void Fleet::Judge(DeviceProgress& device) {
  if (!device.complete() || device.complete_ms != 0) return;
  device.complete_ms = std::max<uint64_t>(SincePowerOn(), 1);
  device.stage = kStages;
  device.now = "in use";
}

Result<> Fleet::AskVerifier(bool force) {
  const uint64_t now = base::NowMs();
  if (!force && now - asked_ < kAskEveryMs) return {};
  asked_ = now;
  KEEL_TRY(const json answer,
           base::CallControlSocket(plan_.owner_dir + "/verifier.sock", "keel-verifier", "devices", json::object()));
  KEEL_TRY(const json* list, base::GetArray(answer, "devices"));
  for (const json& one : *list) {
    const auto known = by_did_.find(Text(one, "did"));
    if (known == by_did_.end()) continue;
    DeviceProgress& device = devices_[known->second];
    const std::string member = Text(one, "member_id");
    if (!member.empty()) by_member_[member] = known->second;
    const auto is_member = base::GetBool(one, "member");
    device.trusted = Text(one, "state") == "onboarded" && is_member && *is_member;
    const std::string problem = Text(one, "problem");
    if (!problem.empty() && !device.trusted) device.trouble = "the owner says: " + problem;
    Judge(device);
  }
  std::vector<Unknown> rest;
  std::swap(rest, unknown_);
  for (const Unknown& message : rest) {
    if (by_member_.contains(message.member)) TakeMessage(message.member, message.firmware, message.sent);
    // Else it is nobody of ours: the broker should not have let it in, and it counts for no device.
  }
  return {};
}

}  // namespace keel::cli
