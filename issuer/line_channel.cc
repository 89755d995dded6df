// SPDX-License-Identifier: Apache-2.0
#include "issuer/line_channel.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/json_strict.h"

namespace keel::issuer {

using nlohmann::json;

namespace {

constexpr const char* kWhere = "device";

void Close(int& fd) {
  if (fd >= 0) close(fd);
  fd = -1;
}

}  // namespace

Code CodeFromName(std::string_view name) {
  for (uint16_t code = 1; code < 256; ++code)
    if (name == CodeName(static_cast<Code>(code))) return static_cast<Code>(code);
  return Code::kRefused;
}

Result<std::unique_ptr<LineChannel>> LineChannel::Spawn(const std::vector<std::string>& argv) {
  if (argv.empty()) return Fail(Code::kUsage, kWhere, "no device command");
  int in[2], out[2], failed[2];
  if (pipe2(in, O_CLOEXEC) != 0) return Fail(Code::kIo, kWhere, strerror(errno));
  if (pipe2(out, O_CLOEXEC) != 0) {
    Close(in[0]), Close(in[1]);
    return Fail(Code::kIo, kWhere, strerror(errno));
  }
  if (pipe2(failed, O_CLOEXEC) != 0) {
    Close(in[0]), Close(in[1]), Close(out[0]), Close(out[1]);
    return Fail(Code::kIo, kWhere, strerror(errno));
  }
  std::vector<char*> words;
  for (const std::string& word : argv) words.push_back(const_cast<char*>(word.c_str()));
  words.push_back(nullptr);
  const pid_t parent = getpid();
  const pid_t pid = fork();
  if (pid == 0) {
    // Only calls that are safe after fork.
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(127);
    dup2(in[0], STDIN_FILENO);
    dup2(out[1], STDOUT_FILENO);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, nullptr);
    signal(SIGPIPE, SIG_DFL);
    execvp(words[0], words.data());
    const int error = errno;
    [[maybe_unused]] const ssize_t n = write(failed[1], &error, sizeof error);
    _exit(127);
  }
  Close(in[0]), Close(out[1]), Close(failed[1]);
  if (pid < 0) {
    Close(in[1]), Close(out[0]), Close(failed[0]);
    return Fail(Code::kIo, kWhere, strerror(errno));
  }
  int error = 0;
  const ssize_t n = read(failed[0], &error, sizeof error);
  Close(failed[0]);
  std::unique_ptr<LineChannel> channel(new LineChannel(pid, in[1], out[0]));
  if (n == sizeof error)
    return Fail(Code::kNotFound, kWhere, argv[0] + ": " + strerror(error) + " (--device-command names the program)");
  return channel;
}

LineChannel::~LineChannel() {
  Close(in_);
  const uint64_t until = base::MonotonicMs() + 2000;
  char scratch[4096];
  // A device that follows the protocol ends at the end of its input; its end closes the pipe that we wait on.
  while (pid_ > 0 && base::MonotonicMs() < until) {
    pollfd waiting{out_, POLLIN, 0};
    if (poll(&waiting, 1, 100) > 0 && read(out_, scratch, sizeof scratch) > 0) continue;
    if (waitpid(pid_, nullptr, WNOHANG) == pid_) pid_ = -1;
  }
  if (pid_ > 0) {
    kill(pid_, SIGKILL);
    waitpid(pid_, nullptr, 0);
  }
  Close(out_);
}

Result<> LineChannel::Send(const json& message) {
  std::string line = base::DumpJson(message) + "\n";
  if (line.size() > kMaxLine) return Fail(Code::kTooLarge, kWhere, "message over 32 KiB");
  size_t at = 0;
  while (at < line.size()) {
    const ssize_t n = write(in_, line.data() + at, line.size() - at);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Code::kClosed, kWhere, "the device's process has ended");
    at += static_cast<size_t>(n);
  }
  return {};
}

Result<json> LineChannel::Receive(std::chrono::milliseconds timeout) {
  const uint64_t until = base::MonotonicMs() + static_cast<uint64_t>(timeout.count());
  for (;;) {
    const size_t end = buffer_.find('\n');
    if (end != std::string::npos) {
      const std::string line = buffer_.substr(0, end);
      buffer_.erase(0, end + 1);
      KEEL_TRY(json answer, base::ParseJson(line));
      if (!answer.is_object()) return Fail(Code::kMalformed, kWhere, "the device's answer is no object");
      if (answer.contains("error")) {
        KEEL_TRY(const json* error, base::GetObject(answer, "error"));
        const auto code = base::GetString(*error, "code");
        const auto message = base::GetString(*error, "message");
        refused_did_ = base::GetString(*error, "did").value_or("");
        return Fail(code ? CodeFromName(*code) : Code::kRefused, kWhere,
                    "the device refuses: " + message.value_or("no reason given"));
      }
      return answer;
    }
    if (buffer_.size() >= kMaxLine) return Fail(Code::kTooLarge, kWhere, "an answer over 32 KiB");
    const uint64_t now = base::MonotonicMs();
    if (now >= until)
      return Fail(Code::kTimeout, kWhere, "no answer within " + std::to_string(timeout.count()) + " ms");
    pollfd waiting{out_, POLLIN, 0};
    const int ready = poll(&waiting, 1, static_cast<int>(until - now));
    if (ready < 0 && errno != EINTR) return Fail(Code::kIo, kWhere, strerror(errno));
    if (ready <= 0) continue;
    char chunk[8192];
    const ssize_t n = read(out_, chunk, sizeof chunk);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return Fail(Code::kClosed, kWhere, "the device's process ended without an answer");
    buffer_.append(chunk, static_cast<size_t>(n));
  }
}

Result<json> LineChannel::Ask(const json& message, std::chrono::milliseconds timeout) {
  KEEL_TRY_VOID(Send(message));
  return Receive(timeout);
}

}  // namespace keel::issuer
