// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "base/config.h"
#include "base/role.h"

// What keel-registry's verbs do, without the command line (main.cc). Errors are sentences for people.
namespace keel::registry {

std::vector<base::Config::Key> ConfigKeys();

struct InitOptions {
  std::string label = "keel-local";
  std::string member = "member-1";
  std::string listen = "127.0.0.1:7800";
  std::string public_url;       // what others reach it by; a hint in the descriptor
  std::string root_keys;        // folder for the offline root keys; empty: DATA/root-keys
  std::string root_passphrase;  // seals them (Argon2id); empty: under a random key in a 0600 file
};
struct InitResult {
  std::string net, words, config_file, data_dir, root_keys;
};
// Writes configuration, keys and the genesis descriptor, once: kExists when there is one already.
Result<InitResult> Init(const base::RolePaths& paths, const InitOptions& options);

// A running registry node: store, node, rendezvous, time, public API, control socket.
class Service {
 public:
  struct Options {
    std::string listen;  // replaces the configuration's when not empty
  };
  static Result<std::unique_ptr<Service>> Start(const base::RolePaths& paths, const Options& options);
  ~Service();
  const std::string& url() const;
  nlohmann::json Status() const;

 private:
  struct Impl;
  explicit Service(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// net.keel's text: from the running service, or from the files when it doesn't run (`url` "" then, unless configured).
Result<std::string> NetworkFileText(const base::RolePaths& paths);

// One finding of doctor.
struct Finding {
  bool ok = true;
  std::string what;    // what was looked at
  std::string advice;  // what to change, or to think of
};
std::vector<Finding> Doctor(const base::RolePaths& paths);

}  // namespace keel::registry
