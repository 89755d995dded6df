// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/report.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

namespace keel::cli {

using nlohmann::json;

namespace {

constexpr size_t kFew = 100;

uint64_t Median(std::vector<uint64_t> values) {
  if (values.empty()) return 0;
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

std::vector<uint64_t> Of(const std::vector<DeviceProgress>& devices, uint64_t DeviceProgress::* member) {
  std::vector<uint64_t> out;
  for (const DeviceProgress& device : devices) {
    if (device.onboarded_ms != 0) out.push_back(device.*member);
  }
  return out;
}

uint64_t Largest(const std::vector<uint64_t>& values) {
  return values.empty() ? 0 : *std::max_element(values.begin(), values.end());
}

}  // namespace

std::string Outcome(const DeviceProgress& device) {
  if (device.complete()) return "onboarded";
  if (!device.equipped) return "not-onboarded";
  if (!device.trusted) return "not-accepted";
  if (!device.heard) return "not-heard";
  return "no-renewal";
}

void PrintSummary(const Screen& screen, const std::vector<DeviceProgress>& devices,
                  const std::vector<Refusal>& refusals) {
  const auto good = static_cast<size_t>(
      std::count_if(devices.begin(), devices.end(), [](const DeviceProgress& d) { return d.complete(); }));
  const bool few = devices.size() <= kFew;
  if (few || good < devices.size()) {
    std::printf("\n  %s %s trusted  credentials  application  renewal   firmware  onboarded  in use\n",
                Fit("serial", 16).c_str(), Fit("model", 16).c_str());
    for (const DeviceProgress& d : devices) {
      if (!few && d.complete()) continue;
      std::printf("  %s %s    %s          %s            %s          %s      %s %s %s\n", Fit(d.serial, 16).c_str(),
                  Fit(d.model, 16).c_str(), screen.Good(d.trusted).c_str(), screen.Good(d.equipped).c_str(),
                  screen.Good(d.heard).c_str(), screen.Good(d.renewal).c_str(),
                  Fit(d.firmware.empty() ? "-" : d.firmware, 9).c_str(),
                  Fit(d.onboarded_ms != 0 ? Duration(d.onboarded_ms) : "-", 10).c_str(),
                  d.complete_ms != 0 ? Duration(d.complete_ms).c_str() : "-");
      if (!d.complete() && !d.trouble.empty()) std::printf("      %s\n", d.trouble.c_str());
    }
  }
  if (!few) {
    std::printf("\n  trusted, credentials, connected to the application, renewal scheduled: %zu of %zu devices\n", good,
                devices.size());
  }
  std::printf(
      "\n  %s of %zu devices onboarded themselves: a device takes %s (median), %llu round trips, %llu octets out and "
      "%llu in\n",
      screen.Bold(std::to_string(good)).c_str(), devices.size(),
      Duration(Median(Of(devices, &DeviceProgress::onboarded_ms))).c_str(),
      static_cast<unsigned long long>(Median(Of(devices, &DeviceProgress::round_trips))),
      static_cast<unsigned long long>(Median(Of(devices, &DeviceProgress::bytes_sent))),
      static_cast<unsigned long long>(Median(Of(devices, &DeviceProgress::bytes_received))));
  for (const Refusal& refusal : refusals) {
    std::printf("  %s %s%s\n", screen.Good(refusal.held).c_str(), refusal.what.c_str(),
                refusal.detail.empty() ? "" : screen.Dim(" (" + refusal.detail + ")").c_str());
  }
  std::fflush(stdout);
}

json Report(const Screen& screen, const std::vector<DeviceProgress>& devices, const std::vector<Refusal>& refusals) {
  json list = json::array();
  size_t good = 0;
  for (const DeviceProgress& device : devices) {
    json steps = json::array();
    for (const auto& step : device.steps) steps.push_back({{"name", step.name}, {"ms", step.ms}});
    good += device.complete() ? 1 : 0;
    list.push_back({{"did", device.did},
                    {"serial", device.serial},
                    {"model", device.model},
                    {"outcome", Outcome(device)},
                    {"steps", std::move(steps)},
                    {"round_trips", device.round_trips},
                    {"bytes_sent", device.bytes_sent},
                    {"bytes_received", device.bytes_received}});
    if (!device.complete()) list.back()["problem"] = device.trouble;
  }
  json phases = json::array();
  uint64_t all_ms = 0;
  for (const auto& [name, ms] : screen.phases()) {
    phases.push_back({{"name", name}, {"ms", ms}});
    all_ms += ms;
  }
  json checks = json::array();
  for (const Refusal& refusal : refusals)
    checks.push_back({{"what", refusal.what}, {"held", refusal.held}, {"seen", refusal.detail}});
  const auto onboarded = Of(devices, &DeviceProgress::onboarded_ms);
  const auto complete = Of(devices, &DeviceProgress::complete_ms);
  return {{"devices", std::move(list)},
          {"totals",
           {{"devices", devices.size()},
            {"onboarded", good},
            {"failed", devices.size() - good},
            {"ms", all_ms},
            {"onboarded_ms_median", Median(onboarded)},
            {"onboarded_ms_max", Largest(onboarded)},
            {"in_use_ms_max", Largest(complete)},
            {"round_trips_median", Median(Of(devices, &DeviceProgress::round_trips))},
            {"bytes_sent_median", Median(Of(devices, &DeviceProgress::bytes_sent))},
            {"bytes_received_median", Median(Of(devices, &DeviceProgress::bytes_received))},
            {"phases", std::move(phases)},
            {"refusals", std::move(checks)}}}};
}

}  // namespace keel::cli
