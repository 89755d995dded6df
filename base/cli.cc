// SPDX-License-Identifier: Apache-2.0
#include "base/cli.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <termios.h>
#include <unistd.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/json_strict.h"
#include "core/secret.h"

namespace keel::base {
namespace {

constexpr size_t kMaxPassphrase = 1024;

// The first line, read octet by octet so that nothing stays in a stdio buffer and a descriptor is left after the
// newline.
Result<std::string> ReadLine(int fd, const std::string& from) {
  std::string line;
  line.reserve(kMaxPassphrase + 1);  // grows no further: no copies left behind in freed memory
  for (;;) {
    char c = 0;
    const ssize_t n = ::read(fd, &c, 1);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Code::kIo, "passphrase", "can't read " + from + ": " + strerror(errno));
    if (n == 0 || c == '\n') break;
    if (line.size() == kMaxPassphrase) {
      Wipe({reinterpret_cast<uint8_t*>(line.data()), line.size()});
      return Fail(Code::kTooLarge, "passphrase", from + " has over 1024 octets in its first line");
    }
    line += c;
  }
  if (line.ends_with('\r')) line.pop_back();
  if (line.empty()) return Fail(Code::kUsage, "passphrase", from + " gave an empty passphrase");
  return line;
}

Result<SecretText> Prompt(int terminal, const std::string& prompt) {
  static_cast<void>(!::write(terminal, prompt.data(), prompt.size()));
  termios before{};
  if (::tcgetattr(terminal, &before) != 0) return Fail(Code::kIo, "passphrase", strerror(errno));
  termios silent = before;
  silent.c_lflag &= ~static_cast<tcflag_t>(ECHO);
  ::tcsetattr(terminal, TCSAFLUSH, &silent);
  auto line = ReadLine(terminal, "the terminal");
  ::tcsetattr(terminal, TCSAFLUSH, &before);
  static_cast<void>(!::write(terminal, "\n", 1));
  if (!line) return std::unexpected<Error>(std::move(line.error()));
  return SecretText(std::move(*line));
}

}  // namespace

SecretText::SecretText(SecretText&& other) noexcept : text_(other.text_) { WipeString(other.text_); }

SecretText& SecretText::operator=(SecretText&& other) noexcept {
  if (this != &other) {
    WipeString(text_);
    text_ = other.text_;
    WipeString(other.text_);
  }
  return *this;
}

void SecretText::WipeString(std::string& text) {
  Wipe({reinterpret_cast<uint8_t*>(text.data()), text.size()});
  text.clear();
}

int ExitFor(const Error& error) {
  const auto code = static_cast<unsigned>(error.code);
  switch (error.code) {
    case Code::kUnreachable:
    case Code::kTimeout:
    case Code::kClosed:
    case Code::kUnavailable:
    case Code::kHttpStatus: return kExitUnreachable;
    // About keys and input rather than about what was checked.
    case Code::kNoSuchKey:
    case Code::kNoEntropy:
    case Code::kWrongPassphrase:
    case Code::kKeyStoreFailed:
    case Code::kInvalidDid:
    case Code::kInvalidDidUrl:
    case Code::kNotFound:
    case Code::kMethodNotSupported:
    case Code::kRepresentationNotSupported:
    case Code::kInternalError:
    case Code::kBusy:
    case Code::kWrongState: return kExitUsage;
    default: return code >= 40 && code < 200 ? kExitInvalid : kExitUsage;
  }
}

int ReportError(std::string_view program, const Error& error, bool json) {
  std::string line = error.Text();
  if (json) {
    line = DumpJson({{"error", {{"code", CodeName(error.code)}, {"message", line}}}});
  } else {
    for (char& c : line) {
      if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F)
        c = ' ';  // one line, and no terminal escapes from a stranger's text
    }
    line = std::string(program) + ": " + line;
  }
  std::fprintf(stderr, "%s\n", line.c_str());
  return ExitFor(error);
}

Result<SecretText> ReadPassphrase(const PassphraseOptions& options) {
  if (options.fd >= 0) {
    KEEL_TRY(std::string line, ReadLine(options.fd, "descriptor " + std::to_string(options.fd)));
    return SecretText(std::move(line));
  }
  if (!options.file.empty()) {
    const int fd = ::open(options.file.c_str(), O_RDONLY | O_CLOEXEC);
    if (fd < 0) return Fail(Code::kUsage, "passphrase", "can't open " + options.file + ": " + strerror(errno));
    struct stat info{};
    Result<std::string> line =
        Fail(Code::kUsage, "passphrase", options.file + " can be read by others; run: chmod 600 " + options.file);
    if (::fstat(fd, &info) == 0 && (!S_ISREG(info.st_mode) || (info.st_mode & 077) == 0))
      line = ReadLine(fd, options.file);
    ::close(fd);
    if (!line) return std::unexpected<Error>(std::move(line.error()));
    return SecretText(std::move(*line));
  }
  const int terminal = ::open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
  if (terminal < 0)
    return Fail(Code::kUsage, "passphrase",
                "there is no terminal to ask at; give --passphrase-fd N or --passphrase-file FILE (mode 0600)");
  auto first = Prompt(terminal, options.prompt);
  if (first && options.confirm) {
    auto second = Prompt(terminal, "Again: ");
    if (!second) {
      first = std::move(second);
    } else if (first->ExposeSecret() != second->ExposeSecret()) {
      first = Fail(Code::kUsage, "passphrase", "the two entries differ; start again");
    }
  }
  ::close(terminal);
  return first;
}

}  // namespace keel::base
