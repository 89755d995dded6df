// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

// Between cpprestsdk (C++20) and keel's HttpClient (C++23): plain types that both standards have.
namespace keel::base::internal {

enum class BridgeError { kNone, kUnreachable, kTimeout, kClosed, kTooLarge, kStopped };

struct BridgeCall {
  std::string method, authority, target, content_type;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string_view body;
  size_t max_response = 0;
  std::chrono::milliseconds total{30'000};
  std::function<bool(std::string_view)> on_body;  // false: stop
};

struct BridgeResult {
  BridgeError error = BridgeError::kNone;
  std::string text;
  int status = 0;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  size_t received = 0;
};

class CpprestBridge {
 public:
  virtual ~CpprestBridge() = default;
  virtual BridgeResult Send(const BridgeCall& call) = 0;
};

std::unique_ptr<CpprestBridge> MakeCpprestBridge(int threads);

}  // namespace keel::base::internal
