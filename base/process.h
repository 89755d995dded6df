// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <sys/types.h>

#include <chrono>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "core/result.h"

// Child processes that can't outlive us, ready lines, and stop signals.
namespace keel::base {

struct SpawnOptions {
  // argv[0] is the program (a path, or a name looked up in PATH). An element "{ready-fd}" is replaced by the number of
  // the ready pipe's descriptor in the child.
  std::vector<std::string> argv;
  std::vector<std::pair<std::string, std::string>> env;  // added to ours
  std::string cwd;                                       // empty: ours
  std::string stdin_text;                                // given on standard input (at most 64 KiB); empty: /dev/null
  // Where output goes: a file (appended to), or a pipe to be read with ReadOutput, or ours.
  std::string stdout_file, stderr_file;
  bool capture_stdout = false, capture_stderr = false;
};

struct ExitState {
  bool exited = false;  // else killed by a signal
  int code = 0;         // exit status or signal number
  bool ok() const { return exited && code == 0; }
};

// One child. It gets SIGKILL when the *thread* that spawned it ends (PR_SET_PDEATHSIG), so spawn from one that stays.
// Move-only; the destructor sends SIGTERM, waits 2 s, then SIGKILL, and reaps. Needs external synchronisation.
class ChildProcess {
 public:
  static Result<ChildProcess> Spawn(const SpawnOptions& options);
  ChildProcess(ChildProcess&&) noexcept;
  ChildProcess& operator=(ChildProcess&&) noexcept;
  ~ChildProcess();

  pid_t pid() const;
  bool running();
  // The child's ready line (one JSON object). kTimeout; kClosed, with the exit state, when the child ended or closed
  // the pipe first.
  Result<nlohmann::json> WaitReady(std::chrono::milliseconds timeout);
  // kTimeout when it still runs then. May be called again after the end.
  Result<ExitState> Wait(std::chrono::milliseconds timeout);
  void Signal(int signal);
  // SIGTERM, then SIGKILL after `grace`; reaps.
  void Stop(std::chrono::milliseconds grace = std::chrono::seconds(2));
  // Reads captured output until the child closes it (both pipes at once, at most 16 MiB each). kTimeout.
  struct Output {
    std::string out, err;
  };
  Result<Output> ReadOutput(std::chrono::milliseconds timeout);
  // The read end of the captured standard output, for callers that poll many children (then ReadOutput isn't called);
  // -1 when it isn't captured. Stays this object's.
  int output_fd() const;

 private:
  struct Impl;
  explicit ChildProcess(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Runs a program to its end and gives its output.
struct RunResult {
  ExitState state;
  std::string out, err;
};
Result<RunResult> RunProcess(SpawnOptions options, std::chrono::milliseconds timeout);

// Writes `line` and a newline to the descriptor given by --ready-fd and closes it. fd < 0: nothing to do.
Result<> WriteReadyLine(int fd, const nlohmann::json& line);

// SIGINT and SIGTERM as something to wait for; SIGPIPE is ignored. Create it in main before any thread starts (it
// blocks the signals for all of them); children spawned through ChildProcess get the signals back. One per program.
class StopSignal {
 public:
  static Result<std::unique_ptr<StopSignal>> Create();
  ~StopSignal();
  // Blocks until a signal or RequestStop; gives the signal number, 0 for a request. With a timeout: nullopt when
  // nothing came.
  int Wait();
  std::optional<int> WaitFor(std::chrono::milliseconds timeout);
  // From any thread.
  void RequestStop();
  // Readable (poll) once a stop was asked for.
  int fd() const { return epoll_fd_; }

 private:
  StopSignal() = default;
  int signal_fd_ = -1, event_fd_ = -1, epoll_fd_ = -1;
};

// No core file of this process: it would hold private keys. First thing in the main of every program that has any; what
// it starts inherits it. (A debugger still works.)
void ForbidCoreFiles();

// The folder of the running executable, for finding its neighbours.
std::string ProgramDir();

}  // namespace keel::base
