// SPDX-License-Identifier: Apache-2.0
#include "vc-api/service.h"

#include <cstdlib>
#include <filesystem>

#include "base/files.h"
#include "tests/fakes/tls_server.h"
#include "tests/unit/vc_api/world.h"

namespace keel::vc_api {
namespace {

using nlohmann::json;

class ServiceTest : public VcApiTest {
 protected:
  void SetUp() override {
    VcApiTest::SetUp();
    std::string pattern = (std::filesystem::temp_directory_path() / "keel-vc-api-XXXXXX").string();
    ASSERT_NE(mkdtemp(pattern.data()), nullptr);
    folder_ = pattern;
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  Result<std::unique_ptr<Service>> Open(const std::string& toml, bool issues = true) {
    KEEL_TRY(const base::Config config, base::Config::FromText(toml, "test", ConfigKeys(issues)));
    return Service::OpenConfigured(config, folder_, issues, *resolver_, clock_, crypto::SystemRandom());
  }
  std::string folder_;
  std::unique_ptr<base::HttpClient> http_ = base::MakeBeastClient();
};

constexpr const char* kListen = "[vc_api]\nlisten = \"127.0.0.1:0\"\n";

TEST_F(ServiceTest, NobodyAskedForIt) {
  const auto service = Open("");
  ASSERT_TRUE(service.has_value());
  EXPECT_EQ(*service, nullptr);
}

TEST_F(ServiceTest, IssuesAndVerifiesOverHttp) {
  std::string issuer;
  for (int start = 0; start < 2; ++start) {
    auto service = Open(kListen);
    ASSERT_TRUE(service.has_value()) << service.error().Text();
    const std::string url = (*service)->url();
    const auto issuers = http_->Get(url + "/issuers");
    ASSERT_TRUE(issuers.has_value());
    const std::string did = Body(*issuers)[0]["id"];
    EXPECT_TRUE(start == 0 || did == issuer) << "keys are kept";
    issuer = did;
    const auto issued =
        http_->Post(url + "/ecdsa-rdfc-2019/credentials/issue", "application/json",
                    base::DumpJson({{"credential", Plain()}, {"options", {{"credentialStatus", json::object()}}}}));
    ASSERT_TRUE(issued.has_value());
    ASSERT_EQ(issued->status, 201) << issued->body;
    // The status list is fetched over HTTP from the service itself.
    const auto verified = http_->Post(url + "/credentials/verify", "application/json",
                                      base::DumpJson({{"verifiableCredential", Body(*issued)}}));
    ASSERT_TRUE(verified.has_value());
    EXPECT_EQ(verified->status, 200) << verified->body;
    EXPECT_EQ(http_->Post(url + "/presentations/verify", "application/json", "{}")->status, 400);
    const auto list = http_->Get(Body(*issued)["credentialStatus"]["statusListCredential"].get<std::string>());
    ASSERT_TRUE(list.has_value());
    EXPECT_EQ(list->content_type, "application/vc");
  }
}

TEST_F(ServiceTest, OverHttps) {
  fakes::TestAuthority authority;
  const auto leaf = authority.Issue("IP:127.0.0.1");
  const auto write = [this](const char* name, const std::string& text) {
    EXPECT_TRUE(base::WriteFileAtomic(folder_ + "/" + name, text, 0600));
    return "\"" + folder_ + "/" + name + "\"\n";
  };
  const std::string root = write("root.pem", authority.RootPem());
  const auto service = Open(std::string(kListen) + "status = true\nca_file = " + root +
                            "certificate = " + write("tls.pem", fakes::TestAuthority::CertificatePem(leaf)) +
                            "key = " + write("tls.key", fakes::TestAuthority::KeyPem(leaf)));
  ASSERT_TRUE(service.has_value()) << service.error().Text();
  ASSERT_TRUE((*service)->url().starts_with("https://")) << (*service)->url();
  base::BeastOptions trusting;
  trusting.ca_file = folder_ + "/root.pem";
  const auto client = base::MakeBeastClient(trusting);
  const auto issued = client->Post((*service)->url() + "/credentials/issue", "application/json",
                                   base::DumpJson({{"credential", Plain()}}));
  ASSERT_TRUE(issued.has_value()) << issued.error().Text();
  ASSERT_EQ(issued->status, 201) << issued->body;
  const std::string list = Body(*issued)["credentialStatus"]["statusListCredential"];
  EXPECT_TRUE(list.starts_with("https://")) << list;
  EXPECT_EQ(client->Get(list)->status, 200);
  const auto verified = client->Post((*service)->url() + "/credentials/verify", "application/json",
                                     base::DumpJson({{"verifiableCredential", Body(*issued)}}));
  ASSERT_TRUE(verified.has_value());
  EXPECT_EQ(verified->status, 200) << verified->body;
  EXPECT_NE(verified->body.find("revocation: not set"), std::string::npos) << verified->body;
}

TEST_F(ServiceTest, VerifiersIssueNothing) {
  const auto service = Open(kListen, false);
  ASSERT_TRUE(service.has_value()) << service.error().Text();
  EXPECT_EQ(http_->Post((*service)->url() + "/credentials/issue", "application/json", "{}")->status, 404);
  EXPECT_EQ(http_->Post((*service)->url() + "/credentials/verify", "application/json", "{}")->status, 400);
}

TEST_F(ServiceTest, IssuingNeedsTheToken) {
  ASSERT_TRUE(base::WriteFileAtomic(folder_ + "/token", "secret\n", 0600));
  const auto service = Open(std::string(kListen) + "token_file = \"" + folder_ + "/token\"\n");
  ASSERT_TRUE(service.has_value()) << service.error().Text();
  base::HttpCall call;
  call.method = "POST";
  call.url = (*service)->url() + "/credentials/issue";
  call.content_type = "application/json";
  call.body = base::DumpJson({{"credential", Plain()}});
  EXPECT_EQ(http_->Send(call)->status, 401);
  call.headers = {{"Authorization", "Bearer secre"}};
  EXPECT_EQ(http_->Send(call)->status, 401);
  call.headers = {{"Authorization", "Bearer secret"}};
  EXPECT_EQ(http_->Send(call)->status, 201);
}

TEST_F(ServiceTest, NotBeyondLoopbackWithoutToken) {
  const auto service = Open("[vc_api]\nlisten = \"0.0.0.0:0\"\n");
  ASSERT_FALSE(service.has_value());
  EXPECT_EQ(service.error().code, Code::kUsage);
}

}  // namespace
}  // namespace keel::vc_api
