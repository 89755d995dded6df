// SPDX-License-Identifier: Apache-2.0
#include "custody/set_up.h"

#include "base/files.h"

namespace keel::custody {
namespace {

constexpr size_t kMaxNetworkFile = 4 << 20;

}  // namespace

Result<SetUp> SetUpIdentity(const std::string& data_dir, const std::string& net_file,
                            const base::KeyProtection& protection) {
  KEEL_TRY(const std::string net, base::ReadFile(net_file, kMaxNetworkFile));
  KEEL_TRY(const base::SecretText passphrase, base::NewPassphrase(protection));
  Identity::Options options;
  options.passphrase = passphrase.ExposeSecret();
  SetUp out;
  KEEL_TRY(out.identity, Identity::Create(data_dir, net, options));
  out.with_passphrase = !passphrase.empty();
  return out;
}

Result<base::SecretText> PassphraseOf(const std::string& data_dir, const base::PassphraseOptions& options) {
  KEEL_TRY(const bool guarded, Identity::NeedsPassphrase(data_dir));
  if (!guarded) return base::SecretText();
  return base::ReadPassphrase(options);
}

}  // namespace keel::custody
