// SPDX-License-Identifier: Apache-2.0
// The library's Data Integrity behind one JSON request a line, for run_proofs.py.
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/methods/key.h"
#include "vc/data_integrity/derive.h"
#include "vc/data_integrity/proof.h"
#include "vc/data_integrity/verify.h"

namespace {

using namespace keel;
using nlohmann::json;

class Desk {
 public:
  // The caller is this folder's script: a member that is missing ends the program.
  Result<json> Answer(const json& request) {
    const std::string op = request.at("op");
    if (op == "key") return Key(request.at("curve"));
    if (op == "issue") return Issue(request);
    if (op == "derive") {
      KEEL_TRY(json document,
               vc::Derive(request.at("document"), request.at("pointers").get<std::vector<std::string>>()));
      return json{{"document", std::move(document)}};
    }
    if (op == "verify") return Verify(request);
    return Fail(Code::kUsage, "interop", op);
  }

 private:
  Result<json> Key(const std::string& curve) {
    const auto type = curve == "P-256"   ? crypto::KeyType::kP256
                      : curve == "P-384" ? crypto::KeyType::kP384
                                         : crypto::KeyType::kEd25519;
    KEEL_TRY(const crypto::KeyHandle key, store_->Generate(type));
    KEEL_TRY(const crypto::PublicKey public_key, store_->Public(key));
    const std::string multikey = base::Multikey(public_key), did = "did:key:" + multikey;
    KEEL_TRY_VOID(store_->SetLabel(key, did));
    return json{{"did", did}, {"method", did + "#" + multikey}};
  }

  Result<json> Issue(const json& request) {
    KEEL_TRY(const crypto::KeyHandle key, store_->FindLabel(request.at("did")));
    vc::ProofOptions options;
    KEEL_TRY(options.cryptosuite, vc::CryptosuiteFromName(request.at("suite").get<std::string>()));
    options.verification_method = request.at("method");
    options.created = request.at("now").get<UnixSeconds>();
    options.mandatory_pointers = request.value("mandatory", std::vector<std::string>());
    KEEL_TRY(json document, vc::AddProof(request.at("document"), options, *store_, key));
    return json{{"document", std::move(document)}};
  }

  Result<json> Verify(const json& request) {
    vc::VerifyOptions options;
    options.now = request.at("now").get<UnixSeconds>();
    KEEL_TRY(const vc::Verification verification,
             vc::VerifyDataIntegrity(base::DumpJson(request.at("document")), resolver_, options));
    return json{{"verified", verification.valid()}, {"reason", verification.Reason()}};
  }

  std::unique_ptr<crypto::SoftwareKeyStore> store_ = crypto::SoftwareKeyStore::CreateInMemory();
  did::KeyMethod resolver_;
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
