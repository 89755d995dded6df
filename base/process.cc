// SPDX-License-Identifier: Apache-2.0
#include "base/process.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/json_strict.h"

extern char** environ;

namespace keel::base {
namespace {

constexpr size_t kMaxOutput = 16 << 20;
constexpr size_t kMaxReadyLine = 64 << 10;
constexpr size_t kMaxStdin = 64 << 10;

struct Fd {
  int fd = -1;
  Fd() = default;
  explicit Fd(int f) : fd(f) {}
  Fd(Fd&& other) noexcept : fd(std::exchange(other.fd, -1)) {}
  Fd& operator=(Fd&& other) noexcept {
    std::swap(fd, other.fd);
    return *this;
  }
  ~Fd() { Reset(); }
  void Reset() {
    if (fd >= 0) ::close(std::exchange(fd, -1));
  }
};

struct Pipe {
  Fd read, write;
  bool Open() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) return false;
    read = Fd(ends[0]);
    write = Fd(ends[1]);
    return true;
  }
};

int64_t Left(uint64_t deadline) {
  const uint64_t now = MonotonicMs();
  return now >= deadline ? 0 : static_cast<int64_t>(deadline - now);
}

uint64_t After(std::chrono::milliseconds time) {
  return MonotonicMs() + static_cast<uint64_t>(std::max<int64_t>(0, time.count()));
}

bool Readable(int fd, uint64_t deadline) {
  for (;;) {
    pollfd item{fd, POLLIN, 0};
    const int n = ::poll(&item, 1, static_cast<int>(std::min<int64_t>(Left(deadline), INT_MAX)));
    if (n > 0) return true;
    if (n == 0 || errno != EINTR) return false;
  }
}

std::string Describe(const ExitState& state) {
  return (state.exited ? "exit status " : "signal ") + std::to_string(state.code);
}

}  // namespace

struct ChildProcess::Impl {
  std::string name;
  pid_t pid = -1;
  Fd pid_fd, ready, out, err;
  std::string ready_text;
  bool reaped = false;
  ExitState state;

  // True when the child has ended by the deadline.
  bool Reap(uint64_t deadline) {
    if (reaped) return true;
    if (!Readable(pid_fd.fd, deadline)) return false;
    int status = 0;
    if (::waitpid(pid, &status, 0) != pid) return false;
    reaped = true;
    state.exited = WIFEXITED(status);
    state.code = state.exited ? WEXITSTATUS(status) : WTERMSIG(status);
    return true;
  }
};

