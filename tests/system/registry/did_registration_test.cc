// SPDX-License-Identifier: Apache-2.0
// A did:keel's whole life by the command line and the registrar's HTTP interface: made by the node, signed by
// `keel did sign-payload` with keys that the node never sees, resolved, updated, dereferenced, deactivated.
#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "base/process.h"

namespace keel {
namespace {

using nlohmann::json;

class DidLife : public testing::Test {
 protected:
  DidLife() : dir_(std::move(*base::TempDir::Create())), http_(base::MakeBeastClient()) {
    EXPECT_EQ(Run("keel-registry", {"init", "--data", dir_ / "registry", "--label", "demo", "--unprotected-keys",
                                    "--listen", "127.0.0.1:0"})
                  .state.code,
              0);
    base::SpawnOptions options;
    options.argv = {Bin("keel-registry"), "serve", "--data", dir_ / "registry", "--ready-fd", "{ready-fd}"};
    options.env = {{"KEEL_REGISTRAR_CREATES", "10"}, {"KEEL_LOG_LEVEL", "warn"}};
    auto spawned = base::ChildProcess::Spawn(options);
    EXPECT_TRUE(spawned);
    process_.emplace(std::move(*spawned));
    const auto ready = process_->WaitReady(std::chrono::seconds(20));
    EXPECT_TRUE(ready) << (ready ? "" : ready.error().Text());
    if (ready) url_ = base::GetString(*ready, "url").value();
    EXPECT_TRUE(base::WriteFileAtomic(net_, Run("keel-registry", {"descriptor", "--data", dir_ / "registry"}).out));
  }
  ~DidLife() override {
    if (!process_) return;
    process_->Signal(SIGTERM);
    EXPECT_TRUE(process_->Wait(std::chrono::seconds(20)));
  }
  static std::string Bin(const std::string& name) { return std::string(KEEL_BIN_DIR) + "/" + name; }
  base::RunResult Run(const std::string& program, const std::vector<std::string>& args, const std::string& input = {}) {
    base::SpawnOptions options;
    options.argv = {Bin(program)};
    options.argv.insert(options.argv.end(), args.begin(), args.end());
    options.stdin_text = input;
    options.capture_stdout = options.capture_stderr = true;
    auto result = base::RunProcess(options, std::chrono::seconds(30));
    EXPECT_TRUE(result) << (result ? "" : result.error().Text());
    return result ? *result : base::RunResult{};
  }
  json Did(std::vector<std::string> args, int wanted = 0, const std::string& input = {}) {
    args.insert(args.begin(), "did");
    const auto run = Run("keel", args, input);
    EXPECT_EQ(run.state.code, wanted) << args[1] << ": " << run.err;
    last_error_ = run.err;
    return base::ParseJson(run.out).value_or(json(run.out));
  }
  json Post(const std::string& verb, const std::string& body) {
    base::HttpCall call;
    call.method = "POST";
    call.url = url_ + "/1.0/" + verb;
    call.body = body;
    const auto response = http_->Send(call, {});
    EXPECT_TRUE(response) << (response ? "" : response.error().Text());
    status_ = response ? response->status : 0;
    return response ? base::ParseJson(response->body).value_or(json()) : json();
  }
  // A did:key's key file; its Multikey.
  std::string NewKey(const std::string& name) {
    const json made = Did({"create", "--json", "-o", dir_ / name});
    return made.at("did").get<std::string>().substr(8);
  }
  // From the request to the end of the job: the node asks, `keel` signs.
  json Registrar(const std::string& verb, const json& request, const std::string& key_file) {
    const json asked = Post(verb, base::DumpJson(request));
    EXPECT_EQ(asked.at("didState").value("action", ""), "signPayload") << asked;
    const json answer = Did({"sign-payload", "--key", dir_ / key_file}, 0, base::DumpJson(asked));
    return Post(verb, base::DumpJson(answer));
  }
  static json Secret(const std::string& multikey, const char* purpose) {
    return {{"type", "Multikey"}, {"purpose", {purpose}}, {"publicKeyMultibase", multikey}};
  }
  std::vector<std::string> Known(std::vector<std::string> args) {
    args.insert(args.end(), {"--registry", net_, "--registry-url", url_});
    return args;
  }

