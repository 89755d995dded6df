// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "cli/world.h"

namespace CLI {
class App;
}

namespace keel::cli {

// The flags of `keel did create`.
struct DidCreateFlags {
  std::string method = "key";
  std::string type = "ed25519";      // of the key that signs (key, jwk: of the one key)
  std::string agreement = "x25519";  // of the key that agrees (peer, web)
  int numalgo = 2;                   // peer
  std::string use;                   // jwk: sig, enc, or both
  std::string url;                   // web: where the document will stand
  std::string document;              // web: file for it
  std::string request;               // keel: file for what a member needs
  std::vector<std::string> services;
  std::string network;  // keel: its join file
  KeyFile key;
  bool json = false;
  Result<> fits;  // whether the flags that were given belong to the method

  void Add(CLI::App& app);
};

// Makes keys and a DID of them. Nothing half-made stays behind. The exit status.
Result<int> CreateDid(const DidCreateFlags& flags);

// "Ed25519", "P-256", ...
const char* KeyTypeName(crypto::KeyType type);

}  // namespace keel::cli
