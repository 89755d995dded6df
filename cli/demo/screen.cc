// SPDX-License-Identifier: Apache-2.0
#include "cli/demo/screen.h"

#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <numeric>

#include "base/clock.h"

namespace keel::cli {
namespace {

size_t CodePoints(std::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// Never lets a log line or a name move the cursor.
std::string Plain(std::string text) {
  for (char& c : text) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return text;
}

}  // namespace

std::string Fit(const std::string& text, size_t width) {
  size_t points = 0;
  size_t at = 0;
  for (; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xc0) == 0x80) continue;
    if (points == width) break;
    ++points;
  }
  std::string out = text.substr(0, at);
  out.append(width - std::min(width, CodePoints(out)), ' ');
  return out;
}

std::string Duration(uint64_t ms) {
  char text[32];
  if (ms < 1000) {
    std::snprintf(text, sizeof text, "%llu ms", static_cast<unsigned long long>(ms));
  } else {
    std::snprintf(text, sizeof text, "%.1f s", static_cast<double>(ms) / 1000.0);
  }
  return text;
}

Screen::Screen() : terminal_(::isatty(STDOUT_FILENO) != 0) {
  const char* term = ::getenv("TERM");
  const char* no_colour = ::getenv("NO_COLOR");
  if (term == nullptr || std::string_view(term) == "dumb") terminal_ = false;
  colour_ = terminal_ && (no_colour == nullptr || *no_colour == '\0');
  winsize size{};
  if (terminal_ && ::ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col >= 40 && size.ws_row >= 10) {
    columns_ = size.ws_col;
    rows_ = size.ws_row;
  }
}

std::string Screen::Good(bool good) const {
  if (!colour_) return good ? "✓" : "✗";
  return good ? "\033[32m✓\033[0m" : "\033[31m✗\033[0m";
}
std::string Screen::Dim(const std::string& text) const { return colour_ ? "\033[2m" + text + "\033[0m" : text; }
std::string Screen::Bold(const std::string& text) const { return colour_ ? "\033[1m" + text + "\033[0m" : text; }

void Screen::Line(const std::string& text) {
  std::printf("%s\n", text.c_str());
  std::fflush(stdout);
}

void Screen::BeginPhase(std::string title) {
  phase_ = std::move(title);
  phase_began_ = base::MonotonicMs();
  if (!terminal_) return;
  std::printf("  %s %s\r", Dim("…").c_str(), phase_.c_str());
  std::fflush(stdout);
}

void Screen::Progress(size_t done, size_t all) {
  if (!terminal_ || all == 0) return;
  std::printf("  %s %s %s %zu/%zu\033[K\r", Dim("…").c_str(), Fit(phase_, 34).c_str(), Bar(done, all, 20).c_str(), done,
              all);
  std::fflush(stdout);
}

void Screen::EndPhase(const std::string& note) {
  const uint64_t took = base::MonotonicMs() - phase_began_;
  phases_.emplace_back(phase_, took);
  std::printf("%s  %s %s %s  %s\n", terminal_ ? "\r\033[K" : "", Good(true).c_str(), Fit(phase_, 34).c_str(),
              Dim(Fit(Duration(took), 8)).c_str(), note.c_str());
  std::fflush(stdout);
}

std::string Screen::Bar(size_t done, size_t all, size_t width) const {
  const size_t full = all == 0 ? 0 : std::min(width, done * width / all);
  std::string out;
  for (size_t i = 0; i < width; ++i) out += i < full ? "━" : (colour_ ? " " : "·");
  return colour_ ? "\033[32m" + out + "\033[0m" : "[" + out + "]";
}

std::string Screen::Row(const DeviceProgress& device) const {
  const std::string when = device.complete_ms != 0 ? Duration(device.complete_ms)
                                                   : (device.onboarded_ms != 0 ? Duration(device.onboarded_ms) : "");
  const std::string trouble = device.trouble.empty() || device.complete() ? "" : "  " + Plain(device.trouble);
  const size_t used = 2 + 16 + 1 + 16 + 1 + kStages + 2 + 1 + 30 + 1 + 8;
  return "  " + Fit(device.serial, 16) + " " + Dim(Fit(device.model, 16)) + " " + Bar(device.stage, kStages, kStages) +
         " " + Fit(Plain(device.now), 30) + " " + Fit(when, 8) +
         (columns_ > used + 4 ? Fit(trouble, columns_ - used - 2) : "");
}

std::vector<std::string> Screen::Table(const Fleet& fleet, bool all) const {
  const auto& devices = fleet.devices();
  std::vector<std::string> lines;
  const size_t complete = fleet.complete();
  const size_t onboarded = static_cast<size_t>(
      std::count_if(devices.begin(), devices.end(), [](const DeviceProgress& d) { return d.onboarded_ms != 0; }));
  lines.push_back("  " + Bar(complete, devices.size(), 30) + " " +
                  Bold(std::to_string(complete) + "/" + std::to_string(devices.size())) + " in use, " +
                  std::to_string(onboarded) + " onboarded, " + Duration(fleet.SincePowerOn()));
  std::vector<size_t> order(devices.size());
  std::iota(order.begin(), order.end(), size_t{0});
  const size_t room = rows_ > 6 ? rows_ - 4 : 2;
  if (!all && order.size() > room) {
    // Not all fit: those in the middle of something that changed last.
    std::erase_if(order, [&](size_t i) { return devices[i].complete() || devices[i].stage == 0; });
    std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return devices[a].changed > devices[b].changed; });
    if (order.size() > std::min<size_t>(room, 12)) order.resize(std::min<size_t>(room, 12));
    std::sort(order.begin(), order.end());
  }
  for (const size_t i : order) lines.push_back(Row(devices[i]));
  return lines;
}

void Screen::Draw(const std::vector<std::string>& lines) {
  std::string out;
  if (drawn_ > 0) out += "\033[" + std::to_string(drawn_) + "A";
  for (const std::string& line : lines) out += line + "\033[K\n";
  // A table that has become shorter leaves nothing behind.
  if (lines.size() < drawn_) out += "\033[J";
  drawn_ = lines.size();
  std::fwrite(out.data(), 1, out.size(), stdout);
  std::fflush(stdout);
}

void Screen::Live(const Fleet& fleet) {
  if (terminal_) {
    Draw(Table(fleet, false));
    return;
  }
  const auto& devices = fleet.devices();
  told_of_.resize(devices.size());
  for (size_t i = 0; i < devices.size(); ++i) {
    if (told_of_[i] || !devices[i].complete()) continue;
    told_of_[i] = true;
    ++told_;
    // With many devices, a line for some of them.
    if (devices.size() > 60 && told_ % (devices.size() / 20) != 0 && told_ != devices.size()) continue;
    std::printf("    %zu/%zu  %s %s  onboarded after %s, in use after %s\n", told_, devices.size(),
                Fit(devices[i].serial, 16).c_str(), Fit(devices[i].model, 16).c_str(),
                Duration(devices[i].onboarded_ms).c_str(), Duration(devices[i].complete_ms).c_str());
  }
  std::fflush(stdout);
}

void Screen::LiveEnd(const Fleet& fleet) {
  Live(fleet);
  if (terminal_ && drawn_ > 0) {
    // The summary comes next and says it all: the table goes.
    std::printf("\033[%zuA\033[J", drawn_);
    std::fflush(stdout);
  }
  drawn_ = 0;
}

}  // namespace keel::cli
