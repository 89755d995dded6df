// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <atomic>
#include <functional>
#include <list>
#include <memory>
#include <optional>
#include <thread>

#include "base/net/http_client.h"

namespace keel::device {

// A request whose answer may take long (KEEL_REQUEST_WAIT), made on a thread of its own while the main thread goes on.
// Main thread only. Destruction waits for the calls under way: at most their deadline.
class WaitCalls {
 public:
  // The client outlives it. `wake`: called from the call's thread when it is over.
  WaitCalls(base::HttpClient& http, std::function<void()> wake) : http_(http), wake_(std::move(wake)) {}

  bool active() const { return current_ != nullptr; }
  void Start(base::HttpCall call, std::chrono::milliseconds deadline);
  // The outcome of the current call once it is there; the next may begin then.
  std::optional<Result<base::HttpResponse>> Take();
  // Nobody waits for the current call any more; it ends by itself.
  void Abandon();

 private:
  struct Call {
    std::thread thread;
    std::atomic<bool> over = false;
    Result<base::HttpResponse> outcome = Fail(Code::kInternalError, "wait");
    ~Call() {
      if (thread.joinable()) thread.join();
    }
  };
  base::HttpClient& http_;
  std::function<void()> wake_;
  std::unique_ptr<Call> current_;
  std::list<std::unique_ptr<Call>> abandoned_;
};

}  // namespace keel::device
