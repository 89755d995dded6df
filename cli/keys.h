// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/cli.h"
#include "crypto/hosted/software_key_store.h"

namespace CLI {
class App;
}

namespace keel::cli {

// A key file of the toolbox: a software key store (docs/formats/key-store.md), protected by a passphrase or, by the
// user's word, not.
struct KeyFile {
  std::string path;
  base::PassphraseOptions passphrase;
  bool protect = false;  // a passphrase is to be asked for

  // The flags --passphrase, --passphrase-fd, --passphrase-file.
  void AddFlags(CLI::App& app);
  // Makes the file, which must not exist (kExists).
  Result<std::unique_ptr<crypto::SoftwareKeyStore>> Create() const;
  // To use its keys, not to change them: others may have it open too. kNotFound, kWrongPassphrase.
  Result<std::unique_ptr<crypto::SoftwareKeyStore>> Open() const;
};

}  // namespace keel::cli
