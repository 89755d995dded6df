// SPDX-License-Identifier: Apache-2.0
#include "issuer/verbs.h"

#include <unistd.h>

#include <algorithm>
#include <condition_variable>
#include <cstdio>
#include <filesystem>
#include <iterator>
#include <mutex>
#include <nlohmann/json.hpp>
#include <sstream>
#include <thread>

#include "base/cli.h"
#include "base/clock.h"
#include "base/config.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "base/net/http_client.h"
#include "base/suit.h"
#include "crypto/hash.h"
#include "custody/set_up.h"
#include "did/default_resolver.h"
#include "didcomm/mediator/mediator.h"
#include "issuer/csv.h"
#include "issuer/issuer.h"
#include "issuer/station.h"
#include "vc-api/service.h"

namespace keel::issuer {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel-issuer";

std::vector<base::Config::Key> Keys() {
  using Type = base::Config::Type;
  std::vector<base::Config::Key> keys = {
      {"name", Type::kString, "", "The manufacturer's name, for people"},
      {"vendor", Type::kString, "maker.example", "The manufacturer's domain name: SUIT vendor identifier"},
      {"listen", Type::kString, "127.0.0.1:0", "HOST:PORT of the public listener (status list)"},
      {"public_url", Type::kString, "", "URL under which others reach it; default: the listener's own"},
      {"registry", Type::kStrings, "[]", "Registry nodes to use; default: those of net.keel"},
      {"stamp_endpoints", Type::kStrings, "[]", "Registry nodes that devices are told; default: the same"},
      {"max_stale", Type::kUint, "300", "Seconds that a registry checkpoint may be old; stamped into devices"},
      {"status_valid", Type::kUint, "86400", "Seconds that a status list is valid"},
      {"status_entries", Type::kUint, "131072",
       "Places of the status list (131072 to 134217728): as many devices as nine tenths of it; may be raised later"},
      {"definition", Type::kString, "",
       "Id of the published credential definition that HardwareCredentials keep to; nothing outside it is issued"}};
  std::ranges::move(didcomm::MediatorConfigKeys(), std::back_inserter(keys));
  std::ranges::move(vc_api::ConfigKeys(true), std::back_inserter(keys));
  return keys;
}

int Fault(const Error& error, const Flags& flags) { return base::ReportError(kProgram, error, flags.json); }

void Print(const json& value) { std::printf("%s\n", base::DumpJson(value).c_str()); }

base::PassphraseOptions Passphrase(const Flags& flags) {
  return {.fd = flags.passphrase_fd, .file = flags.passphrase_file, .prompt = "Passphrase of the issuer's keys: "};
}

// A client verb that prints the service's answer.
int Client(const base::RolePaths& paths, const Flags& flags, std::string_view verb, const json& args,
           const std::function<int(const json&)>& print) {
  const auto answer = base::CallControl(paths, verb, args);
  if (!answer) return Fault(answer.error(), flags);
  if (flags.json) {
    Print(*answer);
    if (verb != "doctor") return base::kExitDone;
  }
  return print(*answer);
}

std::string Absolute(const std::string& path) { return std::filesystem::absolute(path).lexically_normal().string(); }

// Routes that are there only once the issuer is: its URL, and so the listener's port, must be known first.
class LateRoutes {
 public:
  void Set(base::Router router) {
    const std::lock_guard lock(mutex_);
    router_ = std::make_shared<const base::Router>(std::move(router));
  }
  void Handle(base::HttpRequest request, base::Responder responder) {
    std::shared_ptr<const base::Router> router;
    {
      const std::lock_guard lock(mutex_);
      router = router_;
    }
    if (router) {
      router->Handle(std::move(request), std::move(responder));
    } else {
      responder.Send(base::TextResponse(503, "starting\n"));
    }
  }

