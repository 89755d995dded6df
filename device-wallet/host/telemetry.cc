// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/telemetry.h"

#include <mosquitto.h>

#include <mutex>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/json_strict.h"

namespace keel::device {

using nlohmann::json;

namespace {

constexpr int kKeepAlive = 60;

// libmosquitto's global state lives as long as the program.
void StartLibrary() {
  static std::once_flag once;
  std::call_once(once, [] { mosquitto_lib_init(); });
}

}  // namespace

struct Telemetry::Impl {
  BrokerAccess access;
  Callbacks callbacks;
  mosquitto* client = nullptr;
  bool running = false;
};

Result<BrokerAccess> BrokerAccess::FromProvision(const std::string& provision) {
  KEEL_TRY(const json value, base::ParseJson(provision));
  KEEL_TRY(const json* net, base::GetObject(value, "net"));
  KEEL_TRY(const json* mqtt, base::GetObject(*net, "mqtt"));
  BrokerAccess access;
  KEEL_TRY(access.host, base::GetString(*mqtt, "host"));
  KEEL_TRY(const uint64_t port, base::GetUint(*mqtt, "port"));
  if (port == 0 || port > 65535) return Fail(Code::kMalformed, "broker", "port");
  access.port = static_cast<uint16_t>(port);
  KEEL_TRY(access.client_id, base::GetString(*mqtt, "client_id"));
  KEEL_TRY(access.username, base::GetString(*mqtt, "username"));
  KEEL_TRY(access.topic_prefix, base::GetString(*mqtt, "topic_prefix"));
  KEEL_TRY(access.audience, base::GetString(*mqtt, "audience"));
  KEEL_TRY(const uint64_t lifetime, base::GetUint(*mqtt, "token_lifetime"));
  access.token_lifetime = static_cast<uint32_t>(lifetime < 300 ? lifetime : 300);
  return access;
}

Telemetry::Telemetry(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}

Result<std::unique_ptr<Telemetry>> Telemetry::Create(const BrokerAccess& access, Callbacks callbacks) {
  StartLibrary();
  auto impl = std::make_unique<Impl>();
  impl->access = access;
  impl->callbacks = std::move(callbacks);
  impl->client = mosquitto_new(access.client_id.c_str(), true, impl.get());
  if (impl->client == nullptr) return Fail(Code::kNoSpace, "mqtt client");
  mosquitto_connect_callback_set(impl->client, [](mosquitto*, void* context, int code) {
    auto* self = static_cast<Impl*>(context);
    if (code == 0) {
      self->callbacks.connected();
    } else {
      self->callbacks.lost(std::string("the broker refuses us: ") + mosquitto_connack_string(code));
    }
  });
  mosquitto_disconnect_callback_set(impl->client, [](mosquitto*, void* context, int code) {
    auto* self = static_cast<Impl*>(context);
    if (code != 0) self->callbacks.lost(std::string("the broker closed the connection: ") + mosquitto_strerror(code));
  });
  mosquitto_publish_callback_set(
      impl->client, [](mosquitto*, void* context, int id) { static_cast<Impl*>(context)->callbacks.acknowledged(id); });
  return std::unique_ptr<Telemetry>(new Telemetry(std::move(impl)));
}

Telemetry::~Telemetry() {
  if (impl_->running) {
    mosquitto_disconnect(impl_->client);
    mosquitto_loop_stop(impl_->client, true);
  }
  mosquitto_destroy(impl_->client);
}

Result<> Telemetry::Connect(const std::string& token) {
  Impl& s = *impl_;
  if (s.running) {
    // The library would try again by itself with the old token: it is stopped and begun anew.
    mosquitto_disconnect(s.client);
    mosquitto_loop_stop(s.client, true);
    s.running = false;
  }
  mosquitto_username_pw_set(s.client, s.access.username.c_str(), token.c_str());
  const int code = mosquitto_connect_async(s.client, s.access.host.c_str(), s.access.port, kKeepAlive);
  if (code != MOSQ_ERR_SUCCESS) {
    return Fail(Code::kUnreachable, "broker",
                s.access.host + ":" + std::to_string(s.access.port) + ": " + mosquitto_strerror(code));
  }
  if (mosquitto_loop_start(s.client) != MOSQ_ERR_SUCCESS) return Fail(Code::kInternalError, "mqtt client");
  s.running = true;
  return {};
}

Result<int> Telemetry::Publish(const std::string& name, const std::string& payload) {
  int id = 0;
  const std::string topic = impl_->access.topic_prefix + "/" + name;
  const int code =
      mosquitto_publish(impl_->client, &id, topic.c_str(), static_cast<int>(payload.size()), payload.data(), 1, false);
  if (code != MOSQ_ERR_SUCCESS) return Fail(Code::kUnreachable, "publish", mosquitto_strerror(code));
  return id;
}

}  // namespace keel::device
