// SPDX-License-Identifier: Apache-2.0
// Keel's side of run_credentials.py: one JSON request a line, one answer a line, {"error"} when it can't.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "crypto/hosted/jwk.h"
#include "crypto/hosted/software_key_store.h"
#include "did/methods/jwk.h"
#include "did/methods/key.h"
#include "vc/cose/credential.h"
#include "vc/cose/verify.h"
#include "vc/sd_jwt/sd_jwt.h"
#include "vc/sd_jwt/verify.h"

namespace {

using namespace keel;
using nlohmann::json;

Result<crypto::PublicKey> Public(json jwk) {
  for (const char* name : {"d", "alg", "kid", "key_ops", "ext", "use"}) jwk.erase(name);
  return crypto::PublicKeyFromJwk(jwk);
}

class Desk {
 public:
  Desk() { resolver_.Add("key", key_method_); }

  Result<json> Answer(const json& request) {
    KEEL_TRY(const std::string op, base::GetString(request, "op"));
    if (op == "did") {
      KEEL_TRY(const crypto::PublicKey key, Public(request.at("key")));
      return json{{"did", did::DidKey(key)}, {"kid", did::DidKeyUrl(key)}};
    }
    if (op == "sd_jwt_issue") return IssueSd(request);
    if (op == "sd_jwt_present") return PresentSd(request);
    if (op == "sd_jwt_verify") return Verdict(vc::VerifySdJwt(Text(request), resolver_, Options(request)));
    if (op == "jwt_issue") {
      KEEL_TRY(const crypto::KeyHandle key, Private(request.at("key")));
      KEEL_TRY(std::string jwt, vc::IssueCredential(request.at("credential"), *store_, key, request.at("kid")));
      return json{{"token", std::move(jwt)}};
    }
    if (op == "jwt_verify") return Verdict(vc::VerifyCredential(Text(request), resolver_, Options(request)));
    if (op == "cose_issue") {
      KEEL_TRY(const crypto::KeyHandle key, Private(request.at("key")));
      KEEL_TRY(const base::ByteVec octets, vc::IssueCose(request.at("credential"), *store_, key, request.at("kid")));
      return json{{"token", base::Base64(octets)}};
    }
    if (op == "cose_verify") {
      KEEL_TRY(const base::ByteVec octets, base::FromBase64(Text(request)));
      return Verdict(vc::VerifyCose(AsText(octets), resolver_, Options(request)));
    }
    return Fail(Code::kUsage, "interop", "no operation '" + op + "'");
  }

 private:
  static std::string Text(const json& request) { return request.at("token").get<std::string>(); }

  Result<crypto::KeyHandle> Private(json jwk) {
    for (const char* name : {"alg", "kid", "key_ops", "ext", "use"}) jwk.erase(name);
    return crypto::ImportSecret(
        *store_,
        {{"id", "did:example:i#" + std::to_string(++keys_)}, {"type", "JsonWebKey2020"}, {"privateKeyJwk", jwk}});
  }

  Result<json> IssueSd(const json& request) {
    KEEL_TRY(const crypto::KeyHandle key, Private(request.at("key")));
    vc::SdJwtIssue issue;
    issue.kid = request.value("kid", "");
    issue.typ = request.value("typ", issue.typ);
    issue.concealed = request.at("concealed").get<std::vector<std::string>>();
    KEEL_TRY(issue.hash, vc::SdHashFromName(request.value("hash", "sha-256")));
    issue.decoys = request.value("decoys", size_t{0});
    if (request.contains("holder")) {
      KEEL_TRY(issue.holder, Public(request.at("holder")));
    }
    KEEL_TRY(std::string token, vc::IssueSdJwt(request.at("claims"), issue, crypto::SystemRandom(), *store_, key));
    return json{{"token", std::move(token)}};
  }

  Result<json> PresentSd(const json& request) {
    vc::KeyBinding binding;
    const bool bind = request.contains("key");
    if (bind) {
      KEEL_TRY(binding.key, Private(request.at("key")));
      binding.store = store_.get();
      binding.audience = request.at("audience");
      binding.nonce = request.at("nonce");
      binding.iat = request.at("iat").get<UnixSeconds>();
    }
    KEEL_TRY(std::string token, vc::PresentSdJwt(Text(request), request.at("reveal").get<std::vector<std::string>>(),
                                                 bind ? &binding : nullptr));
    return json{{"token", std::move(token)}};
  }

  static vc::VerifyOptions Options(const json& request) {
    vc::VerifyOptions options;
    options.now = request.at("now").get<UnixSeconds>();
    for (const json& jwk : request.value("given", json::array())) {
      if (auto key = Public(jwk)) options.given_keys.push_back(*key);
    }
    if (request.contains("nonce")) options.nonce = request.at("nonce").get<std::string>();
    if (request.contains("audience")) options.audience = request.at("audience").get<std::string>();
    return options;
  }

  static Result<json> Verdict(Result<vc::Verification> verification) {
    if (!verification) return std::unexpected<Error>(verification.error());
    json out = {{"verified", verification->valid()}, {"reason", verification->Reason()}};
    if (verification->valid()) {
      KEEL_TRY(out["document"], base::ParseJson(verification->credential.json));
    }
    return out;
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyMethod key_method_;
  did::MethodResolver resolver_;
  int keys_ = 0;
};

}  // namespace

int main() {
  crypto::SetUpHostedCrypto();
  Desk desk;
  for (std::string line; std::getline(std::cin, line);) {
    const auto request = base::ParseJson(line);
    Result<json> answer = request ? desk.Answer(*request) : Result<json>(std::unexpected<Error>(request.error()));
    const json out = answer ? *answer : json{{"error", answer.error().Text()}};
    std::printf("%s\n", base::DumpJson(out).c_str());
    std::fflush(stdout);
  }
  return 0;
}
