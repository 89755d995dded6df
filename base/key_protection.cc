// SPDX-License-Identifier: Apache-2.0
#include "base/key_protection.h"

namespace keel::base {

Result<SecretText> NewPassphrase(const KeyProtection& protection) {
  PassphraseOptions options = protection.passphrase;
  const bool given = options.fd >= 0 || !options.file.empty();
  if (protection.unprotected) {
    if (given) return Fail(Code::kUsage, "passphrase", "--unprotected-keys and a passphrase exclude each other");
    return SecretText();
  }
  options.confirm = true;
  auto text = ReadPassphrase(options);
  if (!text && !given)
    text.error().detail += ", or --unprotected-keys: keys that whoever reads their 0600 files can use";
  return text;
}

}  // namespace keel::base