 private:
  std::mutex mutex_;
  std::shared_ptr<const base::Router> router_;
};

// With port 0 the port of the last run is taken again when it is free: credentials name the status list's URL.
Result<std::unique_ptr<base::HttpServer>> Listen(const base::RolePaths& paths, const base::HttpServerOptions& options,
                                                 const std::shared_ptr<LateRoutes>& routes) {
  const auto handler = [routes](base::HttpRequest request, base::Responder responder) {
    routes->Handle(std::move(request), std::move(responder));
  };
  const std::string remembered = paths.data_dir + "/port";
  if (options.port == 0) {
    if (const auto text = base::ReadFile(remembered, 16); text) {
      base::HttpServerOptions again = options;
      again.port = static_cast<uint16_t>(std::strtoul(text->c_str(), nullptr, 10));
      if (again.port != 0) {
        auto server = base::HttpServer::Start(again, handler);
        if (server) return server;
        base::LogWarn("issuer.port_taken", {{"port", std::to_string(again.port)}});
      }
    }
  }
  KEEL_TRY(auto server, base::HttpServer::Start(options, handler));
  if (options.port == 0) KEEL_TRY_VOID(base::WriteFileAtomic(remembered, std::to_string(server->port()) + "\n"));
  return server;
}

Result<> Serve(const base::RolePaths& paths, const Flags& flags) {
  KEEL_TRY(auto stop, base::StopSignal::Create());
  KEEL_TRY(base::Config config, base::Config::Load(paths.config_file, Keys()));
  if (!flags.listen.empty()) KEEL_TRY_VOID(config.SetFlag("listen", flags.listen));
  if (!flags.public_url.empty()) KEEL_TRY_VOID(config.SetFlag("public_url", flags.public_url));
  KEEL_TRY(const base::LockFile lock, base::LockFile::Acquire(paths.data_dir));
  KEEL_TRY(base::SecretText passphrase, custody::PassphraseOf(paths.data_dir, Passphrase(flags)));
  const auto routes = std::make_shared<LateRoutes>();
  KEEL_TRY(base::HttpServerOptions listen, base::ParseListen(config.GetString("listen")));
  listen.handler_threads = 4;
  base::SystemClock clock;
  const auto resolver = did::MakeDefaultResolver({.web = false});
  base::Router mediation;
  KEEL_TRY(const auto mediator, didcomm::OpenConfigured(config, paths.data_dir, std::string(passphrase.ExposeSecret()),
                                                        *resolver, clock, {}, listen, mediation));
  KEEL_TRY(auto server, Listen(paths, listen, routes));
  Issuer::Options options;
  options.data_dir = paths.data_dir;
  options.identity.passphrase = passphrase.ExposeSecret();
  options.name = config.GetString("name");
  options.vendor = config.GetString("vendor");
  options.public_url = config.GetString("public_url").empty() ? server->url() : config.GetString("public_url");
  while (options.public_url.ends_with('/')) options.public_url.pop_back();
  options.endpoints = flags.registry.empty() ? config.GetList("registry") : flags.registry;
  options.stamp_endpoints = config.GetList("stamp_endpoints");
  options.max_stale = config.GetUint("max_stale");
  options.status_valid_seconds = config.GetUint("status_valid");
  options.status_entries = config.GetUint("status_entries");
  options.definition = config.GetString("definition");
  const std::string public_url = options.public_url;

  const auto http = base::MakeBeastClient();
  KEEL_TRY(auto issuer, Issuer::Open(std::move(options), *http, clock, crypto::SystemRandom()));
  passphrase = base::SecretText();
  base::Router public_routes = issuer->PublicRoutes();
  if (mediator) {
    KEEL_TRY_VOID(mediator->Announce(public_url));
    mediator->AddRoutes(public_routes);
  }
  routes->Set(std::move(public_routes));
  std::map<std::string, base::ControlVerb> verbs;
  verbs["manufacture.begin"] = [&](const json& args) { return issuer->Begin(args); };
  verbs["manufacture.anchor"] = [&](const json& args) { return issuer->Anchor(args); };
  verbs["manufacture.verified"] = [&](const json& args) { return issuer->Verified(args); };
  verbs["manufacture.finish"] = [&](const json& args) { return issuer->Finish(args); };
  verbs["revoke"] = [&](const json& args) { return issuer->Revoke(args); };
  verbs["single-use"] = [&](const json& args) { return issuer->SingleUse(args); };
  verbs["firmware.release"] = [&](const json& args) { return issuer->Release(args); };
  verbs["schema.publish"] = [&](const json& args) { return issuer->PublishSchema(args); };
  verbs["schema.show"] = [&](const json& args) { return issuer->ShowSchema(args); };
  verbs["definition.publish"] = [&](const json& args) { return issuer->PublishDefinition(args); };
  verbs["definition.show"] = [&](const json& args) { return issuer->ShowDefinition(args); };
  verbs["rotate-key"] = [&](const json& args) { return issuer->RotateKey(args); };
  verbs["ownership"] = [&](const json& args) { return issuer->Ownership(args); };
  verbs["status"] = [&](const json&) { return issuer->Status(); };
  verbs["list"] = [&](const json&) { return issuer->List(); };
  verbs["doctor"] = [&](const json&) { return issuer->Doctor(); };
  KEEL_TRY(const auto vc_api,
           vc_api::Service::OpenConfigured(config, paths.data_dir, true, *resolver, clock, crypto::SystemRandom()));
  KEEL_TRY(auto control, base::ControlServer::Start(paths.socket, std::move(verbs)));

  // The status list is published as soon as the registry and the accreditation allow, and kept fresh.
  std::mutex mutex;
  std::condition_variable changed;
  bool stopping = false;
  bool published = false;
  std::thread keeper([&] {
    std::unique_lock guard(mutex);
    base::LogLimiter limiter(2);
    while (!stopping) {
      guard.unlock();
      const auto fresh = issuer->RefreshStatus();
      if (!fresh) limiter.Log(base::LogLevel::kWarn, "issuer.status_list_waits", {{"why", fresh.error().Text()}});
      guard.lock();
      published = published || fresh.has_value();
      changed.wait_for(guard, published ? std::chrono::milliseconds(60'000) : std::chrono::milliseconds(500),
                       [&] { return stopping; });
    }
  });
  base::LogInfo("issuer.ready", {{"url", public_url}, {"did", issuer->did()}});
  json ready = {{"url", public_url}, {"socket", paths.socket}, {"did", issuer->did()}};
  if (vc_api) ready["vc_api"] = vc_api->url();
  const auto served = base::ServeUntilStopped(*stop, flags.ready_fd, std::move(ready));
  {
    const std::lock_guard guard(mutex);
    stopping = true;
  }
  changed.notify_all();
  keeper.join();
  control->Stop();
  server->Stop();
  return served;
}

Result<json> Init(const base::RolePaths& paths, const Flags& flags) {
  KEEL_TRY(const custody::SetUp made,
           custody::SetUpIdentity(paths.data_dir, flags.registry_file, {Passphrase(flags), flags.unprotected_keys}));
  custody::Identity& identity = *made.identity;
  KEEL_TRY_VOID(Issuer::AddAuthorKey(identity));
  std::map<std::string, std::string> values = {{"vendor", flags.vendor},
                                               {"listen", flags.listen.empty() ? "127.0.0.1:0" : flags.listen}};
  if (!flags.name.empty()) values["name"] = flags.name;
  if (!flags.public_url.empty()) values["public_url"] = flags.public_url;
  KEEL_TRY_VOID(base::MakeDir(std::filesystem::path(paths.config_file).parent_path().string()));
  if (!base::FileExists(paths.config_file))
    KEEL_TRY_VOID(base::WriteFileAtomic(paths.config_file, base::Config::Template(Keys(), values)));
  return json{{"did", identity.did()},
              {"words", identity.network().words},
              {"network", identity.network().label},
              {"identity", paths.data_dir + "/identity.json"},
              {"config", paths.config_file},
              {"protected", made.with_passphrase}};
}

}  // namespace

int RunInit(const base::RolePaths& paths, const Flags& flags) {
  const auto made = Init(paths, flags);
  if (!made) return Fault(made.error(), flags);
  if (flags.json) {
    Print(*made);
    return base::kExitDone;
  }
  const std::string data = flags.data.empty() ? "" : " --data " + flags.data;
  std::printf(
      "Issuer's DID: %s\nRegistry %s: %s\n(compare these eight words with the registry's operator)\n%sNext:\n"
      "  a registry member accredits it:  keel-registry sponsor add --identity %s\n  then start it:                   "
      "keel-issuer serve%s\n",
      (*made)["did"].get<std::string>().c_str(), (*made)["network"].get<std::string>().c_str(),
      (*made)["words"].get<std::string>().c_str(),
      (*made)["protected"].get<bool>() ? "" : "Keys: an unprotected software key (0600 files, no passphrase)\n",
      (*made)["identity"].get<std::string>().c_str(), data.c_str());
  return base::kExitDone;
}

int RunServe(const base::RolePaths& paths, const Flags& flags) {
  const auto served = Serve(paths, flags);
  return served ? base::kExitDone : Fault(served.error(), flags);
}

int RunManufacture(const base::RolePaths& paths, const Flags& flags) {
  std::vector<DeviceRow> rows;
  if (!flags.csv.empty()) {
    const auto text = base::ReadFile(flags.csv, kMaxCsvSize + 1);
    if (!text) return Fault(text.error(), flags);
    auto list = ReadDeviceList(*text, std::filesystem::path(flags.csv).filename().string());
    if (!list) return Fault(list.error(), flags);
    rows = std::move(*list);
  } else if (flags.count != 0) {
    rows = DemoRows(flags.count);
  } else {
    return Fault(Fail(Code::kUsage, "manufacture", "give --csv FILE or --count N").error(), flags);
  }
  StationOptions options;
  options.devices_dir = Absolute(flags.devices_dir);
  options.parallel = flags.parallel;
  std::string word;
  for (const char c : flags.device_command + " ") {
    if (c != ' ') {
      word.push_back(c);
    } else if (!word.empty()) {
      options.command.push_back(std::move(word));
      word.clear();
    }
  }
  if (options.command.empty()) options.command = {base::ProgramDir() + "/keel-device"};
  if (flags.events_fd >= 0) {
    options.on_event = [fd = flags.events_fd](const json& event) {
      const std::string line = base::DumpJson(event) + "\n";
      [[maybe_unused]] const ssize_t n = write(fd, line.data(), line.size());
    };
  } else if (isatty(STDERR_FILENO) != 0 && !flags.json) {
    options.on_event = [done = size_t{0}, all = rows.size()](const json& event) mutable {
      if (event["step"] == "finished" || event["step"] == "failed")
        std::fprintf(stderr, "\r%zu of %zu devices", ++done, all);
    };
  }
  const auto issuer = [&](std::string_view verb, const json& args) {
    return base::CallControl(paths, verb, args, std::chrono::seconds(120));
  };
  const auto result = RunStation(rows, options, issuer, crypto::SystemRandom());
  if (!result) return Fault(result.error(), flags);
  const size_t made = (*result)["made"].size(), failed = (*result)["failed"].size();
  if (flags.json) {
    Print(*result);
  } else {
    if (options.on_event && flags.events_fd < 0) std::fprintf(stderr, "\n");
    std::printf("%zu devices made, %zu were made before, %zu failed; their folders are in %s\n", made,
                (*result)["skipped"].size(), failed, options.devices_dir.c_str());
    for (const json& one : (*result)["failed"])
      std::fprintf(stderr, "%s: %s: %s\n", kProgram, one["serial"].get<std::string>().c_str(),
                   one["message"].get<std::string>().c_str());
    if (failed != 0)
      std::fprintf(stderr,
                   "%s: run the same command again: what is finished is skipped, what is half-made is gone on with\n",
                   kProgram);
  }
  if (failed == 0) return base::kExitDone;
  return made + (*result)["skipped"].size() == 0 ? base::kExitInvalid : base::kExitPartly;
}

int RunRevoke(const base::RolePaths& paths, const Flags& flags) {
  return Client(paths, flags, "revoke", {{"device", flags.device}, {"reason", flags.reason}}, [](const json& answer) {
    std::printf("%s is revoked: status list version %llu is published and anchored\n",
                answer["serial"].get<std::string>().c_str(),
                static_cast<unsigned long long>(answer["version"].get<uint64_t>()));
    return base::kExitDone;
  });
}

int RunSingleUse(const base::RolePaths& paths, const Flags& flags) {
  const auto text = base::ReadFile(flags.keys_file, 1u << 20);
  if (!text) return Fault(text.error(), flags);
  json keys = json::array();
  std::istringstream lines(*text);
  for (std::string line; std::getline(lines, line);) {
    if (!line.empty()) keys.push_back(line);
  }
  const auto answer =
      base::CallControl(paths, "single-use", {{"device", flags.device}, {"keys", keys}, {"days", flags.days}});
  if (!answer) return Fault(answer.error(), flags);
  std::string out;
  for (const json& credential : (*answer)["credentials"]) (out += credential.get<std::string>()) += '\n';
  if (const auto written = base::WriteFileAtomic(flags.out, out); !written) return Fault(written.error(), flags);
  if (flags.json) {
    Print({{"serial", (*answer)["serial"]}, {"count", keys.size()}, {"file", flags.out}});
  } else {
    std::printf("%zu credentials for %s in %s: show each to one owner only\n", keys.size(),
                (*answer)["serial"].get<std::string>().c_str(), flags.out.c_str());
  }
  return base::kExitDone;
}

int RunRotateKey(const base::RolePaths& paths, const Flags& flags) {
  json args = {{"reason", flags.reason.empty() ? "routine" : flags.reason}};
  if (flags.has_since) args["since"] = flags.since;
  return Client(paths, flags, "rotate-key", args, [](const json& answer) {
    std::printf("The key is now %s (anchored at log index %llu)\n", answer["kid"].get<std::string>().c_str(),
                static_cast<unsigned long long>(answer["index"].get<uint64_t>()));
    return base::kExitDone;
  });
}

namespace {
Result<json> Release(const base::RolePaths& paths, const Flags& flags) {
  KEEL_TRY(const std::string image, base::ReadFile(flags.file, 1u << 30));
  json args = {{"model", flags.model},
               {"version", flags.version},
               {"sha256", base::Base64Url(crypto::Sha256::Of(image))},
               {"size", image.size()}};
  if (flags.sequence != 0) args["sequence"] = flags.sequence;
  KEEL_TRY(json release, base::CallControl(paths, "firmware.release", args));
  KEEL_TRY(const base::ByteVec manifest, base::GetBytes(release, "manifest"));
  release.erase("manifest");
  KEEL_TRY_VOID(base::MakeDir(flags.out));
  KEEL_TRY_VOID(base::WriteFileAtomic(flags.out + "/manifest.cbor", manifest));
  KEEL_TRY_VOID(base::WriteFileAtomic(flags.out + "/firmware.bin", image));
  KEEL_TRY_VOID(base::WriteFileAtomic(flags.out + "/release.json",
                                      base::DumpJsonPretty(release) + "\n"));  // last: the folder is whole
  release["folder"] = flags.out;
  return release;
}
}  // namespace

int RunRelease(const base::RolePaths& paths, const Flags& flags) {
  const auto release = Release(paths, flags);
  if (!release) return Fault(release.error(), flags);
  if (flags.json) {
    Print(*release);
  } else {
    std::printf("%s %s (sequence %llu) is signed: %s\n", flags.model.c_str(), flags.version.c_str(),
                static_cast<unsigned long long>((*release)["sequence"].get<uint64_t>()), flags.out.c_str());
  }
  return base::kExitDone;
}

int RunSchemaPublish(const base::RolePaths& paths, const Flags& flags) {
  const auto text = base::ReadFile(flags.file, 1 << 20);
  if (!text) return Fault(text.error(), flags);
  return Client(paths, flags, "schema.publish", {{"id", flags.id}, {"text", *text}}, [](const json& answer) {
    std::printf("%s\n%s\n", answer["id"].get<std::string>().c_str(), answer["digest"].get<std::string>().c_str());
    return base::kExitDone;
  });
}

namespace {
json Named(const Flags& flags) {
  json args = {{"id", flags.id}};
  if (!flags.author.empty()) args["author"] = flags.author;
  return args;
}
}  // namespace

int RunSchemaShow(const base::RolePaths& paths, const Flags& flags) {
  return Client(paths, flags, "schema.show", Named(flags), [](const json& answer) {
    std::printf("%s\n", answer["text"].get<std::string>().c_str());
    return base::kExitDone;
  });
}

int RunDefinitionPublish(const base::RolePaths& paths, const Flags& flags) {
  const auto text = base::ReadFile(flags.file, 1 << 20);
  if (!text) return Fault(text.error(), flags);
  const auto definition = base::ParseJson(*text);
  if (!definition) return Fault(definition.error(), flags);
  return Client(paths, flags, "definition.publish", {{"id", flags.id}, {"definition", *definition}},
                [&](const json& answer) {
                  std::printf("%s\n", answer["id"].get<std::string>().c_str());
                  return base::kExitDone;
                });
}

int RunDefinitionShow(const base::RolePaths& paths, const Flags& flags) {
  return Client(paths, flags, "definition.show", Named(flags), [](const json& answer) {
    std::printf("%s\n", base::DumpJsonPretty(answer).c_str());
    return base::kExitDone;
  });
}

int RunStatus(const base::RolePaths& paths, const Flags& flags) {
  return Client(paths, flags, "status", json::object(), [](const json& answer) {
    std::printf("%s\n", base::DumpJsonPretty(answer).c_str());
    return base::kExitDone;
  });
}

int RunDoctor(const base::RolePaths& paths, const Flags& flags) {
  return Client(paths, flags, "doctor", json::object(), [&](const json& answer) {
    if (!flags.json)
      for (const json& check : answer["checks"])
        std::printf("%-4s %s: %s\n", check["ok"].get<bool>() ? "ok" : "BAD", check["check"].get<std::string>().c_str(),
                    check["detail"].get<std::string>().c_str());
    return answer["ok"].get<bool>() ? base::kExitDone : base::kExitInvalid;
  });
}

int RunList(const base::RolePaths& paths, const Flags& flags) {
  return Client(paths, flags, "list", json::object(), [](const json& answer) {
    for (const json& device : answer["devices"])
      std::printf("%-20s %-20s %-9s %s%s\n", device["serial"].get<std::string>().c_str(),
                  device["model"].get<std::string>().c_str(), device["state"].get<std::string>().c_str(),
                  device["did"].get<std::string>().c_str(), device["revoked"].get<bool>() ? " revoked" : "");
    return base::kExitDone;
  });
}

}  // namespace keel::issuer
