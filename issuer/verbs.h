// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string>
#include <vector>

#include "base/role.h"
#include "core/result.h"

// What the verbs of keel-issuer do, apart from reading the command line (main.cc).
namespace keel::issuer {

struct Flags {
  std::string data;
  bool json = false;
  std::string passphrase_file;
  int passphrase_fd = -1;
  // init, serve
  std::string registry_file, name, vendor, listen, public_url;
  std::vector<std::string> registry;
  bool unprotected_keys = false;
  int ready_fd = -1;
  // manufacture
  std::string csv, devices_dir, device_command;
  uint64_t count = 0, parallel = 64;
  int events_fd = -1;
  // revoke, rotate-key
  std::string device, reason;  // and single-use
  uint64_t since = 0;
  bool has_since = false;
  // single-use
  std::string keys_file;
  uint64_t days = 365;
  // firmware release
  std::string file, model, version, out;
  uint64_t sequence = 0;
  // schema, definition
  std::string id, author;
};

// Each gives the program's exit status, having printed its result or its error.
int RunInit(const base::RolePaths& paths, const Flags& flags);
int RunServe(const base::RolePaths& paths, const Flags& flags);
int RunManufacture(const base::RolePaths& paths, const Flags& flags);
int RunRevoke(const base::RolePaths& paths, const Flags& flags);
int RunSingleUse(const base::RolePaths& paths, const Flags& flags);
int RunRotateKey(const base::RolePaths& paths, const Flags& flags);
int RunRelease(const base::RolePaths& paths, const Flags& flags);
int RunSchemaPublish(const base::RolePaths& paths, const Flags& flags);
int RunSchemaShow(const base::RolePaths& paths, const Flags& flags);
int RunDefinitionPublish(const base::RolePaths& paths, const Flags& flags);
int RunDefinitionShow(const base::RolePaths& paths, const Flags& flags);
int RunStatus(const base::RolePaths& paths, const Flags& flags);
int RunDoctor(const base::RolePaths& paths, const Flags& flags);
int RunList(const base::RolePaths& paths, const Flags& flags);

}  // namespace keel::issuer
