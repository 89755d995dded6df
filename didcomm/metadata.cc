// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "did/jose.h"
#include "didcomm/unpack.h"

namespace keel::didcomm {

using nlohmann::json;

json MetadataJson(const Metadata& metadata) {
  const auto text = [](const std::string& value) { return value.empty() ? json(nullptr) : json(value); };
  json from_prior = nullptr;
  if (const auto jws = did::Jws::Parse(metadata.from_prior_jwt)) {
    if (auto claims = base::ParseJson(jws->payload)) from_prior = std::move(*claims);
  }
  json signed_message = nullptr;
  if (auto parsed = base::ParseJson(metadata.signed_message, {.max_size = 2 * kMaxMessage}))
    signed_message = std::move(*parsed);
  return {{"encrypted", metadata.encrypted},
          {"authenticated", metadata.authenticated},
          {"non_repudiation", metadata.non_repudiation},
          {"anonymous_sender", metadata.anonymous_sender},
          {"re_wrapped_in_forward", metadata.re_wrapped_in_forward},
          {"encrypted_from_kid", text(metadata.encrypted_from)},
          {"encrypted_to_kids", metadata.encrypted_to},
          {"sign_from_kid", text(metadata.sign_from)},
          {"sign_from_kids", metadata.signers},
          {"from_prior_issuer_kid", text(metadata.from_prior_issuer_kid)},
          {"enc_alg_auth", text(metadata.enc_alg_auth)},
          {"enc_alg_anon", text(metadata.enc_alg_anon)},
          {"sign_alg", text(metadata.sign_alg)},
          {"signed_message", std::move(signed_message)},
          {"from_prior", std::move(from_prior)}};
}

}  // namespace keel::didcomm
