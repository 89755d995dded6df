// SPDX-License-Identifier: Apache-2.0
#include "cli/vc/signing.h"

#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"

namespace keel::cli {

void SigningFlags::AddForm(CLI::App& app, const std::vector<std::string_view>& forms, const char* by_default) {
  form = by_default;
  std::string known;
  for (const std::string_view one : forms) known += (known.empty() ? "" : ", ") + std::string(one);
  app.add_option("--form", form, "How to secure it: " + known)->capture_default_str();
  app.add_option("--kid", kid, "The signing key's DID URL (default: the first of its owner's keys that is ours)");
}

void SigningFlags::AddProof(CLI::App& app) {
  app.add_option("--created", created, "When the proof or token is made (default: --now)")->type_name("TIME");
  app.add_option("--expires", expires, "When it stops being good, whatever the credential says")->type_name("TIME");
  app.add_option("--proof-id", proof_id, "Data Integrity: the proof's id, a URL")->type_name("URL");
  app.add_option("--previous-proof", previous_proof,
                 "Data Integrity: id of a proof in the input that the new one follows (repeat)")
      ->type_name("URL")
      ->expected(1)
      ->take_all();
}

Result<> SigningFlags::Fill(vc::SecureOptions& options, World& world, const std::string& party, did::Relationship use,
                            const std::string& at) const {
  options.form = form;
  KEEL_TRY(const World::Acting acting, world.KeyFor(party, kid, use));
  options.kid = acting.kid;
  options.store = acting.key.store;
  options.key = acting.key.handle;
  KEEL_TRY(options.created, TimeOf(created.empty() ? at : created));
  if (!expires.empty()) {
    KEEL_TRY(options.expires, TimeOf(expires));
  }
  options.proof_id = proof_id;
  options.previous_proof = previous_proof;
  return {};
}

void PrintSecured(const vc::Secured& secured, bool as_json) {
  const bool cbor = secured.media_type.ends_with("+cose");
  if (!as_json) {
    std::fwrite(secured.octets.data(), 1, secured.octets.size(), stdout);
    if (!cbor) std::fputc('\n', stdout);
    return;
  }
  nlohmann::json out = {{"form", secured.form}, {"mediaType", secured.media_type}};
  auto document = secured.octets.starts_with('{') ? base::ParseJson(secured.octets, {.max_size = size_t{64} << 20})
                                                  : Result<nlohmann::json>(nlohmann::json());
  if (cbor) {
    out["credential"] = base::Base64(AsBytes(secured.octets));
  } else if (document && document->is_object()) {
    out["credential"] = std::move(*document);
  } else {
    out["credential"] = secured.octets;
  }
  std::printf("%s\n", base::DumpJson(out).c_str());
}

}  // namespace keel::cli