Result<ChildProcess> ChildProcess::Spawn(const SpawnOptions& options) {
  if (options.argv.empty()) return Fail(Code::kInvalidArgument, "process", "no program");
  if (options.stdin_text.size() > kMaxStdin) return Fail(Code::kTooLarge, "process", "standard input is over 64 KiB");
  auto impl = std::make_unique<Impl>();
  impl->name = options.argv[0];
  Pipe ready, out, err, in, failure;
  const bool with_ready = std::find(options.argv.begin(), options.argv.end(), "{ready-fd}") != options.argv.end();
  if ((with_ready && !ready.Open()) || (options.capture_stdout && !out.Open()) ||
      (options.capture_stderr && !err.Open()) || !in.Open() || !failure.Open()) {
    return Fail(Code::kIo, "process", std::string("can't make a pipe: ") + strerror(errno));
  }
  // Everything the child needs is made before fork: after it only async-signal-safe calls are allowed.
  std::vector<std::string> words = options.argv;
  for (std::string& word : words) {
    if (word == "{ready-fd}") word = std::to_string(ready.write.fd);
  }
  std::vector<std::string> settings;
  for (char** e = environ; *e != nullptr; ++e) {
    const std::string_view entry = *e;
    const bool replaced = std::any_of(options.env.begin(), options.env.end(),
                                      [&](const auto& pair) { return entry.starts_with(pair.first + "="); });
    if (!replaced) settings.emplace_back(entry);
  }
  for (const auto& [name, value] : options.env) settings.push_back(name + "=" + value);
  std::vector<char*> argv, envp;
  for (std::string& word : words) argv.push_back(word.data());
  for (std::string& setting : settings) envp.push_back(setting.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  const pid_t parent = ::getpid();

  const pid_t pid = ::fork();
  if (pid < 0) return Fail(Code::kIo, "process", std::string("can't fork: ") + strerror(errno));
  if (pid == 0) {
    const auto fail = [&] {
      const int error = errno;
      static_cast<void>(!::write(failure.write.fd, &error, sizeof error));
      ::_exit(127);
    };
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (::getppid() != parent) ::_exit(127);
    sigset_t none;
    sigemptyset(&none);
    ::sigprocmask(SIG_SETMASK, &none, nullptr);
    ::signal(SIGPIPE, SIG_DFL);
    // A group of its own would keep the terminal's Ctrl-C from the child; the parent decides about stopping.
    ::setpgid(0, 0);
    if (!options.cwd.empty() && ::chdir(options.cwd.c_str()) != 0) fail();
    if (::dup2(in.read.fd, 0) < 0) fail();
    const auto redirect = [&](int target, const std::string& file, int pipe_fd) {
      int fd = pipe_fd;
      if (fd < 0 && !file.empty()) fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
      if (fd < 0 && !file.empty()) fail();
      if (fd >= 0 && ::dup2(fd, target) < 0) fail();
    };
    redirect(1, options.stdout_file, out.write.fd);
    redirect(2, options.stderr_file, err.write.fd);
    if (with_ready) ::fcntl(ready.write.fd, F_SETFD, 0);
    ::execvpe(argv[0], argv.data(), envp.data());
    fail();
  }

  impl->pid = pid;
  impl->pid_fd = Fd(static_cast<int>(::syscall(SYS_pidfd_open, pid, 0)));
  ready.write.Reset();
  out.write.Reset();
  err.write.Reset();
  in.read.Reset();
  failure.write.Reset();
  int error = 0;
  ssize_t got = 0;
  do {
    got = ::read(failure.read.fd, &error, sizeof error);
  } while (got < 0 && errno == EINTR);
  if (got == static_cast<ssize_t>(sizeof error)) {
    int status = 0;
    ::waitpid(pid, &status, 0);
    return Fail(error == ENOENT ? Code::kNotFound : Code::kIo, "process",
                "can't start " + options.argv[0] + ": " + strerror(error));
  }
  impl->ready = std::move(ready.read);
  impl->out = std::move(out.read);
  impl->err = std::move(err.read);
  // At most a pipe's worth, so this can't block; a child that doesn't read it is no error (SIGPIPE is blocked while
  // writing).
  if (!options.stdin_text.empty()) {
    sigset_t pipe_signal, old;
    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    ::pthread_sigmask(SIG_BLOCK, &pipe_signal, &old);
    static_cast<void>(!::write(in.write.fd, options.stdin_text.data(), options.stdin_text.size()));
    const timespec now{};
    while (::sigtimedwait(&pipe_signal, nullptr, &now) > 0) {
    }
    ::pthread_sigmask(SIG_SETMASK, &old, nullptr);
  }
  return ChildProcess(std::move(impl));
}

ChildProcess::ChildProcess(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
ChildProcess::ChildProcess(ChildProcess&&) noexcept = default;
ChildProcess& ChildProcess::operator=(ChildProcess&& other) noexcept {
  std::swap(impl_, other.impl_);
  return *this;
}
ChildProcess::~ChildProcess() {
  if (impl_ != nullptr) Stop();
}

pid_t ChildProcess::pid() const { return impl_->pid; }
int ChildProcess::output_fd() const { return impl_->out.fd; }
bool ChildProcess::running() { return !impl_->Reap(0); }

Result<nlohmann::json> ChildProcess::WaitReady(std::chrono::milliseconds timeout) {
  const uint64_t deadline = After(timeout);
  while (impl_->ready_text.find('\n') == std::string::npos) {
    if (impl_->ready.fd < 0) return Fail(Code::kWrongState, "process", impl_->name + " was started without {ready-fd}");
    if (!Readable(impl_->ready.fd, deadline))
      return Fail(Code::kTimeout, "process",
                  impl_->name + " did not become ready in " + std::to_string(timeout.count()) + " ms");
    char buffer[4096];
    const ssize_t n = ::read(impl_->ready.fd, buffer, sizeof buffer);
    if (n > 0) impl_->ready_text.append(buffer, static_cast<size_t>(n));
    if (n <= 0 || impl_->ready_text.size() > kMaxReadyLine) {
      const bool ended = impl_->Reap(After(std::chrono::seconds(1)));
      return Fail(Code::kClosed, "process",
                  impl_->name + " gave no ready line" + (ended ? ": " + Describe(impl_->state) : ""));
    }
  }
  return ParseJson(std::string_view(impl_->ready_text).substr(0, impl_->ready_text.find('\n')));
}

Result<ExitState> ChildProcess::Wait(std::chrono::milliseconds timeout) {
  if (!impl_->Reap(After(timeout))) return Fail(Code::kTimeout, "process", impl_->name + " still runs");
  return impl_->state;
}

void ChildProcess::Signal(int signal) {
  if (!impl_->reaped) ::kill(impl_->pid, signal);
}

void ChildProcess::Stop(std::chrono::milliseconds grace) {
  if (impl_->Reap(0)) return;
  Signal(SIGTERM);
  if (impl_->Reap(After(grace))) return;
  Signal(SIGKILL);
  static_cast<void>(impl_->Reap(After(std::chrono::seconds(30))));
}

Result<ChildProcess::Output> ChildProcess::ReadOutput(std::chrono::milliseconds timeout) {
  const uint64_t deadline = After(timeout);
  Output output;
  while (impl_->out.fd >= 0 || impl_->err.fd >= 0) {
    pollfd items[2] = {{impl_->out.fd, POLLIN, 0}, {impl_->err.fd, POLLIN, 0}};
    const int n = ::poll(items, 2, static_cast<int>(std::min<int64_t>(Left(deadline), INT_MAX)));
    if (n == 0) return Fail(Code::kTimeout, "process", impl_->name + " did not end its output in time");
    if (n < 0 && errno != EINTR) return Fail(Code::kIo, "process", strerror(errno));
    for (int i = 0; n > 0 && i < 2; ++i) {
      if (items[i].revents == 0) continue;
      Fd& fd = i == 0 ? impl_->out : impl_->err;
      std::string& text = i == 0 ? output.out : output.err;
      char buffer[65536];
      const ssize_t got = ::read(fd.fd, buffer, sizeof buffer);
      if (got > 0) text.append(buffer, static_cast<size_t>(got));
      if (got <= 0 && !(got < 0 && errno == EINTR)) fd.Reset();
      if (text.size() > kMaxOutput) return Fail(Code::kTooLarge, "process", impl_->name + " wrote over 16 MiB");
    }
  }
  return output;
}

Result<RunResult> RunProcess(SpawnOptions options, std::chrono::milliseconds timeout) {
  options.capture_stdout = options.stdout_file.empty();
  options.capture_stderr = options.stderr_file.empty();
  const uint64_t deadline = After(timeout);
  KEEL_TRY(ChildProcess child, ChildProcess::Spawn(options));
  KEEL_TRY(ChildProcess::Output output, child.ReadOutput(timeout));
  KEEL_TRY(const ExitState state, child.Wait(std::chrono::milliseconds(std::max<int64_t>(Left(deadline), 1))));
  return RunResult{state, std::move(output.out), std::move(output.err)};
}

Result<> WriteReadyLine(int fd, const nlohmann::json& line) {
  if (fd < 0) return {};
  const std::string text = DumpJson(line) + "\n";
  std::string_view rest = text;
  while (!rest.empty()) {
    const ssize_t n = ::write(fd, rest.data(), rest.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0)
      return Fail(Code::kIo, "ready",
                  "can't write to descriptor " + std::to_string(fd) + " of --ready-fd: " + strerror(errno));
    rest.remove_prefix(static_cast<size_t>(n));
  }
  if (fd > 2) ::close(fd);
  return {};
}

Result<std::unique_ptr<StopSignal>> StopSignal::Create() {
  std::unique_ptr<StopSignal> out(new StopSignal());
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  ::signal(SIGPIPE, SIG_IGN);
  ::pthread_sigmask(SIG_BLOCK, &set, nullptr);
  out->signal_fd_ = ::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
  out->event_fd_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  out->epoll_fd_ = ::epoll_create1(EPOLL_CLOEXEC);
  epoll_event event{};
  event.events = EPOLLIN;
  const bool ok = out->signal_fd_ >= 0 && out->event_fd_ >= 0 && out->epoll_fd_ >= 0 &&
                  ::epoll_ctl(out->epoll_fd_, EPOLL_CTL_ADD, out->signal_fd_, &event) == 0 &&
                  ::epoll_ctl(out->epoll_fd_, EPOLL_CTL_ADD, out->event_fd_, &event) == 0;
  if (!ok) return Fail(Code::kIo, "signals", strerror(errno));
  return out;
}

StopSignal::~StopSignal() {
  for (const int fd : {signal_fd_, event_fd_, epoll_fd_}) {
    if (fd >= 0) ::close(fd);
  }
}

int StopSignal::Wait() {
  for (;;) {
    if (const auto stop = WaitFor(std::chrono::hours(1))) return *stop;
  }
}

std::optional<int> StopSignal::WaitFor(std::chrono::milliseconds timeout) {
  if (!Readable(epoll_fd_, After(timeout))) return std::nullopt;
  signalfd_siginfo info{};
  if (::read(signal_fd_, &info, sizeof info) == static_cast<ssize_t>(sizeof info))
    return static_cast<int>(info.ssi_signo);
  return 0;
}

void StopSignal::RequestStop() {
  const uint64_t one = 1;
  static_cast<void>(!::write(event_fd_, &one, sizeof one));
}

void ForbidCoreFiles() {
  const rlimit none = {0, 0};
  ::setrlimit(RLIMIT_CORE, &none);  // lowering a limit is always allowed
}

std::string ProgramDir() {
  char path[PATH_MAX];
  const ssize_t n = ::readlink("/proc/self/exe", path, sizeof path);
  const std::string_view text(path, n > 0 ? static_cast<size_t>(n) : 0);
  const size_t slash = text.find_last_of('/');
  return slash == std::string_view::npos ? "." : std::string(text.substr(0, slash));
}

}  // namespace keel::base
