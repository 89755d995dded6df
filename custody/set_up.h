// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <memory>
#include <string>

#include "base/key_protection.h"
#include "custody/identity.h"

// What the programs of all roles do alike with the keys of their identity: set up with a passphrase unless its lack was
// asked for by name, opened with the one that it was set up with.
namespace keel::custody {

// Identity::Create in `data_dir` for the registry whose join file is `net_file`, protected as said. Its errors,
// base::NewPassphrase's, and those of reading the file.
struct SetUp {
  std::unique_ptr<Identity> identity;
  bool with_passphrase = false;
};
Result<SetUp> SetUpIdentity(const std::string& data_dir, const std::string& net_file,
                            const base::KeyProtection& protection);

// The passphrase that Identity::Open wants: empty, and nobody is asked, when keys.keel has none. kNotFound (the text
// says to run init), kUsage.
Result<base::SecretText> PassphraseOf(const std::string& data_dir, const base::PassphraseOptions& options);

}  // namespace keel::custody
