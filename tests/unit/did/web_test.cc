// SPDX-License-Identifier: Apache-2.0
#include "did/methods/web.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "base/clock.h"
#include "base/files.h"
#include "crypto/signature.h"
#include "did/default_resolver.h"
#include "did/did.h"
#include "tests/fakes/tls_server.h"

namespace keel::did {
namespace {

using fakes::HttpAnswer;
using fakes::TestAuthority;
using fakes::TlsServer;
using namespace std::chrono_literals;

TEST(DidWeb, Urls) {
  // The examples of the method's text, and what follows from it.
  EXPECT_EQ(*WebUrl("did:web:w3c-ccg.github.io"), "https://w3c-ccg.github.io/.well-known/did.json");
  EXPECT_EQ(*WebUrl("did:web:w3c-ccg.github.io:user:alice"), "https://w3c-ccg.github.io/user/alice/did.json");
  EXPECT_EQ(*WebUrl("did:web:example.com%3A3000:user:alice"), "https://example.com:3000/user/alice/did.json");
  EXPECT_EQ(*WebUrl("did:web:example.com%3a3000"), "https://example.com:3000/.well-known/did.json");
  EXPECT_EQ(*WebUrl("did:web:example.com:a%20b"), "https://example.com/a%20b/did.json");
  EXPECT_EQ(*WebUrl("did:web:xn--bcher-kva.example:u_1"), "https://xn--bcher-kva.example/u_1/did.json");
}

TEST(DidWeb, UrlsRefused) {
  for (const std::string& bad : std::initializer_list<std::string>{"did:web:127.0.0.1",
                                                                   "did:web:127.1",
                                                                   "did:web:2130706433",
                                                                   "did:web:0x7f000001",
                                                                   "did:web:10.0.0.1%3A80",
                                                                   "did:web:%5B%3A%3A1%5D",
                                                                   "did:web:example.com.",
                                                                   "did:web:.example.com",
                                                                   "did:web:a..b",
                                                                   "did:web:-a.com",
                                                                   "did:web:a-.com",
                                                                   "did:web:a_b.com",
                                                                   "did:web:example.com%3A",
                                                                   "did:web:example.com%3A0",
                                                                   "did:web:example.com%3A065",
                                                                   "did:web:example.com%3A65536",
                                                                   "did:web:example.com%3A80x",
                                                                   "did:web:example.com%3A80%3A81",
                                                                   "did:web:example.com%2Fx",
                                                                   "did:web:user%40example.com",
                                                                   "did:web:example.com%00",
                                                                   "did:web:example%2Ecom",
                                                                   "did:web:example.com::a",
                                                                   "did:web:example.com:a:",
                                                                   "did:web:example.com:.",
                                                                   "did:web:example.com:..:etc",
                                                                   "did:web:example.com:%2E%2e",
                                                                   "did:web:example.com:a%2Fb",
                                                                   "did:web:example.com:a%5Cb",
                                                                   "did:web:example.com:%00",
                                                                   "did:web:example.com:a%0D%0Ab",
                                                                   "did:web:b%C3%BCcher.de",
                                                                   "did:web:" + std::string(64, 'a') + ".com",
                                                                   "did:web:example.com/path",
                                                                   "did:web:example.com#f",
                                                                   "did:web:example.com?q",
                                                                   "did:web:"}) {
    const auto url = WebUrl(bad);
    ASSERT_FALSE(url) << bad << " -> " << *url;
    EXPECT_EQ(url.error().code, Code::kInvalidDid) << bad;
  }
  EXPECT_EQ(WebUrl("did:key:z6Mk").error().code, Code::kMethodNotSupported);
}

TEST(DidWeb, DocumentsAreThoseOfTheDid) {
  EXPECT_TRUE(ReadWebDocument("did:web:a.test", R"({"id":"did:web:a.test"})"));
  for (const char* bad :
       {R"({"id":"did:web:b.test"})", R"({"id":"did:web:A.test"})", R"({"id":"did:web:a.test#x"})", "{}", "", "[]",
        "<html>", R"({"id":"did:web:a.test","id":"did:web:a.test"})", R"({"id":"did:web:a.test"} x)"}) {
    const auto document = ReadWebDocument("did:web:a.test", bad);
    ASSERT_FALSE(document) << bad;
    EXPECT_EQ(document.error().code, Code::kInvalidDidDocument) << bad;
  }
}

class DidWebFetch : public testing::Test {
 protected:
  void SetUp() override {
    crypto::SetUpHostedCrypto();
    ca_file_ = testing::TempDir() + "/keel-did-web-" + std::to_string(::getpid()) + ".pem";
    ASSERT_TRUE(base::WriteFileAtomic(ca_file_, authority_.RootPem(), 0600));
  }
  void TearDown() override { std::filesystem::remove(ca_file_); }
  WebMethod::Options Options() const {
    WebMethod::Options options;
    options.ca_file = ca_file_;
    options.permit_loopback_for_tests = true;
    return options;
  }
  static std::string DidOfServer(const TlsServer& server, const std::string& path = {}) {
    return "did:web:localhost%3A" + std::to_string(server.port()) + path;
  }
  TestAuthority::Leaf Leaf() { return authority_.Issue("DNS:localhost"); }
  // Resolves against a server that gives that answer; `expected` is the error's code.
  void ExpectError(const std::string& answer, Code expected) {
    const TlsServer server(Leaf(), [&](const std::string&) { return answer; });
    WebMethod method(Options());
    const auto result = method.Resolve(DidOfServer(server));
    ASSERT_FALSE(result) << answer.substr(0, 200);
    EXPECT_EQ(result.error().code, expected) << result.error().Text();
    EXPECT_EQ(server.connections(), 1);
  }
  TestAuthority authority_;
  std::string ca_file_;
};

TEST_F(DidWebFetch, ResolvesWithPortAndPath) {
  std::string did;
  const TlsServer server(Leaf(), [&](const std::string& request) {
    if (!request.starts_with("GET /user/alice/did.json HTTP/1.1\r\n")) return HttpAnswer(404, "");
    return HttpAnswer(200,
                      nlohmann::json{{"id", did},
                                     {"authentication",
                                      {{{"id", "#k"},
                                        {"type", "Multikey"},
                                        {"publicKeyMultibase", "z6MkiTBz1ymuepAQ4HEHYSF1H8quG5GLVVQR3djdX3mDooWp"}}}}}
                          .dump());
  });
  did = DidOfServer(server, ":user:alice");
  WebMethod method(Options());
  const auto result = method.Resolve(did);
  ASSERT_TRUE(result) << result.error().Text();
  EXPECT_EQ(result->document->id, did);
  EXPECT_EQ(result->document->All(Relationship::kAuthentication).at(0)->id, did + "#k");
  EXPECT_EQ(method.Resolve(DidOfServer(server)).error().code, Code::kNotFound);
}

TEST_F(DidWebFetch, RefusesAnswers) {
  const std::string elsewhere = R"({"id":"did:web:elsewhere.test"})";
  ExpectError(HttpAnswer(200, elsewhere), Code::kInvalidDidDocument);
  ExpectError(HttpAnswer(200, "no json"), Code::kInvalidDidDocument);
  ExpectError(HttpAnswer(404, ""), Code::kNotFound);
  ExpectError(HttpAnswer(410, ""), Code::kNotFound);
  ExpectError(HttpAnswer(500, ""), Code::kHttpStatus);
  ExpectError(HttpAnswer(204, ""), Code::kHttpStatus);
  for (const int status : {301, 302, 303, 307, 308})
    ExpectError(HttpAnswer(status, "", "Location: https://localhost/did.json\r\n"), Code::kHttpStatus);
  ExpectError(HttpAnswer(200, std::string(kMaxDocument + 1, ' ')), Code::kTooLarge);
  // Without a length, for ever: cut at the limit.
  ExpectError("HTTP/1.1 200 OK\r\n\r\n" + std::string(10 << 20, ' '), Code::kTooLarge);
  ExpectError("HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{}", Code::kClosed);
  ExpectError("SSH-2.0\r\n\r\n", Code::kMalformed);
}

TEST_F(DidWebFetch, RefusesWhereItLeads) {
  const TlsServer server(Leaf(), [](const std::string&) { return HttpAnswer(200, "{}"); });
  // Without the tests' permit, nothing of this machine.
  WebMethod::Options strict = Options();
  strict.permit_loopback_for_tests = false;
  EXPECT_EQ(WebMethod(strict).Resolve(DidOfServer(server)).error().code, Code::kRefused);
  DefaultResolverOptions defaults;
  defaults.web_ca_file = ca_file_;
  EXPECT_EQ(MakeDefaultResolver(defaults)->Resolve(DidOfServer(server)).error().code, Code::kRefused);
  defaults.web = false;
  EXPECT_EQ(MakeDefaultResolver(defaults)->Resolve(DidOfServer(server)).error().code, Code::kMethodNotSupported);
  EXPECT_EQ(server.connections(), 0);
  // Names that lead to private addresses, whatever a test permits.
  for (const char* address : {"10.0.0.1", "192.168.1.1", "169.254.169.254", "fd00::1", "fe80::1", "224.0.0.1",
                              "0.0.0.0", "::ffff:10.0.0.1", "100.64.0.1"}) {
    WebMethod::Options options = Options();
    options.lookup = [&](const std::string&) -> Result<std::vector<std::string>> {
      return std::vector<std::string>{address};
    };
    EXPECT_EQ(WebMethod(options).Resolve("did:web:evil.test").error().code, Code::kRefused) << address;
  }
  // A certificate of another name, and of nobody that is trusted.
  WebMethod::Options options = Options();
  options.lookup = [](const std::string&) -> Result<std::vector<std::string>> {
    return std::vector<std::string>{"127.0.0.1"};
  };
  EXPECT_EQ(WebMethod(options).Resolve("did:web:evil.test%3A" + std::to_string(server.port())).error().code,
            Code::kUntrusted);
  options = Options();
  options.ca_file.clear();
  EXPECT_EQ(WebMethod(options).Resolve(DidOfServer(server)).error().code, Code::kUntrusted);
}

TEST_F(DidWebFetch, MeetsItsDeadline) {
  EXPECT_EQ(WebMethod::Options{}.deadline, 5s);
  TlsServer::Options silent;
  silent.silent = true;
  const TlsServer server(Leaf(), [](const std::string&) { return std::string(); }, silent);
  WebMethod::Options options = Options();
  options.deadline = 300ms;
  const uint64_t start = base::MonotonicMs();
  EXPECT_EQ(WebMethod(options).Resolve(DidOfServer(server)).error().code, Code::kTimeout);
  EXPECT_LT(base::MonotonicMs() - start, 3000u);
}

// The permit for tests appears in the classes that have it and in tests, nowhere that a configuration could reach.
TEST(DidWeb, ThePermitForTestsIsForTests) {
  const std::filesystem::path root(KEEL_SOURCE_DIR);
  const std::vector<std::string> may = {"base/net/http_client.h", "base/net/http_client.cc", "did/methods/web.h",
                                        "did/internal/web_client.cc"};
  size_t found = 0;
  for (const char* folder : {"base", "did", "didcomm", "vc", "custody", "registry-client", "registry-node", "issuer",
                             "verifier", "broker-plugin", "device-wallet", "cli", "bench", "examples"}) {
    for (const auto& entry : std::filesystem::recursive_directory_iterator(root / folder)) {
      if (entry.path().extension() != ".h" && entry.path().extension() != ".cc") continue;
      const auto text = base::ReadFile(entry.path().string(), 4 << 20);
      ASSERT_TRUE(text) << entry.path();
      if (text->find("permit_loopback_for_tests") == std::string::npos) continue;
      const std::string name = std::filesystem::relative(entry.path(), root).string();
      EXPECT_NE(std::find(may.begin(), may.end(), name), may.end()) << name;
      ++found;
    }
  }
  EXPECT_EQ(found, may.size());
}

}  // namespace
}  // namespace keel::did
