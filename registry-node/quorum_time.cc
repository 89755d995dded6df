// SPDX-License-Identifier: Apache-2.0
#include "registry-node/quorum_time.h"

#include "ledger/quorum_time.h"

namespace keel::registry {

QuorumTimeService::QuorumTimeService(Node& node, Clock& clock) : node_(node), clock_(clock) {
  thread_ = std::thread([this] { Run(); });
}

QuorumTimeService::~QuorumTimeService() {
  {
    std::lock_guard lock(mutex_);
    stop_ = true;
  }
  wake_.notify_all();
  thread_.join();
  for (Question& q : waiting_) q.done(Fail(Code::kClosed, "quorum time", "the service stops"));
}

void QuorumTimeService::Ask(const Bytes32& nonce, Done done) {
  {
    std::lock_guard lock(mutex_);
    if (!stop_ && waiting_.size() < kMaxWaiting) {
      waiting_.push_back({nonce, std::move(done)});
      done = nullptr;
    }
  }
  if (done) {
    done(Fail(Code::kBusy, "quorum time", "too many ask; try again"));
    return;
  }
  wake_.notify_one();
}

void QuorumTimeService::Run() {
  std::unique_lock lock(mutex_);
  while (true) {
    wake_.wait(lock, [this] { return stop_ || !waiting_.empty(); });
    if (stop_) return;
    std::vector<Question> tick;
    while (!waiting_.empty() && tick.size() < kMaxTick) {
      tick.push_back(std::move(waiting_.front()));
      waiting_.pop_front();
    }
    lock.unlock();
    Answer(std::move(tick));
    lock.lock();
  }
}

void QuorumTimeService::Answer(std::vector<Question> tick) {
  std::vector<Bytes32> leaves;
  for (const Question& q : tick) leaves.push_back(ledger::NonceLeaf(q.nonce));
  const auto sign = [&]() -> Result<ledger::TimeStatement> {
    ledger::TimeStatement statement;
    statement.member = node_.member();
    // No peers to compare with in the local engine: MayStateTime has nothing to say.
    KEEL_TRY(statement.seconds, clock_.Now());
    const auto message =
        ledger::TimeMessage(node_.net(), node_.Members().epoch, ledger::TreeRoot(leaves), statement.seconds);
    KEEL_TRY(statement.signature, node_.SignAsMember(message));
    return statement;
  };
  const auto statement = sign();
  for (size_t i = 0; i < tick.size(); ++i) {
    if (!statement) {
      tick[i].done(std::unexpected(statement.error()));
      continue;
    }
    const std::vector<ledger::TimeStatement> statements{*statement};
    std::array<Bytes32, ledger::kMaxPath> path;
    const auto n = ledger::TreePath(leaves, i, path);
    std::vector<uint8_t> body(1 + statements.size() * ledger::kTimeStatementOctets + 9 + ledger::kMaxPath * 32);
    const auto length =
        n ? ledger::WriteTimeAnswer(statements, static_cast<uint32_t>(i), static_cast<uint32_t>(leaves.size()),
                                    std::span(path).first(*n), body)
          : Result<size_t>(std::unexpected(n.error()));
    if (!length) {
      tick[i].done(std::unexpected(length.error()));
      continue;
    }
    body.resize(*length);
    tick[i].done(std::move(body));
  }
}

}  // namespace keel::registry
