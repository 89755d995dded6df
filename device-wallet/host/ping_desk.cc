// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/ping_desk.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/clock.h"
#include "base/json_strict.h"
#include "device-wallet/host/ports.h"

namespace keel::device {

using nlohmann::json;

namespace {

constexpr uint64_t kLookEveryMs = 1'000;  // what ends a ping wakes the main thread anyway
constexpr uint64_t kMaxTimeoutMs = 3'600'000;
constexpr size_t kMaxSocketPath = 107;

std::string SocketOf(const std::string& dir) { return dir + "/device.sock"; }

std::string Meaning(const std::string& problem) {
  if (problem == "e.p.xfer.no-such-recipient")
    return "the owner's service knows no member that speaks as this DID (revoked, or of another fleet)";
  if (problem == "e.p.trust.no-member") return "this device is no member of its owner's fleet any more";
  if (problem == "e.p.me.res.storage") return "too much waits for that device already";
  return "by the owner's service or the other device";
}

}  // namespace

struct PingDesk::Ask {
  std::string did;
  uint64_t deadline = 0;
  bool begun = false;  // main thread only
  std::mutex mutex;    // done, outcome
  std::condition_variable ended;
  bool done = false;
  Result<uint64_t> outcome = Fail(Code::kTimeout, "ping");

  void End(Result<uint64_t> with) {
    {
      const std::lock_guard lock(mutex);
      outcome = std::move(with);
      done = true;
    }
    ended.notify_all();
  }
};

Result<std::unique_ptr<PingDesk>> PingDesk::Open(const std::string& dir, std::function<void()> wake) {
  const std::string socket = SocketOf(dir);
  if (socket.size() > kMaxSocketPath)
    return Fail(Code::kUsage, "device socket",
                socket + " has over " + std::to_string(kMaxSocketPath) + " octets: use a folder with a shorter name");
  std::unique_ptr<PingDesk> desk(new PingDesk(std::move(wake)));
  std::map<std::string, base::ControlVerb> verbs;
  verbs["ping"] = [raw = desk.get()](const json& args) { return raw->Handle(args); };
  KEEL_TRY(desk->server_, base::ControlServer::Start(socket, std::move(verbs), 1));
  return desk;
}

PingDesk::~PingDesk() {
  std::shared_ptr<Ask> ask;
  {
    const std::lock_guard lock(mutex_);
    ask = ask_;
  }
  if (ask) ask->End(Fail(Code::kClosed, "ping", "the device ends"));
  if (server_) server_->Stop();
}

Result<json> PingDesk::Handle(const json& args) {
  auto ask = std::make_shared<Ask>();
  KEEL_TRY(ask->did, base::GetString(args, "did"));
  KEEL_TRY(const uint64_t timeout, base::GetUint(args, "timeout_ms"));
  ask->deadline = base::MonotonicMs() + std::min(timeout, kMaxTimeoutMs);
  {
    const std::lock_guard lock(mutex_);
    if (ask_) return Fail(Code::kBusy, "ping", "another ping is under way");
    ask_ = ask;
  }
  wake_();
  Result<uint64_t> outcome = Fail(Code::kTimeout, "ping");
  {
    std::unique_lock lock(ask->mutex);
    ask->ended.wait(lock, [&] { return ask->done; });
    outcome = ask->outcome;
  }
  {
    const std::lock_guard lock(mutex_);
    ask_.reset();
  }
  KEEL_TRY(const uint64_t round_trip, std::move(outcome));
  return json{{"round_trip_ms", round_trip}};
}

uint64_t PingDesk::Tend(keel_wallet* wallet, uint64_t now) {
  std::shared_ptr<Ask> ask;
  {
    const std::lock_guard lock(mutex_);
    ask = ask_;
  }
  if (!ask) return UINT64_MAX;
  {
    const std::lock_guard lock(ask->mutex);
    if (ask->done) return UINT64_MAX;
  }
  if (!ask->begun) {
    ask->begun = true;
    const int status = keel_wallet_ping(wallet, now, ask->did.c_str());
    if (status != KEEL_WALLET_OK) {
      const auto code = static_cast<Code>(status);
      std::string why;
      if (code == Code::kWrongState) why = "this device isn't onboarded";
      if (code == Code::kUnsupported) why = "that device has keys of the other suite";
      if (code == Code::kInvalidArgument) why = "that is this device's own DID";
      if (code == Code::kMethodNotSupported || code == Code::kInvalidDid || code == Code::kMalformed)
        why = "no pairwise DID of a device; `keel-device status` shows its own as \"pairwise\"";
      ask->End(Fail(code, "ping", std::move(why)));
      return UINT64_MAX;
    }
    return now;
  }
  keel_wallet_ping_result result = {};
  result.size = sizeof result;
  static_cast<void>(keel_wallet_get_ping(wallet, &result));
  if (result.state == KEEL_PING_ANSWERED) {
    ask->End(uint64_t{result.round_trip_ms});
  } else if (result.state == KEEL_PING_REFUSED) {
    ask->End(Fail(Code::kRefused, "ping", std::string(result.problem) + ": " + Meaning(result.problem)));
  } else if (result.state == KEEL_PING_NONE) {
    ask->End(Fail(Code::kWrongState, "ping", "the device has left its owner meanwhile"));
  } else if (now >= ask->deadline) {
    ask->End(
        result.state == KEEL_PING_SENT
            ? Fail(Code::kTimeout, "ping", "sent, but no answer came in time: the other device may be off or asleep")
            : Fail(Code::kUnreachable, "ping", "the owner's service can't be reached"));
  } else {
    return std::min(ask->deadline, now + kLookEveryMs);
  }
  return UINT64_MAX;
}

Result<uint64_t> AskPing(const std::string& dir, const std::string& did, uint64_t timeout_ms) {
  auto answer =
      base::CallControlSocket(SocketOf(dir), "keel-device", "ping", {{"did", did}, {"timeout_ms", timeout_ms}},
                              std::chrono::milliseconds(timeout_ms + 10'000));
  if (!answer) {
    if (answer.error().code == Code::kUnreachable && answer.error().detail.find("isn't running") != std::string::npos)
      answer.error().detail += "; start it with `keel-device run --data " + dir + "`";
    return std::unexpected<Error>(answer.error());
  }
  return base::GetUint(*answer, "round_trip_ms");
}

}  // namespace keel::device
