// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/wait_call.h"

#include <utility>

namespace keel::device {

void WaitCalls::Start(base::HttpCall call, std::chrono::milliseconds deadline) {
  std::erase_if(abandoned_, [](const std::unique_ptr<Call>& old) { return old->over.load(); });
  current_ = std::make_unique<Call>();
  current_->thread = std::thread([this, made = current_.get(), call = std::move(call), deadline] {
    base::Deadlines deadlines;
    deadlines.total = deadline;
    made->outcome = http_.Send(call, deadlines);
    made->over = true;
    wake_();
  });
}

std::optional<Result<base::HttpResponse>> WaitCalls::Take() {
  if (!current_ || !current_->over) return std::nullopt;
  const std::unique_ptr<Call> ended = std::move(current_);
  return std::move(ended->outcome);
}

void WaitCalls::Abandon() {
  if (current_) abandoned_.push_back(std::move(current_));
}

}  // namespace keel::device
