// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "ledger/descriptor.h"
#include "registry-client/registry_client.h"

namespace keel::registry_client {
namespace {

Result<base::ByteVec> BytesFrom(const nlohmann::json& value) {
  if (!value.is_string()) return Fail(Code::kMalformed, "network file", "epochs are base64url strings");
  return base::FromBase64Url(value.get_ref<const std::string&>());
}

}  // namespace

Result<NetworkFile> ParseNetworkFile(std::string_view text) {
  KEEL_TRY(const nlohmann::json json, base::ParseJson(text));
  KEEL_TRY(const uint64_t v, base::GetUint(json, "v"));
  if (v != 1) return Fail(Code::kUnknownVersion, "network file", "version " + std::to_string(v) + " is not known here");
  NetworkFile file;
  KEEL_TRY(file.genesis, base::GetBytes(json, "genesis"));
  file.net = ledger::DescriptorHash(file.genesis);
  KEEL_TRY(const std::string net, base::GetString(json, "net"));
  if (net != base::Hex(file.net))
    return Fail(Code::kWrongNetwork, "network file", "net is not the hash of the genesis descriptor");
  KEEL_TRY(ledger::Descriptor current, ledger::ParseDescriptor(file.genesis));
  if (current.epoch != 0) return Fail(Code::kWrongEpoch, "network file", "the genesis descriptor must be epoch 0's");
  file.label = std::string(current.label);
  file.current = file.genesis;
  std::array<char, ledger::kMaxWords> words;
  KEEL_TRY(const size_t n, ledger::NetWords(file.net, words));
  file.words.assign(words.data(), n);

  KEEL_TRY(const nlohmann::json* epochs, base::GetArray(json, "epochs"));
  file.epochs.reserve(epochs->size());
  for (const nlohmann::json& item : *epochs) {
    KEEL_TRY(base::ByteVec octets, BytesFrom(item));
    file.epochs.push_back(std::move(octets));
    KEEL_TRY(const ledger::EpochBundle bundle, ledger::ParseEpochBundle(file.epochs.back()));
    KEEL_TRY(const ledger::Descriptor next, ledger::ParseDescriptor(bundle.descriptor));
    KEEL_TRY_VOID(ledger::VerifyTransition(current, next, file.net, bundle.sigs_of_current, bundle.sigs_of_next));
    current = next;
    file.current.assign(bundle.descriptor.begin(), bundle.descriptor.end());
  }
  file.current_epoch = current.epoch;
  KEEL_TRY(file.endpoints, base::GetStrings(json, "endpoints"));
  return file;
}

std::string FormatNetworkFile(const NetworkFile& file) {
  nlohmann::json epochs = nlohmann::json::array();
  for (const auto& octets : file.epochs) epochs.push_back(base::Base64Url(octets));
  const nlohmann::json json = {{"v", 1},
                               {"label", file.label},
                               {"net", base::Hex(file.net)},
                               {"words", file.words},
                               {"genesis", base::Base64Url(file.genesis)},
                               {"epochs", epochs},
                               {"endpoints", file.endpoints}};
  return base::DumpJsonPretty(json) + "\n";
}

}  // namespace keel::registry_client
