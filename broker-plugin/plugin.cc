// SPDX-License-Identifier: Apache-2.0
// The mosquitto plugin (plugin API 5): asks Access. Configure it with
//   plugin /path/keel-broker.so
//   plugin_opt_members_file /var/lib/keel/verifier/members.jsonl
#include <mosquitto.h>
#include <mosquitto_broker.h>
#include <mosquitto_plugin.h>

#include <cstring>
#include <memory>
#include <string>

#include "base/clock.h"
#include "base/log.h"
#include "broker-plugin/access.h"
#include "crypto/signature.h"

namespace {

using keel::broker::Access;

struct Plugin {
  explicit Plugin(std::string members_file) : access(std::move(members_file)) {}
  Access access;
  keel::base::LogLimiter limiter{60};
  mosquitto_plugin_id_t* id = nullptr;

  void Note(const char* what, const char* who, const char* topic, const std::string& why) {
    if (!limiter.Allow(keel::base::MonotonicMs())) return;
    mosquitto_log_printf(MOSQ_LOG_WARNING, "keel: %s refused for %s%s%s: %s", what,
                         who == nullptr ? "(no user name)" : who, topic[0] == '\0' ? "" : " on ", topic, why.c_str());
  }
};

int OnConnect(int, void* event_data, void* userdata) noexcept {
  auto& plugin = *static_cast<Plugin*>(userdata);
  const auto* event = static_cast<const mosquitto_evt_basic_auth*>(event_data);
  if (event->username == nullptr || event->password == nullptr) {
    plugin.Note("connection", event->username, "", "no user name or no token");
    return MOSQ_ERR_AUTH;
  }
  const auto allowed = plugin.access.Authenticate(event->username, event->password, keel::base::NowSeconds());
  if (allowed) return MOSQ_ERR_SUCCESS;
  plugin.Note("connection", event->username, "", allowed.error().Text());
  return MOSQ_ERR_AUTH;
}

int OnAccess(int, void* event_data, void* userdata) noexcept {
  auto& plugin = *static_cast<Plugin*>(userdata);
  const auto* event = static_cast<const mosquitto_evt_acl_check*>(event_data);
  if (event->access == MOSQ_ACL_UNSUBSCRIBE) return MOSQ_ERR_SUCCESS;
  const char* username = mosquitto_client_username(event->client);
  if (username == nullptr || event->topic == nullptr) return MOSQ_ERR_ACL_DENIED;
  Access::Action action = Access::Action::kPublish;
  if (event->access == MOSQ_ACL_SUBSCRIBE) action = Access::Action::kSubscribe;
  if (event->access == MOSQ_ACL_READ) action = Access::Action::kReceive;
  const auto allowed = plugin.access.Authorize(username, action, event->topic, keel::base::NowSeconds());
  if (allowed) return MOSQ_ERR_SUCCESS;
  plugin.Note(action == Access::Action::kPublish ? "publish" : "read", username, event->topic, allowed.error().Text());
  return MOSQ_ERR_ACL_DENIED;
}

}  // namespace

extern "C" {

int mosquitto_plugin_version(int count, const int* versions) {
  for (int i = 0; i < count; ++i) {
    if (versions[i] == 5) return 5;
  }
  return -1;
}

int mosquitto_plugin_init(mosquitto_plugin_id_t* identifier, void** userdata, mosquitto_opt* options,
                          int option_count) {
  keel::crypto::SetUpHostedCrypto();
  std::string members_file;
  for (int i = 0; i < option_count; ++i) {
    if (std::strcmp(options[i].key, "members_file") == 0) members_file = options[i].value;
  }
  if (members_file.empty()) {
    mosquitto_log_printf(MOSQ_LOG_ERR, "keel: set plugin_opt_members_file to the verifier's members.jsonl");
    return MOSQ_ERR_INVAL;
  }
  auto plugin = std::make_unique<Plugin>(std::move(members_file));
  plugin->id = identifier;
  int code = mosquitto_callback_register(identifier, MOSQ_EVT_BASIC_AUTH, OnConnect, nullptr, plugin.get());
  if (code == MOSQ_ERR_SUCCESS)
    code = mosquitto_callback_register(identifier, MOSQ_EVT_ACL_CHECK, OnAccess, nullptr, plugin.get());
  if (code != MOSQ_ERR_SUCCESS) return code;
  *userdata = plugin.release();
  return MOSQ_ERR_SUCCESS;
}

int mosquitto_plugin_cleanup(void* userdata, mosquitto_opt*, int) {
  std::unique_ptr<Plugin> plugin(static_cast<Plugin*>(userdata));
  mosquitto_callback_unregister(plugin->id, MOSQ_EVT_BASIC_AUTH, OnConnect, nullptr);
  mosquitto_callback_unregister(plugin->id, MOSQ_EVT_ACL_CHECK, OnAccess, nullptr);
  return MOSQ_ERR_SUCCESS;
}

}  // extern "C"
