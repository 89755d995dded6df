// SPDX-License-Identifier: Apache-2.0
// A device for tests of the station: speaks the factory protocol (docs/protocols/factory.md) over stdin and stdout,
// keeps its state in DIR/device.json, and misbehaves as the file DIR/../script-SERIAL says, each line once: "die OP"
// ends before answering OP, "die-after OP" after acting, "lie MEMBER" reads back something else, "thief" proves with
// another key, "wrong-seal" commits to another seal.
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>

#include "base/files.h"
#include "base/json_strict.h"
#include "crypto/hash.h"
#include "crypto/hosted/software_key_store.h"
#include "crypto/signature.h"
#include "did/methods/keel.h"
#include "ledger/seal.h"

namespace {

using namespace keel;
using nlohmann::json;

struct Device {
  std::string folder, serial;
  std::unique_ptr<crypto::SoftwareKeyStore> keys;
  json state = json::object();

  void Load() {
    if (const auto text = base::ReadFile(folder + "/device.json"); text) state = *base::ParseJson(*text);
    keys = std::move(*crypto::SoftwareKeyStore::Open(folder + "/keys", crypto::Protection::kNone, ""));
  }
  void Save() { (void)base::WriteFileAtomic(folder + "/device.json", base::DumpJson(state), 0600); }

  // Whether the script says so; a line is used once.
  bool Scripted(const std::string& what) {
    const std::string path = folder + "/../script-" + serial;  // one process a file
    std::ifstream in(path);
    std::string line, rest;
    bool found = false;
    while (std::getline(in, line)) {
      if (!found && line == what) {
        found = true;
      } else {
        rest += line + "\n";
      }
    }
    if (found) std::ofstream(path) << rest;
    return found;
  }

  json Refuse(const char* code, const std::string& message) const {
    json error = {{"code", code}, {"message", message}};
    if (state.contains("did")) error["did"] = state["did"];
    return {{"error", error}};
  }

  json Begin(const json& ask) {
    if (state.contains("did")) {
      if (state["root_seal"] != ask["root_seal"] || state["net"] != ask["net"])
        return Refuse("wrong_state", "begun with another seal");
    } else {
      const auto auth = *keys->Generate(crypto::KeyType::kEd25519);
      (void)keys->SetLabel(auth, "auth");
      const auto next = *keys->Generate(crypto::KeyType::kEd25519);
      ByteArray<16> salt{};
      Bytes32 rs{};
      (void)crypto::SystemRandom().Fill(salt);
      (void)crypto::SystemRandom().Fill(rs);
      did::KeelCreate create;
      create.label = ask["label"];
      create.net = *base::FixedFromBase64Url<32>(ask["net"].get<std::string>());
      create.keys = {{"auth", 3, {keys.get(), auth}}};
      create.next = {*keys->Public(next)};
      create.seal0 =
          ledger::RootSealCommitment(salt, *base::FixedFromBase64Url<32>(ask["root_seal"].get<std::string>()));
      if (Scripted("wrong-seal")) create.seal0 = Bytes32{1};
      const auto made = *did::CreateKeelDid(create, crypto::SystemRandom());
      state = {{"did", made.did},
               {"create", base::ToString(made.jws)},
               {"salt", base::Base64Url(salt)},
               {"rs", base::Base64Url(rs)},
               {"rp", base::Multikey(*keys->Public(*keys->Generate(crypto::KeyType::kX25519)))},
               {"root_seal", ask["root_seal"]},
               {"net", ask["net"]}};
      Save();
    }
    json out = json::object();
    for (const char* member : {"did", "create", "salt", "rs", "rp"}) out[member] = state[member];
    return out;
  }

  json Answer(const json& ask) {
    const std::string op = ask["op"];
    if (state.value("locked", false)) return Refuse("locked", "factory mode is over");
    if (op == "begin") return Begin(ask);
    if (op == "prove") {
      base::ByteVec message = base::ToBytes(std::string_view("keel-station/1\n"));
      const auto challenge = *base::FromBase64Url(ask["challenge"].get<std::string>());
      message.insert(message.end(), challenge.begin(), challenge.end());
      const auto key = Scripted("thief") ? *keys->Generate(crypto::KeyType::kEd25519) : *keys->FindLabel("auth");
      Bytes64 signature{};
      (void)keys->Sign(key, message, signature);
      return {{"signature", base::Base64Url(signature)}};
    }
    if (op == "stamp") {
      for (const char* member : {"config", "descriptor", "credential", "batch"}) state[member] = ask[member];
      Save();
      return {{"ok", true}};
    }
    if (op == "read") {
      json out = {{"did", state["did"]}, {"root_seal", state["root_seal"]}};
      for (const char* member : {"config", "credential", "batch", "create"})
        out[member] = base::Base64Url(crypto::Sha256::Of(state[member].get<std::string>()));
      out["descriptor"] =
          base::Base64Url(crypto::Sha256::Of(ByteView(*base::FromBase64Url(state["descriptor"].get<std::string>()))));
      for (const char* member : {"config", "descriptor", "credential", "batch", "create", "root_seal", "did"})
        if (Scripted(std::string("lie ") + member)) out[member] = base::Base64Url(Bytes32{});
      return out;
    }
    if (op == "finalize") {
      state["locked"] = true;
      Save();
      return {{"locked", true}};
    }
    return Refuse("unsupported", op);
  }
};

}  // namespace

int main(int argc, char** argv) {
  crypto::SetUpHostedCrypto();
  if (argc != 4) return 2;
  Device device;
  device.folder = argv[3];
  device.serial = std::filesystem::path(device.folder).filename().string();
  device.Load();
  std::string line;
  while (std::getline(std::cin, line)) {
    const json ask = *base::ParseJson(line);
    const std::string op = ask["op"];
    if (device.Scripted("die " + op)) _Exit(9);
    const json answer = device.Answer(ask);
    if (device.Scripted("die-after " + op)) _Exit(9);
    std::cout << base::DumpJson(answer) << std::endl;
  }
  return 0;
}
