// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "cli/demo/fleet.h"

namespace keel::cli {

// What the demo shows while it runs, on standard output: phases, then a table that moves (on a terminal), or plain
// lines (elsewhere). One thread.
class Screen {
 public:
  Screen();

  void Line(const std::string& text);
  void BeginPhase(std::string title);
  // On a terminal only: how far the phase is.
  void Progress(size_t done, size_t all);
  void EndPhase(const std::string& note);
  // The live table; LiveEnd leaves its last state standing.
  void Live(const Fleet& fleet);
  void LiveEnd(const Fleet& fleet);
  // The phases so far and how long each took, in milliseconds.
  const std::vector<std::pair<std::string, uint64_t>>& phases() const { return phases_; }
  bool terminal() const { return terminal_; }
  std::string Good(bool good) const;  // a check-mark or a cross
  std::string Dim(const std::string& text) const;
  std::string Bold(const std::string& text) const;

 private:
  void Draw(const std::vector<std::string>& lines);
  std::vector<std::string> Table(const Fleet& fleet, bool all) const;
  std::string Row(const DeviceProgress& device) const;
  std::string Bar(size_t done, size_t all, size_t width) const;

  bool terminal_ = false, colour_ = false;
  size_t columns_ = 100, rows_ = 40;
  std::string phase_;
  uint64_t phase_began_ = 0;
  std::vector<std::pair<std::string, uint64_t>> phases_;
  size_t drawn_ = 0;  // lines of the table on the screen
  size_t told_ = 0;   // devices told of on plain output
  std::vector<bool> told_of_;
};

// Text cut or filled up to `width` columns (UTF-8 counted by code points).
std::string Fit(const std::string& text, size_t width);
// "1.2 s", "340 ms".
std::string Duration(uint64_t ms);

}  // namespace keel::cli
