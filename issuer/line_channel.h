// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "core/result.h"

namespace keel::issuer {

inline constexpr size_t kMaxLine = 32 << 10;  // octets of one message of the factory protocol, with its newline

// A device process with the factory protocol on its stdin and stdout: one JSON object a line, strictly request and
// answer. The child gets SIGKILL when our thread ends; the destructor closes the pipe, waits 2 s, then kills it by its
// id. Move-only; needs external synchronisation.
class LineChannel {
 public:
  // argv[0] is a path or is looked up in PATH. kNotFound when it can't be started.
  static Result<std::unique_ptr<LineChannel>> Spawn(const std::vector<std::string>& argv);
  ~LineChannel();
  LineChannel(const LineChannel&) = delete;
  LineChannel& operator=(const LineChannel&) = delete;

  // kTooLarge, kClosed (the device ended).
  Result<> Send(const nlohmann::json& message);
  // The answer. A device's refusal comes back as an error with its code and text. kTimeout, kClosed, kTooLarge,
  // kMalformed.
  Result<nlohmann::json> Receive(std::chrono::milliseconds timeout);
  Result<nlohmann::json> Ask(const nlohmann::json& message, std::chrono::milliseconds timeout);
  // The `did` of the last refusal, if it had one.
  const std::string& refused_did() const { return refused_did_; }
  pid_t pid() const { return pid_; }

 private:
  LineChannel(pid_t pid, int in, int out) : pid_(pid), in_(in), out_(out) {}
  pid_t pid_ = -1;
  int in_ = -1;   // we write
  int out_ = -1;  // we read
  std::string buffer_;
  std::string refused_did_;
};

// The code whose name it is; kRefused for an unknown one.
Code CodeFromName(std::string_view name);

}  // namespace keel::issuer
