// SPDX-License-Identifier: Apache-2.0
#include "base/role.h"

#include <unistd.h>

#include <charconv>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/net/http_client.h"

namespace keel::base {
namespace {

constexpr size_t kMaxSocketPath = 107;
constexpr size_t kMaxControlBody = 8 << 20;

std::string Environment(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

// A folder of the XDG base directory specification, with its fallback below $HOME.
std::string XdgFolder(const char* variable, const char* fallback) {
  const std::string set = Environment(variable);
  if (set.starts_with('/')) return set;
  const std::string home = Environment("HOME");
  return (home.empty() ? "." : home) + "/" + fallback;
}

}  // namespace

Result<RolePaths> ResolveRolePaths(std::string_view role, const std::string& data_flag) {
  RolePaths paths;
  paths.role = std::string(role);
  paths.program = "keel-" + paths.role;
  std::string dir = data_flag.empty() ? Environment("KEEL_DATA") : data_flag;
  while (dir.size() > 1 && dir.ends_with('/')) dir.pop_back();
  paths.data_flag = dir;
  if (!dir.empty()) {
    paths.data_dir = dir;
    paths.config_file = dir + "/" + paths.role + ".toml";
    paths.socket = dir + "/" + paths.role + ".sock";
  } else if (::geteuid() == 0) {
    paths.data_dir = "/var/lib/keel/" + paths.role;
    paths.config_file = "/etc/keel/" + paths.role + ".toml";
    paths.socket = "/run/keel/" + paths.role + ".sock";
  } else {
    paths.data_dir = XdgFolder("XDG_DATA_HOME", ".local/share") + "/keel/" + paths.role;
    paths.config_file = XdgFolder("XDG_CONFIG_HOME", ".config") + "/keel/" + paths.role + ".toml";
    const std::string runtime = Environment("XDG_RUNTIME_DIR");
    paths.socket =
        runtime.empty() ? paths.data_dir + "/" + paths.role + ".sock" : runtime + "/keel/" + paths.role + ".sock";
  }
  if (paths.socket.size() > kMaxSocketPath) {
    return Fail(Code::kUsage, "--data",
                "the control socket's path " + paths.socket + " is over 107 octets; choose a shorter folder");
  }
  return paths;
}

ControlServer::ControlServer(std::unique_ptr<HttpServer> server) : server_(std::move(server)) {}
ControlServer::~ControlServer() = default;
void ControlServer::Stop() { server_->Stop(); }

Result<std::unique_ptr<ControlServer>> ControlServer::Start(const std::string& socket,
                                                            std::map<std::string, ControlVerb> verbs, int threads) {
  const size_t slash = socket.find_last_of('/');
  if (slash != std::string::npos && slash > 0 && !FileExists(socket.substr(0, slash)))
    KEEL_TRY_VOID(MakeDir(socket.substr(0, slash), 0755));
  HttpServerOptions options;
  options.unix_path = socket;
  options.threads = 1;
  options.handler_threads = threads;
  options.max_body = kMaxControlBody;
  options.max_connections = 128;
  options.write_deadline = std::chrono::seconds(60);
  Router router;
  router.AddSync("POST", "/control/{verb}", [verbs = std::move(verbs)](const HttpRequest& request) -> HttpResponse {
    const auto verb = verbs.find(request.params[0]);
    if (verb == verbs.end())
      return ErrorResponse({Code::kUsage, "control",
                            "the service has no verb '" + request.params[0].substr(0, 64) +
                                "'; are program and service of the same version?"});
    JsonLimits limits;
    limits.max_size = kMaxControlBody;
    limits.max_members = 1'000'000;
    const auto args = ParseJson(request.body, limits);
    if (!args) return ErrorResponse(args.error());
    const auto reply = verb->second(*args);
    if (!reply) return ErrorResponse(reply.error());
    return JsonResponse(200, DumpJson(*reply));
  });
  KEEL_TRY(auto server, HttpServer::Start(options, router.AsHandler()));
  return std::unique_ptr<ControlServer>(new ControlServer(std::move(server)));
}

Result<nlohmann::json> CallControl(const RolePaths& paths, std::string_view verb, const nlohmann::json& args,
                                   std::chrono::milliseconds timeout) {
  auto reply = CallControlSocket(paths.socket, paths.program, verb, args, timeout);
  if (!reply && reply.error().code == Code::kUnreachable) {
    const std::string data = paths.data_flag.empty() ? "" : " --data " + paths.data_flag;
    if (!FileExists(paths.config_file)) {
      reply.error().detail = "there is no " + paths.config_file + "; make one with `" + paths.program + " init" + data +
                             "`, then start it with `" + paths.program + " serve" + data + "`";
    } else {
      reply.error().detail = "the service isn't running; start it with `" + paths.program + " serve" + data + "`";
    }
  }
  return reply;
}

Result<nlohmann::json> CallControlSocket(const std::string& socket, std::string_view program, std::string_view verb,
                                         const nlohmann::json& args, std::chrono::milliseconds timeout) {
  const auto client = MakeBeastClient(1);
  HttpCall call;
  call.method = "POST";
  call.url = "unix:" + socket;
  call.target = "/control/" + UrlEncode(verb);
  call.content_type = "application/json";
  call.body = DumpJson(args.is_null() ? nlohmann::json::object() : args);
  call.max_response = 256 << 20;
  Deadlines deadlines;
  deadlines.total = timeout;
  auto response = client->Send(call, deadlines);
  if (!response) {
    if (response.error().code == Code::kUnreachable)
      return Fail(Code::kUnreachable, "control",
                  std::string(program) + " isn't running (nothing listens on " + socket + ")");
    return std::unexpected<Error>(std::move(response.error()));
  }
  JsonLimits limits;
  limits.max_size = call.max_response;
  limits.max_members = 10'000'000;
  KEEL_TRY(nlohmann::json body, ParseJson(response->body.empty() ? "{}" : std::string_view(response->body), limits));
  if (response->ok()) return body;
  // The service's own error: the number is the code, the text says the rest.
  Error error{Code::kHttpStatus, "control", std::string(program) + " answered " + std::to_string(response->status)};
  if (body.is_object() && body.contains("error")) {
    const nlohmann::json& said = body["error"];
    if (const auto number = GetUint(said, "number");
        number && *number > 0 && *number <= static_cast<uint64_t>(Code::kUsage))
      error.code = static_cast<Code>(*number);
    if (auto message = GetString(said, "message")) {
      error.where = "";
      error.detail = std::move(*message);
    }
  }
  return std::unexpected<Error>(std::move(error));
}

Result<HttpServerOptions> ParseListen(std::string_view listen) {
  HttpServerOptions options;
  const auto bad = [&] {
    return Fail(Code::kUsage, "--listen",
                "'" + std::string(listen.substr(0, 100)) + "' is not ADDRESS:PORT (port 0: a free one)");
  };
  std::string_view port = listen;
  const size_t colon = listen.find_last_of(':');
  if (colon != std::string_view::npos) {
    port = listen.substr(colon + 1);
    std::string_view host = listen.substr(0, colon);
    if (host.starts_with('[') && host.ends_with(']')) {
      host.remove_prefix(1);
      host.remove_suffix(1);
    }
    if (host == "localhost") host = "127.0.0.1";
    if (host == "*") host = "0.0.0.0";
    if (host.empty()) return bad();
    options.host = std::string(host);
  }
  uint32_t number = 0;
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), number);
  if (port.empty() || error != std::errc{} || end != port.data() + port.size() || number > 65535) return bad();
  options.port = static_cast<uint16_t>(number);
  return options;
}

Result<> ServeUntilStopped(StopSignal& stop, int ready_fd, nlohmann::json ready) {
  if (!ready.is_object()) ready = nlohmann::json::object();
  ready["pid"] = ::getpid();
  KEEL_TRY_VOID(WriteReadyLine(ready_fd, ready));
  const int signal = stop.Wait();
  LogInfo("service.stopping", {{"signal", signal}});
  return {};
}

}  // namespace keel::base
