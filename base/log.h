// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <concepts>
#include <cstdint>
#include <initializer_list>
#include <string>
#include <string_view>

// Structured log lines on stderr: `2026-11-22T10:41:00.123Z info registry.ready url=http://... members=4`. The caller's
// rule: never a secret, a payload or a credential. Lines that a stranger can cause go through a LogLimiter.
// Thread-safe. Level from KEEL_LOG_LEVEL (debug|info|warn|error|off), default info.
namespace keel::base {

enum class LogLevel : uint8_t { kDebug, kInfo, kWarn, kError, kOff };

struct LogField {
  LogField(const char* k, std::string_view v) : key(k), value(v) {}
  LogField(const char* k, const char* v) : key(k), value(v) {}
  LogField(const char* k, const std::string& v) : key(k), value(v) {}
  LogField(const char* k, bool v) : key(k), value(v ? "true" : "false") {}
  template <std::integral T>
  LogField(const char* k, T v) : key(k), value(std::to_string(v)) {}
  const char* key;
  std::string value;
};

// event: dotted lower-case words. Values with spaces, quotes or control characters are quoted and escaped; at most 512
// octets of each are kept.
void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
inline void LogInfo(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kInfo, event, fields);
}
inline void LogWarn(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kWarn, event, fields);
}
inline void LogError(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kError, event, fields);
}
inline void LogDebug(std::string_view event, std::initializer_list<LogField> fields = {}) {
  Log(LogLevel::kDebug, event, fields);
}
bool LogEnabled(LogLevel level);
void SetLogLevel(LogLevel level);

// Lets at most `per_minute` lines through each minute and says how many it kept back with the next one.
class LogLimiter {
 public:
  explicit LogLimiter(uint32_t per_minute = 10) : per_minute_(per_minute) {}
  void Log(LogLevel level, std::string_view event, std::initializer_list<LogField> fields = {});
  // True when a line may be written now; counts it.
  bool Allow(uint64_t ticks_ms);
  uint64_t suppressed() const { return suppressed_.load(std::memory_order_relaxed); }

 private:
  const uint32_t per_minute_;
  std::atomic<uint64_t> minute_{0};
  std::atomic<uint32_t> used_{0};
  std::atomic<uint64_t> suppressed_{0};
};

}  // namespace keel::base
