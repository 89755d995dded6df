// SPDX-License-Identifier: Apache-2.0
#include "cli/telemetry.h"

#include <mosquitto.h>

#include <CLI/CLI.hpp>
#include <charconv>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/encoding.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/process.h"
#include "cli/keys.h"
#include "crypto/signature.h"
#include "did/jose.h"
#include "did/methods/key.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel telemetry";
constexpr const char* kLabel = "reader";
constexpr uint64_t kPresentationLife = 300;  // seconds: what the broker takes at most
constexpr uint64_t kRetryMinMs = 500, kRetryMaxMs = 10'000;
constexpr int kKeepAlive = 30;

struct Flags {
  KeyFile key;
  std::string credential, broker, audience, topic;
  uint64_t count = 0, timeout_s = 0;
  int ready_fd = -1;
  bool json = false;
};

Result<std::string> MakeKey(const Flags& flags) {
  KEEL_TRY(const auto store, flags.key.Create());
  KEEL_TRY(const crypto::KeyHandle key, store->Generate(crypto::KeyType::kEd25519));
  KEEL_TRY_VOID(store->SetLabel(key, kLabel));
  KEEL_TRY(const crypto::PublicKey open, store->Public(key));
  return did::DidKey(open);
}

// A connection of the application to the owner's broker. Everything happens in Run, on the caller's thread.
class Reader {
 public:
  Reader(const Flags& flags, base::StopSignal& stop) : flags_(flags), stop_(stop) {}
  ~Reader() {
    if (client_ != nullptr) mosquitto_destroy(client_);
  }
  Reader(const Reader&) = delete;
  Reader& operator=(const Reader&) = delete;

  Result<> Run();
  uint64_t received() const { return received_; }

 private:
  Result<> Open();
  Result<> OpenKey();
  Result<std::string> Presentation(UnixSeconds now);
  // Connects and reads until the connection ends, the count is reached, or the user stops it.
  Result<> Session(uint64_t deadline);
  bool Enough() const { return flags_.count != 0 && received_ >= flags_.count; }
  void OnMessage(const mosquitto_message& message);

  const Flags& flags_;
  base::StopSignal& stop_;
  std::unique_ptr<crypto::SoftwareKeyStore> store_;
  crypto::KeyHandle key_;
  std::string did_, kid_, credential_, host_, topic_, audience_;
  uint16_t port_ = 0;
  mosquitto* client_ = nullptr;
  int refused_ = 0;  // CONNACK code
  bool connected_ = false, lost_ = false, subscribed_ = false, denied_ = false, told_ = false;
  bool stopped_ = false;
  uint64_t received_ = 0;
};

Result<> Reader::OpenKey() {
  if (store_ != nullptr) return {};
  KEEL_TRY(store_, flags_.key.Open());
  KEEL_TRY(key_, store_->FindLabel(kLabel));
  return {};
}

Result<> Reader::Open() {
  KEEL_TRY_VOID(OpenKey());
  KEEL_TRY(const crypto::PublicKey open, store_->Public(key_));
  did_ = did::DidKey(open);
  kid_ = did::DidKeyUrl(open);
  KEEL_TRY(credential_, base::ReadFile(flags_.credential, 64 << 10));
  while (!credential_.empty() && (credential_.back() == '\n' || credential_.back() == '\r')) credential_.pop_back();
  const size_t colon = flags_.broker.rfind(':');
  const std::string_view digits =
      colon == std::string::npos ? std::string_view() : std::string_view(flags_.broker).substr(colon + 1);
  const auto parsed = std::from_chars(digits.data(), digits.data() + digits.size(), port_);
  if (digits.empty() || parsed.ec != std::errc() || parsed.ptr != digits.data() + digits.size() || port_ == 0)
    return Fail(Code::kUsage, "--broker", "\"" + flags_.broker + "\" is not HOST:PORT");
  host_ = flags_.broker.substr(0, colon);
  topic_ = flags_.topic;
  audience_ = flags_.audience;
  if (!topic_.empty() && !audience_.empty()) return {};
  // What the credential itself grants: not believed, only asked for; the broker decides.
  KEEL_TRY(const did::Jws jws, did::Jws::Parse(credential_));
  KEEL_TRY(const json credential, base::ParseJson(jws.payload));
  KEEL_TRY(const json* subject, base::GetObject(credential, "credentialSubject"));
  const auto from = [&](std::string& value, const Result<std::string>& granted, const char* flag) -> Result<> {
    if (!value.empty()) return {};
    if (!granted) return Fail(Code::kUsage, flag, flags_.credential + " doesn't say it: give " + flag);
    value = *granted;
    return {};
  };
  // The broker's audience is made of the fleet's id (docs/formats/members-file.md).
  Result<std::string> audience = base::GetString(*subject, "fleet");
  if (audience) *audience = "keel-fleet:" + *audience;
  KEEL_TRY_VOID(from(audience_, audience, "--audience"));
  const auto topics = base::GetStrings(*subject, "subscribe");
  return from(topic_, topics && !topics->empty() ? Result<std::string>(topics->front()) : Fail(Code::kMissing, "topic"),
              "--topic");
}

