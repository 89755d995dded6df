// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/http_server.h"
#include "base/process.h"
#include "core/result.h"

// The shape that keel-registry, keel-issuer and keel-verifier share (design.md section 6): folders, the control socket,
// the serve loop.
namespace keel::base {

struct RolePaths {
  std::string role;         // "registry", "issuer", "verifier"
  std::string program;      // "keel-issuer"
  std::string config_file;  // DIR/issuer.toml | /etc/keel/issuer.toml | $XDG_CONFIG_HOME/keel/issuer.toml
  std::string data_dir;     // DIR | /var/lib/keel/issuer | $XDG_DATA_HOME/keel/issuer
  std::string socket;       // DIR/issuer.sock | /run/keel/issuer.sock | $XDG_RUNTIME_DIR/keel/issuer.sock
  std::string data_flag;    // what --data said; for messages
};
// data_flag: --data DIR, or empty (then KEEL_DATA, then the system's folders for root, the user's for others). kUsage
// when the socket's path would be over 107 octets.
Result<RolePaths> ResolveRolePaths(std::string_view role, const std::string& data_flag);

// Answers one verb. Runs on the control server's own threads and may block for as long as the client waits. Thread-safe
// if verbs are called at once.
using ControlVerb = std::function<Result<nlohmann::json>(const nlohmann::json& args)>;

// The admin listener: POST /control/<verb> with a JSON object on the unix socket, mode 0600, peers of our uid or root
// only. A stale socket of a dead process is replaced; kBusy when a live one listens.
class ControlServer {
 public:
  static Result<std::unique_ptr<ControlServer>> Start(const std::string& socket,
                                                      std::map<std::string, ControlVerb> verbs, int threads = 4);
  ~ControlServer();
  void Stop();

 private:
  explicit ControlServer(std::unique_ptr<HttpServer> server);
  std::unique_ptr<HttpServer> server_;
};

// Calls a verb of the running service. kUnreachable, with the sentence that says how to start it, when it isn't
// running. The verb's own error comes back with its code and text.
Result<nlohmann::json> CallControl(const RolePaths& paths, std::string_view verb, const nlohmann::json& args,
                                   std::chrono::milliseconds timeout = std::chrono::seconds(60));
Result<nlohmann::json> CallControlSocket(const std::string& socket, std::string_view program, std::string_view verb,
                                         const nlohmann::json& args,
                                         std::chrono::milliseconds timeout = std::chrono::seconds(60));

// "HOST:PORT" or "PORT" of --listen, as server options. kUsage.
Result<HttpServerOptions> ParseListen(std::string_view listen);

// The end of every serve verb: writes the ready line (adding "pid"), waits for SIGINT, SIGTERM or RequestStop. ready_fd
// < 0: prints nothing.
Result<> ServeUntilStopped(StopSignal& stop, int ready_fd, nlohmann::json ready);

}  // namespace keel::base
