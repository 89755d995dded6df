// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/stage.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/cli.h"
#include "base/clock.h"
#include "base/json_strict.h"

namespace keel::cli {

using nlohmann::json;
using std::chrono::milliseconds;

namespace {

constexpr auto kReadyTimeout = std::chrono::seconds(60);
constexpr auto kEndTimeout = std::chrono::seconds(30);
constexpr size_t kTailOctets = 4000;
constexpr size_t kMaxOutput = 64 << 20;

Error Interrupted() { return Error{Code::kClosed, "demo", "stopped by you"}; }

Code KindOf(const base::ExitState& state) {
  if (!state.exited) return Code::kInternalError;
  if (state.code == base::kExitUsage) return Code::kUsage;
  if (state.code == base::kExitUnreachable) return Code::kUnreachable;
  return Code::kRefused;
}

std::string BaseName(const std::string& path) { return std::filesystem::path(path).filename().string(); }

// "keel-issuer manufacture": what a person would call the command.
std::string Title(const Stage::Command& command) {
  std::string title = BaseName(command[0]);
  for (size_t i = 1; i < command.size() && i < 3 && !command[i].starts_with("-"); ++i) title += " " + command[i];
  return title;
}

}  // namespace

bool LineReader::Read(int fd, const std::function<void(std::string_view)>& on_line) {
  char buffer[65536];
  const ssize_t got = ::read(fd, buffer, sizeof buffer);
  if (got < 0) return errno == EAGAIN || errno == EINTR;
  if (got == 0) return false;
  rest_.append(buffer, static_cast<size_t>(got));
  size_t from = 0;
  for (size_t end = rest_.find('\n'); end != std::string::npos; end = rest_.find('\n', from)) {
    on_line(std::string_view(rest_).substr(from, end - from));
    from = end + 1;
  }
  rest_.erase(0, from);
  if (rest_.size() > kMaxOutput) rest_.clear();
  return true;
}

Result<std::unique_ptr<Stage>> Stage::Create(const std::string& data, base::StopSignal& stop) {
  std::unique_ptr<Stage> stage(new Stage(stop));
  if (data.empty()) {
    const char* temporary = ::getenv("TMPDIR");
    std::string name =
        std::string(temporary != nullptr && *temporary != '\0' ? temporary : "/tmp") + "/keel-demo-XXXXXX";
    if (::mkdtemp(name.data()) == nullptr) return Fail(Code::kIo, "demo", "can't make a folder like " + name);
    stage->dir_ = name;
  } else {
    stage->dir_ = std::filesystem::absolute(data).lexically_normal().string();
    while (stage->dir_.size() > 1 && stage->dir_.ends_with('/')) stage->dir_.pop_back();
    stage->keep_ = true;
    KEEL_TRY_VOID(base::MakePrivateDir(stage->dir_));
    KEEL_TRY(const auto names, base::ListDir(stage->dir_));
    if (!names.empty()) return Fail(Code::kUsage, "--data", stage->dir_ + " isn't empty: name a folder to be made");
  }
  // Unix sockets' paths are short.
  if (stage->dir_.size() > 80) return Fail(Code::kUsage, "demo", "the folder's path is too long: " + stage->dir_);
  KEEL_TRY_VOID(base::MakeDir(stage->dir_ + "/logs"));
  return stage;
}

Stage::~Stage() {
  StopAll();
  if (!keep_) static_cast<void>(base::RemoveTree(dir_));
}

bool Stage::stopped() { return StoppedWithin(milliseconds(0)); }

bool Stage::StoppedWithin(milliseconds time) {
  if (!stopped_ && stop_.WaitFor(time)) stopped_ = true;
  return stopped_;
}

std::string Stage::LogTail(const std::string& name, size_t from) const {
  auto text = base::ReadFile(LogFile(name), kMaxOutput);
  if (!text || text->size() <= from) return "";
  text->erase(0, from);
  if (text->size() > kTailOctets) text->erase(0, text->size() - kTailOctets);
  while (!text->empty() && text->back() == '\n') text->pop_back();
  return *text;
}

Result<std::vector<std::string>> Stage::RunAll(const std::vector<Command>& commands, const OnLine& on_line) {
  struct Job {
    std::string log;
    size_t log_before = 0;
    base::ChildProcess child;
    LineReader lines;
    std::string out;
    bool open = true;
  };
  std::vector<Job> jobs;
  for (const Command& command : commands) {
    const std::string log = BaseName(command[0]) + "-" + std::to_string(jobs.size());
    base::SpawnOptions options;
    options.argv = command;
    options.capture_stdout = true;
    options.stderr_file = LogFile(log);
    const auto before = base::FileSize(options.stderr_file);
    KEEL_TRY(base::ChildProcess child, base::ChildProcess::Spawn(options));
    ::fcntl(child.output_fd(), F_SETFL, O_NONBLOCK);
    jobs.push_back({log, before ? static_cast<size_t>(*before) : 0, std::move(child), {}, {}, true});
  }
  for (;;) {
    std::vector<pollfd> wait = {{stop_.fd(), POLLIN, 0}};
    std::vector<Job*> waiting;
    for (Job& job : jobs) {
      if (!job.open) continue;
      wait.push_back({job.child.output_fd(), POLLIN, 0});
      waiting.push_back(&job);
    }
    if (waiting.empty()) break;
    ::poll(wait.data(), wait.size(), 1000);
    if (stopped()) return std::unexpected<Error>(Interrupted());
    for (size_t i = 0; i < waiting.size(); ++i) {
      if (wait[i + 1].revents == 0) continue;
      Job& job = *waiting[i];
      job.open = job.lines.Read(job.child.output_fd(), [&](std::string_view line) {
        if (on_line) on_line(line);
        job.out.append(line).push_back('\n');
      });
    }
  }
  std::vector<std::string> out;
  for (size_t i = 0; i < jobs.size(); ++i) {
    Job& job = jobs[i];
    KEEL_TRY(const base::ExitState state, job.child.Wait(kEndTimeout));
    if (!state.ok()) {
      std::string said = LogTail(job.log, job.log_before);
      if (said.empty()) said = job.out.substr(0, kTailOctets);
      return Fail(KindOf(state), "demo",
                  Title(commands[i]) + " ended with " + (state.exited ? "status " : "signal ") +
                      std::to_string(state.code) + (said.empty() ? "" : ":\n" + said));
    }
    out.push_back(std::move(job.out));
  }
  return out;
}

Result<std::string> Stage::Run(const Command& command, const OnLine& on_line) {
  KEEL_TRY(std::vector<std::string> out, RunAll({command}, on_line));
  return std::move(out[0]);
}

Result<json> Stage::RunJson(const Command& command, const OnLine& on_line) {
  KEEL_TRY(std::string out, Run(command, on_line));
  while (!out.empty() && out.back() == '\n') out.pop_back();
  const size_t last = out.rfind('\n');
  return base::ParseJson(last == std::string::npos ? std::string_view(out) : std::string_view(out).substr(last + 1),
                         {.max_size = kMaxOutput, .max_depth = 32, .max_members = 10'000'000});
}

Result<base::ChildProcess*> Stage::Launch(const std::string& name, base::SpawnOptions options) {
  options.stderr_file = LogFile(name);
  if (!options.capture_stdout) options.stdout_file = options.stderr_file;
  KEEL_TRY(base::ChildProcess child, base::ChildProcess::Spawn(options));
  started_.emplace_back(name, child.pid());
  children_.emplace_back(name, std::move(child));
  return &children_.back().second;
}

Result<> Stage::Start(const std::string& name, Command command) {
  base::SpawnOptions options;
  options.argv = std::move(command);
  options.argv.insert(options.argv.end(), {"--ready-fd", "{ready-fd}"});
  KEEL_TRY_VOID(Launch(name, std::move(options)));
  return {};
}

base::ChildProcess* Stage::Find(const std::string& name) {
  for (auto& [known, child] : children_) {
    if (known == name) return &child;
  }
  return nullptr;
}

Result<json> Stage::Await(const std::string& name) {
  base::ChildProcess* child = Find(name);
  if (child == nullptr) return Fail(Code::kWrongState, "demo", name + " was not started");
  const uint64_t until = base::MonotonicMs() + static_cast<uint64_t>(milliseconds(kReadyTimeout).count());
  for (;;) {
    auto ready = child->WaitReady(milliseconds(100));
    if (ready) return ready;
    if (stopped()) return std::unexpected<Error>(Interrupted());
    if (ready.error().code != Code::kTimeout || base::MonotonicMs() > until) {
      ready.error().detail += "; its log says:\n" + LogTail(name);
      return ready;
    }
  }
}

void Stage::StopAll() {
  // The newest first: devices, reader, broker, owner, maker, registry. All are told, then all are waited for.
  for (auto it = children_.rbegin(); it != children_.rend(); ++it) it->second.Signal(SIGTERM);
  while (!children_.empty()) {
    children_.back().second.Stop();
    children_.pop_back();
  }
}

}  // namespace keel::cli
