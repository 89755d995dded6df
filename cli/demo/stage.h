// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <list>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/files.h"
#include "base/process.h"
#include "core/result.h"

namespace keel::cli {

// Takes whole lines off a descriptor that is read without blocking.
class LineReader {
 public:
  // Reads what is there and hands on each whole line. False at the end of the stream.
  bool Read(int fd, const std::function<void(std::string_view)>& on_line);

 private:
  std::string rest_;
};

// The folder and the processes of one demo: programs of this build, each a real child that is stopped at the end.
// Everything is spawned from, and used by, one thread.
class Stage {
 public:
  // data: the folder to use (made; must be empty); empty: a temporary one that goes at the end.
  static Result<std::unique_ptr<Stage>> Create(const std::string& data, base::StopSignal& stop);
  ~Stage();  // stops everything
  Stage(const Stage&) = delete;
  Stage& operator=(const Stage&) = delete;

  const std::string& dir() const { return dir_; }
  std::string operator/(std::string_view name) const { return dir_ + "/" + std::string(name); }
  // The path of a program beside this one.
  static std::string Program(std::string_view name) { return base::ProgramDir() + "/" + std::string(name); }

  // Runs programs to their end, all at once; gives their standard output in the same order. An error carries the last
  // lines that the program that failed wrote; its kind follows from the exit status (kUsage 2, kUnreachable 3, else
  // kRefused). on_line, when set, sees each line of output as it comes.
  using Command = std::vector<std::string>;
  using OnLine = std::function<void(std::string_view line)>;
  Result<std::vector<std::string>> RunAll(const std::vector<Command>& commands, const OnLine& on_line = {});
  Result<std::string> Run(const Command& command, const OnLine& on_line = {});
  // The last line of what a program printed, as JSON.
  Result<nlohmann::json> RunJson(const Command& command, const OnLine& on_line = {});

  // Starts a service with `--ready-fd`; Await gives its ready line.
  Result<> Start(const std::string& name, Command command);
  Result<nlohmann::json> Await(const std::string& name);
  // Starts a program that has no ready line.
  Result<base::ChildProcess*> Launch(const std::string& name, base::SpawnOptions options);
  base::ChildProcess* Find(const std::string& name);
  const std::vector<std::pair<std::string, pid_t>>& started() const { return started_; }
  // The last lines of a program's log, for error messages.
  std::string LogTail(const std::string& name, size_t from = 0) const;
  std::string LogFile(const std::string& name) const { return dir_ + "/logs/" + name + ".log"; }

  // True once the user has pressed Ctrl-C (or a SIGTERM came).
  bool stopped();
  // Waits for that at most so long.
  bool StoppedWithin(std::chrono::milliseconds time);
  int stop_fd() const { return stop_.fd(); }
  // Leaves the folder at the end.
  void KeepFolder() { keep_ = true; }
  bool keeps_folder() const { return keep_; }
  void StopAll();

 private:
  explicit Stage(base::StopSignal& stop) : stop_(stop) {}

  base::StopSignal& stop_;
  bool stopped_ = false;
  bool keep_ = false;
  std::string dir_;
  std::list<std::pair<std::string, base::ChildProcess>> children_;  // in the order of their start
  std::vector<std::pair<std::string, pid_t>> started_;
};

}  // namespace keel::cli
