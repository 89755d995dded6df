// SPDX-License-Identifier: Apache-2.0
#pragma once

#include "base/cli.h"

namespace keel::base {

// How a command line says what protects the keys that it makes, the same in every program: --passphrase-fd N,
// --passphrase-file F, neither (a prompt at the terminal), or --unprotected-keys.
struct KeyProtection {
  PassphraseOptions passphrase;
  bool unprotected = false;
};

// The passphrase for keys that are made now, asked for twice at a terminal; empty when `unprotected`: never because
// nothing was said. kUsage, with the ways named, when there is nothing to take one from, or both were said.
Result<SecretText> NewPassphrase(const KeyProtection& protection);

}  // namespace keel::base
