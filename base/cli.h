// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "core/result.h"

// What every program's command line shares (design.md section 6).
namespace keel::base {

enum ExitCode : int {
  kExitDone = 0,         // done, or valid
  kExitInvalid = 1,      // checked and found invalid
  kExitUsage = 2,        // wrong usage or unreadable input
  kExitUnreachable = 3,  // a service could not be reached
  kExitPartly = 4,       // done in part
};

// The exit status that fits an error: verification failures 1, services that can't be reached 3, the rest 2.
int ExitFor(const Error& error);

// One line on stderr, "keel-issuer: where: what (code)", or with json {"error":{"code","message"}}. Gives
// ExitFor(error).
int ReportError(std::string_view program, const Error& error, bool json = false);

// Text that is wiped when it goes; no formatter.
class SecretText {
 public:
  SecretText() = default;
  explicit SecretText(std::string&& text) : text_(std::move(text)) { WipeString(text); }
  SecretText(SecretText&& other) noexcept;
  SecretText& operator=(SecretText&& other) noexcept;
  ~SecretText() { WipeString(text_); }
  std::string_view ExposeSecret() const { return text_; }
  bool empty() const { return text_.empty(); }

 private:
  static void WipeString(std::string& text);
  std::string text_;
};

// Where a person's passphrase comes from: a descriptor (--passphrase-fd), a 0600 file (--passphrase-file, kUsage when
// others may read it), else a prompt on the terminal without echo (twice with confirm). Never the command line or the
// environment. The first line counts, 1..1024 octets. kUsage when there is no terminal.
struct PassphraseOptions {
  int fd = -1;
  std::string file;
  std::string prompt = "Passphrase: ";
  bool confirm = false;
};
Result<SecretText> ReadPassphrase(const PassphraseOptions& options);

}  // namespace keel::base
