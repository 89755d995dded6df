// SPDX-License-Identifier: Apache-2.0
#include "verifier/cli_output.h"

#include <climits>
#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/files.h"
#include "base/json_strict.h"

namespace keel::verifier {

using nlohmann::json;

namespace {

std::string Text(const json& object, const char* name) {
  const auto found = object.find(name);
  if (found == object.end()) return "";
  return found->is_string() ? found->get<std::string>() : found->dump();
}

std::string Joined(const json& list) {
  std::string out;
  for (const json& item : list) out += (out.empty() ? "" : ", ") + item.get<std::string>();
  return out;
}

}  // namespace

int ShowStatus(const json& answer) {
  std::cout << "owner     " << Text(answer, "did") << "\nnetwork   " << Text(answer, "network") << "  ("
            << Text(answer, "words") << ")\nurl       " << Text(answer, "url") << "\nkeys      "
            << Text(answer, "key_protection") << "\nbroker    "
            << (Text(answer, "broker").empty() ? "none set" : Text(answer, "broker")) << "\nfleet     "
            << Text(answer, "fleet") << ", " << Text(answer, "members") << " members\ndevices   ";
  if (answer["devices"].empty()) std::cout << "none claimed";
  for (const auto& [state, count] : answer["devices"].items()) std::cout << count << " " << state << "  ";
  std::cout << "\n";
  if (!Text(answer, "publish_problem").empty()) std::cout << "rendezvous " << Text(answer, "publish_problem") << "\n";
  return base::kExitDone;
}

int ShowDoctor(const json& answer) {
  for (const json& check : answer["checks"]) {
    const bool ok = check["ok"].get<bool>();
    std::cout << (ok ? "ok    " : "WRONG ") << Text(check, "check") << ": " << Text(check, "seen") << "\n";
    if (!ok) std::cout << "      do: " << Text(check, "do") << "\n";
  }
  return ExitOf(answer);
}

int ShowClaim(const json& answer) {
  std::cout << answer["claimed"].size() << " claimed";
  if (!answer["already"].empty()) std::cout << ", " << answer["already"].size() << " were already";
  if (!answer["pending"].empty())
    std::cout << ", " << answer["pending"].size() << " not anchored yet: " << Joined(answer["pending"]);
  std::cout << "\n";
  return ExitOf(answer);
}

int ShowDevices(const json& answer) {
  std::cout << std::left << std::setw(18) << "SERIAL" << std::setw(16) << "MODEL" << std::setw(12) << "STATE"
            << std::setw(8) << "MEMBER" << std::setw(12) << "FIRMWARE"
            << "PROBLEM\n";
  for (const json& device : answer["devices"]) {
    std::cout << std::left << std::setw(18) << Text(device, "serial") << std::setw(16) << Text(device, "model")
              << std::setw(12) << Text(device, "state") << std::setw(8) << (device["member"].get<bool>() ? "yes" : "no")
              << std::setw(12) << Text(device, "firmware") << Text(device, "problem") << "\n";
  }
  return base::kExitDone;
}

int ShowDevice(const json& answer) {
  std::cout << Text(answer, "serial") << "  " << Text(answer, "state") << "  " << Text(answer, "problem") << "\n";
  return base::kExitDone;
}

int ShowWhy(const json& answer) {
  std::cout << Text(answer, "serial") << " (" << Text(answer, "model") << ", " << Text(answer, "did")
            << "): " << Text(answer, "why") << "\n";
  if (!answer.contains("judgement")) return base::kExitDone;
  for (const json& rule : answer["judgement"]["rules"]) {
    const bool ok = rule["ok"].get<bool>();
    std::cout << (ok ? "  met      " : "  NOT MET  ") << Text(rule, "rule") << "\n           seen "
              << Text(rule, "seen") << ", wanted " << Text(rule, "wanted") << "\n";
    if (!ok && !Text(rule, "why").empty()) std::cout << "           " << Text(rule, "why") << "\n";
  }
  return base::kExitDone;
}

int ShowPlain(const json& answer) {
  std::cout << base::DumpJsonPretty(answer) << "\n";
  return base::kExitDone;
}

int ExitOf(const json& answer) {
  if (answer.contains("ok") && answer["ok"].is_boolean() && !answer["ok"].get<bool>()) return base::kExitInvalid;
  if (answer.contains("pending") && answer["pending"].is_array() && !answer["pending"].empty())
    return base::kExitPartly;
  return base::kExitDone;
}

Result<json> ReleaseFiles(const std::string& folder) {
  char resolved[PATH_MAX];
  if (::realpath(folder.c_str(), resolved) == nullptr)
    return Fail(Code::kNotFound, "release", folder + " is no folder");
  const std::string path = resolved;
  for (const char* name : {"/manifest.cbor", "/firmware.bin"}) {
    if (!base::FileExists(path + name)) {
      return Fail(Code::kNotFound, "release",
                  folder + " has no " + (name + 1) + ": give the folder that `keel-issuer firmware release` wrote");
    }
  }
  return json{{"manifest", path + "/manifest.cbor"}, {"image", path + "/firmware.bin"}};
}

}  // namespace keel::verifier
