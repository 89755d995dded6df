// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdlib>

#include "base/clock.h"

namespace keel::base {
namespace {

constexpr size_t kMaxValue = 512;

LogLevel LevelFromEnvironment() {
  const char* text = std::getenv("KEEL_LOG_LEVEL");
  const std::string_view level = text != nullptr ? text : "";
  if (level == "debug") return LogLevel::kDebug;
  if (level == "warn") return LogLevel::kWarn;
  if (level == "error") return LogLevel::kError;
  if (level == "off") return LogLevel::kOff;
  return LogLevel::kInfo;
}

std::atomic<LogLevel>& Level() {
  static std::atomic<LogLevel> level{LevelFromEnvironment()};
  return level;
}

// spdlog throws when its sink fails; a log line is never worth an end.
std::shared_ptr<spdlog::logger> MakeLogger() noexcept {
  try {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    auto logger = std::make_shared<spdlog::logger>("keel", std::move(sink));
    logger->set_pattern("%Y-%m-%dT%H:%M:%S.%eZ %l %v", spdlog::pattern_time_type::utc);
    logger->set_level(spdlog::level::trace);
    logger->flush_on(spdlog::level::trace);
    logger->set_error_handler([](const std::string&) {});
    return logger;
  } catch (const std::exception&) {
    return nullptr;
  }
}

void AppendValue(std::string_view value, std::string& out) {
  const bool cut = value.size() > kMaxValue;
  value = value.substr(0, kMaxValue);
  bool plain = !value.empty() && !cut;
  for (const char c : value)
    plain = plain && static_cast<uint8_t>(c) > 0x20 && c != '"' && c != '=' && c != '\\' && c != 0x7F;
  if (plain) {
    out += value;
    return;
  }
  static constexpr char kHex[] = "0123456789abcdef";
  out += '"';
  for (const char c : value) {
    if (c == '"' || c == '\\') {
      out += '\\';
      out += c;
    } else if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) {
      out += "\\x";
      out += kHex[static_cast<uint8_t>(c) >> 4];
      out += kHex[static_cast<uint8_t>(c) & 15];
    } else {
      out += c;
    }
  }
  out += cut ? "...\"" : "\"";
}

}  // namespace

bool LogEnabled(LogLevel level) { return level >= Level().load(std::memory_order_relaxed) && level != LogLevel::kOff; }
void SetLogLevel(LogLevel level) { Level() = level; }

void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level)) return;
  static const std::shared_ptr<spdlog::logger> logger = MakeLogger();
  if (logger == nullptr) return;
  std::string line(event);
  for (const LogField& field : fields) {
    line += ' ';
    line += field.key;
    line += '=';
    AppendValue(field.value, line);
  }
  static constexpr spdlog::level::level_enum kLevels[] = {spdlog::level::debug, spdlog::level::info,
                                                          spdlog::level::warn, spdlog::level::err};
  logger->log(kLevels[static_cast<size_t>(level)], spdlog::string_view_t(line.data(), line.size()));
}

bool LogLimiter::Allow(uint64_t ticks_ms) {
  const uint64_t minute = ticks_ms / 60'000 + 1;
  uint64_t seen = minute_.load(std::memory_order_relaxed);
  if (seen != minute && minute_.compare_exchange_strong(seen, minute)) used_ = 0;
  if (used_.fetch_add(1, std::memory_order_relaxed) < per_minute_) return true;
  suppressed_.fetch_add(1, std::memory_order_relaxed);
  return false;
}

void LogLimiter::Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields) {
  if (!LogEnabled(level) || !Allow(MonotonicMs())) return;
  const uint64_t kept_back = suppressed_.exchange(0);
  if (kept_back > 0) base::Log(level, "log.suppressed", {{"event", event}, {"lines", kept_back}});
  base::Log(level, event, fields);
}

}  // namespace keel::base
