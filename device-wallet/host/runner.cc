// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/runner.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <utility>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/net/http_client.h"
#include "device-wallet/host/ping_desk.h"
#include "device-wallet/host/ports.h"
#include "device-wallet/host/telemetry.h"
#include "device-wallet/host/wait_call.h"

namespace keel::device {
namespace {

using nlohmann::json;

constexpr uint64_t kBrokerRetryMinMs = 500;
constexpr uint64_t kBrokerRetryMaxMs = 60'000;

// Wakes the main thread from libmosquitto's.
class WakeUp {
 public:
  WakeUp() : fd_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) {}
  ~WakeUp() { ::close(fd_); }
  WakeUp(const WakeUp&) = delete;
  WakeUp& operator=(const WakeUp&) = delete;

  void Ring() {
    const uint64_t one = 1;
    static_cast<void>(!::write(fd_, &one, sizeof one));
  }
  void Sleep(uint64_t ms) {
    pollfd wait = {.fd = fd_, .events = POLLIN, .revents = 0};
    static_cast<void>(::poll(&wait, 1, static_cast<int>(std::min<uint64_t>(ms, 60'000))));
    uint64_t count = 0;
    static_cast<void>(!::read(fd_, &count, sizeof count));
  }

 private:
  int fd_;
};

const char* EventName(keel_wallet_event event) {
  switch (event) {
    case KEEL_EVENT_STATE: return "step";
    case KEEL_EVENT_REFUSED: return "refused";
    case KEEL_EVENT_WAITING: return "waiting";
    case KEEL_EVENT_ONBOARDED: return "onboarded";
    case KEEL_EVENT_FIRMWARE: return "firmware";
    case KEEL_EVENT_WIPED: return "wiped";
    case KEEL_EVENT_NOTICE: return "notice";
  }
  return "event";
}

class Runner {
 public:
  explicit Runner(RunOptions options) : options_(std::move(options)), started_(base::MonotonicMs()) {}

  Result<> Run();

 private:
  Result<> Open();
  Result<> Perform(const keel_wallet_request& request);
  static base::HttpCall CallOf(const keel_wallet_request& request);
  // A request whose answer may be held back: begun, looked after, fed or abandoned. False when there is nothing to do
  // but sleep.
  bool TendWait(const keel_wallet_request& request);
  void OnEvent(keel_wallet_event event, int code, const char* text);
  void Emit(const char* event, json members);
  void WriteStatus(const keel_wallet_info& info);
  [[noreturn]] void Restart();
  // Does what there is to do for the broker; gives when to look again.
  uint64_t TendTelemetry(uint64_t now);
  Result<> ConnectBroker(uint64_t now);
  Result<> PublishNow(uint64_t now);
  std::string Provision();
  bool Settled(const keel_wallet_info& info) const;

  RunOptions options_;
  uint64_t started_;
  std::unique_ptr<Device> device_;
  std::unique_ptr<base::HttpClient> http_;
  std::string last_status_;

  WakeUp wake_;
  std::unique_ptr<WaitCalls> waits_;
  std::unique_ptr<PingDesk> pings_;
  std::unique_ptr<Telemetry> telemetry_;
  std::optional<BrokerAccess> access_;
  uint32_t access_generation_ = 0;
  enum class Line : uint8_t { kDown, kConnecting, kUp };
  std::mutex mutex_;  // guards what libmosquitto's thread tells
  Line line_ = Line::kDown;
  std::string line_problem_;
  int acknowledged_id_ = -1;
  // Main thread only.
  uint64_t connect_at_ = 0;
  uint64_t retry_ms_ = kBrokerRetryMinMs;
  uint64_t publish_at_ = 0;
  uint64_t published_ = 0;
  int waiting_id_ = -1;
  std::string waiting_firmware_;
  std::string acknowledged_firmware_;  // that an acknowledged message named
};

void Runner::Emit(const char* event, json members) {
  if (options_.events_fd < 0) return;
  members["event"] = event;
  members["ms"] = base::MonotonicMs() - started_;
  members["time"] = base::NowMs();
  const std::string line = base::DumpJson(members) + "\n";
  // Short enough for one write to a pipe; when nobody reads any more it is dropped.
  static_cast<void>(!::write(options_.events_fd, line.data(), line.size()));
}

void Runner::OnEvent(keel_wallet_event event, int code, const char* text) {
  json members = {
      {"code", event == KEEL_EVENT_STATE || code == 0 ? std::string() : std::string(keel_wallet_status_name(code))},
      {"text", text}};
  if (event == KEEL_EVENT_STATE) members["step"] = text;
  if (device_ && device_->wallet() != nullptr) {
    const keel_wallet_info info = device_->Info();
    members["did"] = info.did;
    members["round_trips"] = info.round_trips;
    members["bytes_sent"] = info.bytes_sent;
    members["bytes_received"] = info.bytes_received;
  }
  Emit(EventName(event), std::move(members));
  if (event == KEEL_EVENT_STATE) {
    base::LogDebug("device.step", {{"step", text}});
  } else if (event == KEEL_EVENT_WAITING) {
    base::LogInfo("device.waiting", {{"for", text}, {"because", keel_wallet_status_name(code)}});
  } else if (event == KEEL_EVENT_REFUSED) {
    base::LogWarn("device.refused", {{"why", keel_wallet_status_name(code)}, {"where", text}});
  } else {
    base::LogInfo(std::string("device.") + EventName(event), {{"what", text}, {"code", keel_wallet_status_name(code)}});
  }
}

Result<> Runner::Open() {
  DeviceOptions options;
  options.dir = options_.dir;
  options.backoff_min_ms = options_.backoff_min_ms;
  options.backoff_max_ms = options_.backoff_max_ms;
  options.contact_ms = options_.contact_ms;
  options.listen = options_.listen && !options_.once;
  options.on_event = [this](keel_wallet_event event, int code, const char* text) { OnEvent(event, code, text); };
  KEEL_TRY(device_, Device::Open(std::move(options), true));
  if (device_->Info().phase == KEEL_PHASE_FACTORY) {
    return Fail(Code::kWrongState, "device",
                options_.dir + " holds no manufactured device: the station makes one (`keel-issuer manufacture`)");
  }
  if (device_->slots()->reverted()) base::LogWarn("device.reverted", {{"to", device_->slots()->running().version}});
  http_ = base::MakeBeastClient(2);
  waits_ = std::make_unique<WaitCalls>(*http_, [this] { wake_.Ring(); });
  if (!options_.once) {
    auto desk = PingDesk::Open(options_.dir, [this] { wake_.Ring(); });
    if (desk) {
      pings_ = std::move(*desk);
    } else {
      base::LogWarn("device.socket", {{"problem", desk.error().Text()}});
    }
  }
  return {};
}

base::HttpCall Runner::CallOf(const keel_wallet_request& request) {
  base::HttpCall call;
  call.method = request.method;
  call.url = request.url;
  if (request.content_type != nullptr) call.content_type = request.content_type;
  call.body.assign(reinterpret_cast<const char*>(request.body), request.body_length);
  call.max_response = request.response_limit;
  call.repeatable = request.kind == KEEL_REQUEST_REGISTRY || request.kind == KEEL_REQUEST_DIDCOMM ||
                    request.kind == KEEL_REQUEST_WAIT;  // every message may be repeated
  return call;
}

bool Runner::TendWait(const keel_wallet_request& request) {
  keel_wallet* wallet = device_->wallet();
  if (!waits_->active()) {
    waits_->Start(CallOf(request), std::chrono::milliseconds(request.timeout_ms));
    return false;
  }
  keel_wallet_ping_result ping = {};
  ping.size = sizeof ping;
  static_cast<void>(keel_wallet_get_ping(wallet, &ping));
  if (ping.state == KEEL_PING_WANTED) {
    waits_->Abandon();
    static_cast<void>(keel_wallet_abandon(wallet, base::MonotonicMs()));
    return true;
  }
  auto outcome = waits_->Take();
  if (!outcome) return false;
  const uint64_t now = base::MonotonicMs();
  if (*outcome) {
    const std::string& body = (*outcome)->body;
    static_cast<void>(keel_wallet_response(wallet, now, (*outcome)->status,
                                           reinterpret_cast<const uint8_t*>(body.data()), body.size()));
  } else {
    base::LogDebug("device.no_answer", {{"url", request.url}, {"why", outcome->error().Text()}});
    static_cast<void>(keel_wallet_failed(wallet, now));
  }
  return true;
}

// Makes one request and feeds the answer as it comes. Failures are the wallet's to judge: it backs off and says what it
// waits for.
Result<> Runner::Perform(const keel_wallet_request& request) {
  keel_wallet* wallet = device_->wallet();
  base::HttpCall call = CallOf(request);
  bool begun = false;
  const bool streamed = request.kind != KEEL_REQUEST_DIDCOMM;
  if (streamed) {
    call.on_body = [&](ByteView piece) -> Result<> {
      if (!begun) {
        begun = true;
        const int status = keel_wallet_response_begin(wallet, base::MonotonicMs(), 200);
        if (status != KEEL_WALLET_OK) return std::unexpected<Error>(WalletError(status, "answer"));
      }
      const int status = keel_wallet_response_chunk(wallet, piece.data(), piece.size());
      if (status != KEEL_WALLET_OK) return std::unexpected<Error>(WalletError(status, "answer"));
      return {};
    };
  }
  base::Deadlines deadlines;
  deadlines.total = std::chrono::milliseconds(request.timeout_ms);
  const auto response = http_->Send(call, deadlines);
  const uint64_t now = base::MonotonicMs();
  if (!response) {
    base::LogDebug("device.no_answer", {{"url", call.url}, {"why", response.error().Text()}});
    static_cast<void>(
        keel_wallet_failed(wallet, now));  // WRONG_STATE when a refused chunk has ended the answer already
    return {};
  }
  if (!begun) {
    const int status = keel_wallet_response_begin(wallet, now, response->status);
    if (status == KEEL_WALLET_OK && !streamed) {
      static_cast<void>(keel_wallet_response_chunk(wallet, reinterpret_cast<const uint8_t*>(response->body.data()),
                                                   response->body.size()));
    }
  }
  static_cast<void>(keel_wallet_response_end(wallet, now));
  return {};
}

void Runner::Restart() {
  Emit("restart", {});
  base::LogInfo("device.restart", {{"into", "the spare slot"}});
  telemetry_.reset();
  pings_.reset();
  device_.reset();  // wipes the wallet's memory, gives back the lock
  std::vector<char*> argv;
  for (std::string& argument : options_.arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  ::execv("/proc/self/exe", argv.data());
  std::perror("keel-device: restart");
  std::_Exit(2);
}

std::string Runner::Provision() {
  std::vector<uint8_t> out(KEEL_WALLET_RECORD_MAX);
  size_t length = out.size();
  if (keel_wallet_read_document(device_->wallet(), KEEL_DOCUMENT_PROVISION, out.data(), &length) != KEEL_WALLET_OK)
    return "";
  return std::string(reinterpret_cast<const char*>(out.data()), length);
}

Result<> Runner::ConnectBroker(uint64_t now) {
  if (!telemetry_) {
    Telemetry::Callbacks callbacks;
    callbacks.connected = [this] {
      {
        const std::lock_guard lock(mutex_);
        line_ = Line::kUp;
        line_problem_.clear();
      }
      wake_.Ring();
    };
    callbacks.lost = [this](const std::string& why) {
      {
        const std::lock_guard lock(mutex_);
        line_ = Line::kDown;
        line_problem_ = why;
      }
      wake_.Ring();
    };
    callbacks.acknowledged = [this](int id) {
      {
        const std::lock_guard lock(mutex_);
        acknowledged_id_ = id;
      }
      wake_.Ring();
    };
    KEEL_TRY(telemetry_, Telemetry::Create(*access_, std::move(callbacks)));
  }
  char token[1200];
  size_t length = sizeof token;
  const int status = keel_wallet_sign_token(device_->wallet(), now, access_->audience.c_str(), access_->token_lifetime,
                                            token, &length);
  if (status != KEEL_WALLET_OK) return std::unexpected<Error>(WalletError(status, "broker token"));
  {
    const std::lock_guard lock(mutex_);
    line_ = Line::kConnecting;
  }
  return telemetry_->Connect(std::string(token, length));
}

Result<> Runner::PublishNow(uint64_t now) {
  const Slots::Image& running = device_->slots()->running();
  const json message = {{"seq", published_ + 1},
                        {"time", base::NowMs()},
                        {"firmware", running.version},
                        {"uptime_ms", now - started_},
                        {"load", 20 + static_cast<int>(now % 7)}};
  KEEL_TRY(waiting_id_, telemetry_->Publish("telemetry", base::DumpJson(message)));
  waiting_firmware_ = running.version;
  ++published_;
  return {};
}

uint64_t Runner::TendTelemetry(uint64_t now) {
  const keel_wallet_info info = device_->Info();
  // An image on trial, or one that is about to be replaced, has nothing to report yet.
  if (info.phase != KEEL_PHASE_ONBOARDED || info.generation == 0) {
    telemetry_.reset();
    access_.reset();
    return UINT64_MAX;
  }
  if (info.time == 0) return UINT64_MAX;  // tokens need the time: the wallet asks for it
  if (!access_ || access_generation_ != info.generation) {
    auto access = BrokerAccess::FromProvision(Provision());
    if (!access) return UINT64_MAX;
    if (!access_ || !(*access_ == *access)) {
      telemetry_.reset();
      line_ = Line::kDown;
      connect_at_ = now;
    }
    access_ = std::move(*access);
    access_generation_ = info.generation;
  }
  Line line;
  std::string problem;
  {
    const std::lock_guard lock(mutex_);
    line = line_;
    problem = std::exchange(line_problem_, {});
    if (waiting_id_ >= 0 && acknowledged_id_ == waiting_id_) {
      acknowledged_firmware_ = waiting_firmware_;
      waiting_id_ = -1;
      Emit("telemetry", {{"firmware", acknowledged_firmware_}, {"count", published_}, {"did", info.did}});
    }
  }
  if (!problem.empty()) {
    connect_at_ = now + retry_ms_;
    base::LogWarn("device.broker", {{"problem", problem}, {"again_in_ms", retry_ms_}});
    Emit("waiting", {{"text", "broker: " + problem}, {"code", "unreachable"}});
    retry_ms_ = std::min(retry_ms_ * 2, kBrokerRetryMaxMs);
    waiting_id_ = -1;
  }
  if (line == Line::kDown) {
    if (now < connect_at_) return connect_at_;
    const auto begun = ConnectBroker(now);
    if (!begun) {
      const std::lock_guard lock(mutex_);
      line_ = Line::kDown;
      line_problem_ = begun.error().Text();
      return now;
    }
    return UINT64_MAX;
  }
  if (line == Line::kConnecting) return UINT64_MAX;
  retry_ms_ = kBrokerRetryMinMs;
  if (waiting_id_ >= 0) return UINT64_MAX;
  // The first message goes at once, and again as soon as another image runs.
  if (acknowledged_firmware_ != device_->slots()->running().version) publish_at_ = std::min(publish_at_, now);
  if (now < publish_at_) return publish_at_;
  const auto published = PublishNow(now);
  if (!published) base::LogWarn("device.publish", {{"problem", published.error().Text()}});
  publish_at_ = now + options_.telemetry_ms;
  return publish_at_;
}

void Runner::WriteStatus(const keel_wallet_info& info) {
  const json status = {{"did", info.did},
                       {"owner", info.owner},
                       {"pairwise", info.pairwise},
                       {"step", keel_wallet_step_name(info.step)},
                       {"phase", static_cast<int>(info.phase)},
                       {"generation", info.generation},
                       {"last_problem", info.last_status == 0 ? std::string()
                                                              : std::string(keel_wallet_status_name(info.last_status)) +
                                                                    ": " + info.last_where},
                       {"firmware", device_->slots()->running().version},
                       {"firmware_sequence", device_->slots()->running().sequence},
                       {"trial", device_->slots()->on_trial()},
                       {"rollback_counter", info.rollback_counter},
                       {"round_trips", info.round_trips},
                       {"bytes_sent", info.bytes_sent},
                       {"bytes_received", info.bytes_received},
                       {"published", published_}};
  const std::string text = base::DumpJson(status);
  if (text == last_status_) return;
  last_status_ = text;
  // A view for people: a power cut may lose it, so it isn't synced; a reader sees the old one or the new one.
  const std::string path = options_.dir + "/status.json";
  const std::string fresh = path + ".new";
  const int fd = ::open(fresh.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
  if (fd < 0) return;
  const bool written = ::write(fd, text.data(), text.size()) == static_cast<ssize_t>(text.size());
  ::close(fd);
  if (written) static_cast<void>(std::rename(fresh.c_str(), path.c_str()));
}

bool Runner::Settled(const keel_wallet_info& info) const {
  return info.phase == KEEL_PHASE_ONBOARDED && info.step == KEEL_STEP_DORMANT &&
         acknowledged_firmware_ == device_->slots()->running().version;
}

Result<> Runner::Run() {
  KEEL_TRY_VOID(Open());
  for (;;) {
    uint64_t now = base::MonotonicMs();
    uint64_t tend_at = TendTelemetry(now);
    if (pings_) tend_at = std::min(tend_at, pings_->Tend(device_->wallet(), now));
    keel_wallet_action action = {};
    action.size = sizeof action;
    const int status = keel_wallet_poll(device_->wallet(), now, &action);
    if (status != KEEL_WALLET_OK) {
      base::LogError("device.wallet",
                     {{"problem", keel_wallet_status_name(status)}, {"port", device_->port_problem()}});
      wake_.Sleep(1'000);
      continue;
    }
    const keel_wallet_info info = device_->Info();
    WriteStatus(info);
    if (info.step == KEEL_STEP_TRIAL) {
      // It started, its digest is right, and it can use its wallet: healthy. The owner hears of it at the next contact.
      static_cast<void>(keel_wallet_health(device_->wallet(), 1));
      continue;
    }
    if (options_.once && Settled(info)) {
      Emit("done", {{"did", info.did},
                    {"firmware", device_->slots()->running().version},
                    {"round_trips", info.round_trips},
                    {"bytes_sent", info.bytes_sent},
                    {"bytes_received", info.bytes_received}});
      return {};
    }
    switch (action.kind) {
      case KEEL_ACTION_REQUEST:
        if (action.request.kind != KEEL_REQUEST_WAIT) {
          KEEL_TRY_VOID(Perform(action.request));
        } else if (!TendWait(action.request)) {
          now = base::MonotonicMs();
          if (tend_at > now) wake_.Sleep(tend_at - now);
        }
        break;
      case KEEL_ACTION_RESTART: Restart();
      case KEEL_ACTION_WAIT: {
        const uint64_t until = std::min(action.wake_ms, tend_at);
        now = base::MonotonicMs();
        if (until > now) wake_.Sleep(until - now);
        break;
      }
    }
  }
}

}  // namespace

Result<> RunDevice(const RunOptions& options) { return Runner(options).Run(); }

Result<std::string> ReadStatus(const std::string& dir) { return base::ReadFile(dir + "/status.json", 1 << 16); }

}  // namespace keel::device
