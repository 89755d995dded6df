// SPDX-License-Identifier: Apache-2.0
#include "cli/keys.h"

#include <CLI/CLI.hpp>

#include "base/files.h"

namespace keel::cli {
namespace {

Result<std::unique_ptr<crypto::SoftwareKeyStore>> OpenStore(const KeyFile& file, bool make) {
  base::SecretText secret;
  base::PassphraseOptions options = file.passphrase;
  options.confirm = make;
  const bool guarded = file.protect || options.fd >= 0 || !options.file.empty();
  if (guarded) {
    KEEL_TRY(secret, base::ReadPassphrase(options));
  }
  const auto protection = guarded ? crypto::Protection::kPassphrase : crypto::Protection::kNone;
  return make ? crypto::SoftwareKeyStore::Open(file.path, protection, secret.ExposeSecret())
              : crypto::SoftwareKeyStore::OpenToRead(file.path, protection, secret.ExposeSecret());
}

}  // namespace

void KeyFile::AddFlags(CLI::App& app) {
  app.add_flag("--passphrase", protect, "Ask for the passphrase of the key file (default: a 0600 file without one)");
  app.add_option("--passphrase-fd", passphrase.fd, "Read the passphrase from this descriptor");
  app.add_option("--passphrase-file", passphrase.file, "Read the passphrase from this 0600 file");
}

Result<std::unique_ptr<crypto::SoftwareKeyStore>> KeyFile::Create() const {
  if (base::FileExists(path)) return Fail(Code::kExists, "key file", path + " exists already; nothing was changed");
  return OpenStore(*this, true);
}

Result<std::unique_ptr<crypto::SoftwareKeyStore>> KeyFile::Open() const {
  if (!base::FileExists(path))
    return Fail(Code::kNotFound, "key file", path + " doesn't exist; `keel did create -o " + path + "` makes one");
  return OpenStore(*this, false);
}

}  // namespace keel::cli