  base::TempDir dir_;
  std::string url_, last_error_, net_ = dir_ / "net.keel";
  std::unique_ptr<base::HttpClient> http_;
  std::optional<base::ChildProcess> process_;
  int status_ = 0;
};

TEST_F(DidLife, ByRegistrarAndCommandLine) {
  const std::string key = NewKey("a.key"), next = NewKey("b.key"), later = NewKey("c.key");
  const json document = {
      {"verificationMethod", {{{"id", "#main"}, {"type", "Multikey"}, {"publicKeyMultibase", key}}}},
      {"authentication", {"#main"}},
      {"assertionMethod", {"#main"}},
      {"service", {{{"id", "#files"}, {"type", "Files"}, {"serviceEndpoint", "https://f.example/a"}}}}};
  json done = Registrar("create",
                        {{"method", "keel"},
                         {"options", {{"clientSecretMode", true}}},
                         {"secret", {{"verificationMethod", {Secret(next, "nextUpdate")}}}},
                         {"didDocument", document}},
                        "a.key");
  ASSERT_EQ(status_, 201) << done;
  EXPECT_NE(last_error_.find("create"), std::string::npos) << "what was signed is said: " << last_error_;
  const std::string did = done.at("didState").at("did");

  // The command line asks with proofs, not on the node's word.
  json result = Did(Known({"resolve", did}));
  EXPECT_EQ(result.at("didDocument").at("verificationMethod")[0].at("publicKeyMultibase"), key);
  EXPECT_EQ(Did(Known({"dereference", did + "#main"})).at("publicKeyMultibase"), key);
  EXPECT_EQ(Did(Known({"dereference", did + "?service=files&relativeRef=/x.pdf"})),
            json("https://f.example/a/x.pdf\n"));
  EXPECT_EQ(Did(Known({"dereference", "--json", did + "#none"}), 1).at("dereferencingMetadata").at("error").at("type"),
            "https://www.w3.org/ns/did#NOT_FOUND");

  done = Registrar("update",
                   {{"did", did},
                    {"didDocumentOperation", {"removeFromDidDocument"}},
                    {"didDocument", {{{"service", {{{"id", "#files"}}}}}}},
                    {"secret", {{"verificationMethod", {Secret(next, "update"), Secret(later, "nextUpdate")}}}}},
                   "b.key");
  ASSERT_EQ(status_, 200) << done;
  // From here on by `keel did update`, with the key that was committed to.
  const json updated = Did(Known({"update", did, "--json", "--key", dir_ / "c.key", "--rotate", "main", "--service",
                                  "https://me.example/didcomm", "-o", dir_ / "d.key"}));
  EXPECT_EQ(updated.at("version"), 2);
  result = Did(Known({"resolve", did}));
  EXPECT_EQ(result.at("didDocumentMetadata").at("versionId"), "2");
  EXPECT_NE(result.at("didDocument").at("verificationMethod")[0].at("publicKeyMultibase"), key);
  EXPECT_EQ(result.at("didDocument").at("service")[0].at("serviceEndpoint").at("uri"), "https://me.example/didcomm");
  EXPECT_EQ(Did(Known({"resolve", did, "--version-id", "0"})).at("didDocument").at("service")[0].at("type"), "Files");
  Did(Known({"resolve", did, "--version-id", "9"}), 1);
  Did(Known({"update", did, "--key", dir_ / "c.key", "-o", dir_ / "e.key"}), 2);
  EXPECT_FALSE(base::FileExists(dir_ / "e.key")) << "nothing half-made stays";

  Did(Known({"deactivate", did, "--key", dir_ / "d.key"}), 2);
  Did(Known({"deactivate", did, "--yes", "--key", dir_ / "d.key"}));
  EXPECT_TRUE(Did(Known({"resolve", did}), 1).at("didDocument").is_null());
  EXPECT_EQ(http_->Get(url_ + "/1.0/identifiers/" + did)->status, 410);
  Did(Known({"update", did, "--key", dir_ / "d.key", "-o", dir_ / "e.key"}), 1);
}

TEST_F(DidLife, SignPayloadSignsWhatItShows) {
  const std::string key = NewKey("a.key"), next = NewKey("b.key");
  json asked = Post(
      "create",
      base::DumpJson({{"method", "keel"},
                      {"secret", {{"verificationMethod", {Secret(next, "nextUpdate")}}}},
                      {"didDocument",
                       {{"verificationMethod", {{{"id", "#k"}, {"type", "Multikey"}, {"publicKeyMultibase", key}}}},
                        {"authentication", {"#k"}}}}}));
  ASSERT_EQ(status_, 200) << asked;
  const auto with = [&](const std::function<void(json&)>& change, int wanted, const char* file = "a.key") {
    json copy = asked;
    change(copy["didState"]["signingRequest"]["signingRequest1"]);
    Did({"sign-payload", "--key", dir_ / file}, wanted, base::DumpJson(copy));
  };
  with([](json&) {}, 0);
  with([](json& r) { r["payload"]["op"] = "update"; }, 1);
  with([](json& r) { r["serializedPayload"] = base::Base64(AsBytes("pay me")), r.erase("payload"); }, 1);
  with([](json& r) { r["alg"] = "ES256"; }, 1);
  with([](json&) {}, 2, "b.key");
  asked["didState"]["signingRequest"]["signingRequest1"]["serializedPayload"] = base::Base64(AsBytes("anything"));
  Did({"sign-payload", "--any", "--key", dir_ / "a.key"}, 0, base::DumpJson(asked));
  Did({"sign-payload", "--key", dir_ / "a.key"}, 2, "no json");
}

}  // namespace
}  // namespace keel
