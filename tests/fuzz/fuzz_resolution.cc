// SPDX-License-Identifier: Apache-2.0
// DID URLs, the HTTP binding of DID Resolution, did:webvh logs, registrar requests: nothing leads out of a service,
// every answer is one that the binding knows, a bent log never says what its keys did not sign.
#include "base/json_strict.h"
#include "crypto/signature.h"
#include "did/default_resolver.h"
#include "did/dereference.h"
#include "did/methods/webvh.h"
#include "did/resolution_http.h"
#include "registry-node/registrar_request.h"
#include "tests/fuzz/fuzz.h"

#include <map>
#include <nlohmann/json.hpp>
#include <set>

namespace {

using namespace keel;  // a target's own file
using namespace keel::did;
using nlohmann::json;

constexpr const char* kDid = "did:example:a";
constexpr const char* kDocument = R"({"id":"did:example:a","verificationMethod":[{"id":"#k","type":"Multikey",
"controller":"did:example:a","publicKeyMultibase":"z6MktKwz7Ge1Yxzr4JHavN33wiwa8y81QdcMRLXQsrH9T53b"}],
"authentication":["#k"],"service":[{"id":"#files","type":"F","serviceEndpoint":"https://files.example/a/b"}]})";

// The seeds' logs: nobody else has their keys.
const std::map<std::string, std::set<std::string>, std::less<>> kLogs = {
    {"did:webvh:Qmdxt11AjZewCNXX69bpEDobgjySeZ7eFwjf4tgpF6p2Dg:example.com",
     {"1-QmPFhMuZH9gjY2JZgyyrgRuFTywQ4mDhoKGVoGE8uy7hFD", "2-QmXbbxspnFjjt5FX9QEdn8C6D8FZJsFceQdoHFTx89fyT4"}},
    {"did:webvh:QmaaKkr6nu7uSTpjSfAr3r7xBezNZGpWu6Gwtgqr6A4ynC:example.com",
     {"1-QmW1kazgpSeCNX4kZghibxLU2ye8nr6dqADhQiTz3qPD1C"}},
    {"did:webvh:QmNVNZuRuHpTQSwHymPCdrD2Tfu2iDJjEpiC18udqmY7oB:example.com",
     {"1-Qmd3718YXkmhD8wavxYBrxgtdLZtxqRVsMvg1ZGDAiTz9C", "2-QmaQr7Ted2bx6AUh5tuKRnbrJPHZvp8n6xyV96GpZARZ6Q",
      "3-QmXf1eQMoitA44xD5Svz8CzM3moYfqFAuPKRNMMs51wfQm"}}};

StaticResolver& Known() {
  static MethodResolver* methods = MakeDefaultResolver({.web = false}).release();
  static StaticResolver* known = [] {
    auto* made = new StaticResolver(methods);
    FUZZ_CHECK(made->AddJson(kDocument).has_value());
    return made;
  }();
  return *known;
}

std::string Decoded(std::string text) {
  for (int i = 0; i < 8; ++i) {
    const auto again = base::UrlDecode(text);
    if (!again || *again == text) break;
    text = *again;
  }
  return text;
}

void Url(std::string_view rest) {
  for (const char* accept : {"", "application/did", "text/uri-list"}) {
    DereferenceOptions options;
    options.accept = accept;
    const auto result = Dereference(Known(), kDid + std::string(rest), options);
    if (!result) continue;
    FUZZ_CHECK(!result->content.empty());
    for (const std::string& url : result->urls) {
      FUZZ_CHECK(url.starts_with("https://files.example/a/b"));
      const std::string path = Decoded(url.substr(0, url.find_first_of("?#"))) + "/";
      FUZZ_CHECK(path.find("/../") == std::string::npos && path.find('\\') == std::string::npos);
    }
  }
}

void Http(std::string_view text) {
  std::array<std::string_view, 3> parts;
  for (std::string_view& part : parts) {
    const size_t end = std::min(text.find('\n'), text.size());
    part = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  base::HttpRequest request;
  request.method = text.empty() ? "GET" : "POST";
  request.path = std::string(kIdentifiersPath) + std::string(parts[0]);
  request.query = parts[1];
  request.headers = {{"Accept", std::string(parts[2])}};
  request.body = text;
  const auto response = AnswerIdentifiers(Known(), request);
  static const std::set<int> kStatuses = {200, 303, 400, 404, 406, 410, 500, 501};
  FUZZ_CHECK(kStatuses.contains(response.status));
  if (response.status == 303) {
    FUZZ_CHECK(response.body.empty() && response.Header("Location").starts_with("https://files.example/a/b"));
    for (const char c : response.Header("Location")) FUZZ_CHECK(c > 0x20 && c < 0x7f);
    return;
  }
  FUZZ_CHECK(!response.content_type.empty());
  FUZZ_CHECK(base::ParseJson(response.body, {.max_depth = 40}).has_value());
}

void Log(std::string_view text) {
  const size_t line = std::min(text.find('\n'), text.size());
  const std::string did(text.substr(0, line));
  text.remove_prefix(std::min(line + 1, text.size()));
  const size_t blank = std::min(text.find("\n\n"), text.size());
  const std::string_view witness = text.substr(std::min(blank + 2, text.size()));
  for (const char* version : {"", "1-"}) {
    const auto result = ReadWebvhLog(
        did, text.substr(0, std::min(blank + 1, text.size())),
        [&]() -> Result<std::string> { return std::string(witness); }, {.version_id = version}, 1'800'000'000);
    if (!result) continue;
    const auto known = kLogs.find(did);
    if (known != kLogs.end()) FUZZ_CHECK(known->second.contains(result->metadata.version_id));
    FUZZ_CHECK(result->document->id == did);
  }
}

void Registrar(uint8_t verb, std::string_view text) {
  const auto request =
      registry::ParseRegistrarRequest(static_cast<registry::RegistrarVerb>(verb % 3), text, "", "demo");
  if (!request) return;
  const json secret = *base::ParseJson(request->secret);
  for (const char* purpose : {"update", "nextUpdate"}) {
    const auto keys = registry::SecretKeys(secret, purpose);
    if (keys) {
      for (const auto& key : *keys) FUZZ_CHECK(key.valid());
    }
  }
  const auto document = registry::ApplyOperations(*base::ParseJson(kDocument), *request);
  if (!document) return;
  const auto content = registry::ContentOf(*document, secret, request->did);
  if (!content) return;
  for (const auto& key : content->keys) FUZZ_CHECK(key.key.valid() && key.uses != 0 && !key.id.empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  static const bool ready = (crypto::SetUpHostedCrypto(), true);
  if (!ready || size < 2) return 0;
  const std::string_view text = fuzz::Text(data + 1, size - 1);
  switch (data[0]) {
    case 'd': Url(text); break;
    case 'h': Http(text); break;
    case 'v': Log(text); break;
    case 'r': Registrar(static_cast<uint8_t>(text[0] - '0'), text.substr(1)); break;
    default: break;
  }
  return 0;
}

extern "C" size_t KeelFuzzMutations() { return 4000; }