// In place of a password: proof that we hold the key that the credential was granted to, for this broker, now.
Result<std::string> Reader::Presentation(UnixSeconds now) {
  const json payload = {
      {"iss", did_}, {"aud", audience_}, {"iat", now}, {"exp", now + kPresentationLife}, {"credential", credential_}};
  KEEL_TRY_VOID(OpenKey());
  auto signed_text = did::SignJws({{"typ", "vp+jwt"}, {"kid", kid_}}, base::DumpJson(payload), *store_, key_);
  // The file is free again, for another reader with the same key. Not if that took a person's passphrase: once is
  // enough.
  if (store_->protection() == crypto::Protection::kNone) store_.reset();
  return signed_text;
}

void Reader::OnMessage(const mosquitto_message& message) {
  if (Enough()) return;
  ++received_;
  const std::string_view octets(static_cast<const char*>(message.payload), static_cast<size_t>(message.payloadlen));
  const auto payload = base::ParseJson(octets, {.max_size = 256 << 10});
  if (flags_.json) {
    json line = {{"topic", message.topic}, {"received", base::NowMs()}};
    if (payload) {
      line["payload"] = *payload;
    } else {
      line["payload_base64url"] = base::Base64Url(AsBytes(octets));
    }
    std::printf("%s\n", base::DumpJson(line).c_str());
  } else {
    // Other people's octets: shown as JSON, or not at all.
    std::printf("%s  %s\n", base::DumpJson(message.topic).c_str(),
                payload ? base::DumpJson(*payload).c_str() : "(not JSON)");
  }
  std::fflush(stdout);
}

Result<> Reader::Session(uint64_t deadline) {
  connected_ = lost_ = subscribed_ = denied_ = false;
  refused_ = 0;
  KEEL_TRY(const std::string presentation, Presentation(base::NowSeconds()));
  if (client_ != nullptr) mosquitto_destroy(client_);
  client_ = mosquitto_new(nullptr, true, this);
  if (client_ == nullptr) return Fail(Code::kNoSpace, "mqtt");
  mosquitto_username_pw_set(client_, did_.c_str(), presentation.c_str());
  mosquitto_connect_callback_set(client_, [](mosquitto* client, void* context, int code) {
    auto* self = static_cast<Reader*>(context);
    self->refused_ = code;
    self->connected_ = code == 0;
    if (code == 0) mosquitto_subscribe(client, nullptr, self->topic_.c_str(), 1);
  });
  mosquitto_disconnect_callback_set(
      client_, [](mosquitto*, void* context, int) { static_cast<Reader*>(context)->lost_ = true; });
  mosquitto_subscribe_callback_set(client_, [](mosquitto*, void* context, int, int count, const int* granted) {
    auto* self = static_cast<Reader*>(context);
    self->denied_ = count > 0 && granted[0] >= 128;
    self->subscribed_ = !self->denied_;
  });
  mosquitto_message_callback_set(client_, [](mosquitto*, void* context, const mosquitto_message* message) {
    static_cast<Reader*>(context)->OnMessage(*message);
  });
  int code = mosquitto_connect(client_, host_.c_str(), port_, kKeepAlive);
  while (code == MOSQ_ERR_SUCCESS && !Enough()) {
    code = mosquitto_loop(client_, 100, 1);
    if (stop_.WaitFor(std::chrono::milliseconds(0))) {
      stopped_ = true;
      break;
    }
    if (refused_ != 0)
      return Fail(refused_ == 3 ? Code::kUnavailable : Code::kRefused, "broker",
                  std::string("it refuses the connection: ") + mosquitto_connack_string(refused_) +
                      (refused_ == 4 || refused_ == 5
                           ? " Is the credential for this key, and still good? `keel-verifier reader add` grants one"
                           : ""));
    if (denied_) return Fail(Code::kRefused, "broker", "the credential doesn't cover the topic " + topic_);
    if (subscribed_ && !told_) {
      told_ = true;
      KEEL_TRY_VOID(
          base::WriteReadyLine(flags_.ready_fd, {{"did", did_}, {"broker", flags_.broker}, {"topic", topic_}}));
    }
    if (deadline != 0 && base::MonotonicMs() >= deadline) break;
    if (lost_) break;
  }
  if (connected_ && (stopped_ || Enough())) mosquitto_disconnect(client_);
  if (code != MOSQ_ERR_SUCCESS || lost_)
    return Fail(
        Code::kUnreachable, "broker",
        flags_.broker + ": " + (code == MOSQ_ERR_SUCCESS ? "it closed the connection" : mosquitto_strerror(code)));
  return {};
}

Result<> Reader::Run() {
  KEEL_TRY_VOID(Open());
  const uint64_t deadline = flags_.timeout_s == 0 ? 0 : base::MonotonicMs() + flags_.timeout_s * 1000;
  uint64_t retry = kRetryMinMs;
  for (;;) {
    const auto session = Session(deadline);
    if (stopped_ || Enough()) return {};
    const bool over = deadline != 0 && base::MonotonicMs() >= deadline;
    if (!session && (session.error().code != Code::kUnreachable || (over && !told_))) return session;
    if (over) break;
    // The broker is away for a while: wait and try again, with a new presentation.
    if (!session) {
      if (!told_ && flags_.timeout_s == 0 && retry > kRetryMinMs * 4) return session;
      base::LogWarn("telemetry.waiting", {{"why", session.error().Text()}, {"again_in_ms", retry}});
      if (stop_.WaitFor(std::chrono::milliseconds(retry))) return {};
      retry = std::min(retry * 2, kRetryMaxMs);
    }
  }
  if (flags_.count != 0)
    return Fail(Code::kTimeout, "telemetry",
                std::to_string(received_) + " of " + std::to_string(flags_.count) + " messages came in " +
                    std::to_string(flags_.timeout_s) + " s");
  return {};
}

}  // namespace

int RunTelemetry(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Reads what an owner's devices send: an application's side, with a credential that the owner granted.",
               kProgram};
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 the broker refuses the credential or the topic, 2 wrong usage or input, 3 the broker "
      "can't be reached or too\n"
      "few messages came in time.\n"
      "Example: keel telemetry key -o app.key; keel-verifier reader add did:key:z6Mk... -o app.vc;\n"
      "         keel telemetry read --credential app.vc --key app.key --broker 127.0.0.1:1883");
  CLI::App* key = app.add_subcommand("key", "Make the application's key and did:key");
  key->add_option("-o,--output", flags.key.path, "Key file to make")->required();
  CLI::App* read = app.add_subcommand("read", "Print messages as they come, until Ctrl-C");
  read->add_option("--key", flags.key.path, "Key file")->required();
  read->add_option("--credential", flags.credential, "The credential to read, a vc+jwt")->required();
  read->add_option("--broker", flags.broker, "HOST:PORT of the owner's broker")->required();
  read->add_option("--audience", flags.audience, "The owner's name for its broker (default: as the credential says)");
  read->add_option("--topic", flags.topic, "Topic filter (default: all that the credential grants)");
  read->add_option("--count", flags.count, "End after this many messages");
  read->add_option("--timeout", flags.timeout_s, "End after this many seconds");
  read->add_option("--ready-fd", flags.ready_fd, "Write one JSON line here once subscribed");
  for (CLI::App* sub : {key, read}) {
    sub->add_flag("--json", flags.json, "One JSON object a line, errors too");
    flags.key.AddFlags(*sub);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  if (key->parsed()) {
    const auto did = MakeKey(flags);
    if (!did) return base::ReportError(kProgram, did.error(), flags.json);
    std::printf("%s\n", flags.json ? base::DumpJson({{"did", *did}, {"file", flags.key.path}}).c_str() : did->c_str());
    return base::kExitDone;
  }
  const auto stop = base::StopSignal::Create();
  if (!stop) return base::ReportError(kProgram, stop.error(), flags.json);
  mosquitto_lib_init();
  const auto done = Reader(flags, **stop).Run();
  mosquitto_lib_cleanup();
  return done ? base::kExitDone : base::ReportError(kProgram, done.error(), flags.json);
}

}  // namespace keel::cli
