// SPDX-License-Identifier: Apache-2.0
#include "device-wallet/host/manufacture.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "crypto/keys.h"
#include "device-wallet/host/ports.h"
#include "device-wallet/host/slots.h"

namespace keel::device {
namespace {

using nlohmann::json;

constexpr size_t kMaxLine = 32 << 10;

// One line of standard input without its newline; kClosed at the end.
class Lines {
 public:
  Result<std::string> Next() {
    for (;;) {
      if (const size_t end = buffer_.find('\n'); end != std::string::npos) {
        std::string line = buffer_.substr(0, end);
        buffer_.erase(0, end + 1);
        return line;
      }
      if (buffer_.size() > kMaxLine) return Fail(Code::kTooLarge, "factory line", "more than 32 KiB without a newline");
      char chunk[4096];
      const ssize_t n = ::read(STDIN_FILENO, chunk, sizeof chunk);
      if (n < 0 && errno == EINTR) continue;
      if (n <= 0) return Fail(Code::kClosed, "factory line");
      buffer_.append(chunk, static_cast<size_t>(n));
    }
  }

 private:
  std::string buffer_;
};

Result<> Answer(const json& message) {
  const std::string line = base::DumpJson(message) + "\n";
  for (size_t done = 0; done < line.size();) {
    const ssize_t n = ::write(STDOUT_FILENO, line.data() + done, line.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return Fail(Code::kClosed, "factory line", std::strerror(errno));
    done += static_cast<size_t>(n);
  }
  return {};
}

Result<> Check(int status, const char* where) {
  if (status == KEEL_WALLET_OK) return {};
  return std::unexpected<Error>(WalletError(status, where));
}

template <size_t N>
std::string B64(const uint8_t (&octets)[N]) {
  return base::Base64Url(ByteView(octets, N));
}

Result<json> Begin(keel_wallet* wallet, const json& ask, uint8_t suite) {
  KEEL_TRY(const std::string label, base::GetString(ask, "label"));
  KEEL_TRY(const Bytes32 net, base::GetFixed<32>(ask, "net"));
  KEEL_TRY(const Bytes32 root_seal, base::GetFixed<32>(ask, "root_seal"));
  keel_wallet_factory_input input = {};
  input.size = sizeof input;
  input.network_label = label.c_str();
  std::memcpy(input.net, net.data(), net.size());
  std::memcpy(input.root_seal, root_seal.data(), root_seal.size());
  input.suite = suite;
  keel_wallet_factory_output output = {};
  output.size = sizeof output;
  KEEL_TRY_VOID(Check(keel_wallet_manufacture_begin(wallet, &input, &output), "begin"));
  KEEL_TRY(const crypto::PublicKey rp,
           crypto::PublicKey::FromMultikeyOctets({output.rendezvous_key, output.rendezvous_key_length}));
  return json{{"did", output.did},
              {"create", std::string(reinterpret_cast<const char*>(output.create), output.create_length)},
              {"salt", B64(output.salt)},
              {"rs", B64(output.rendezvous_secret)},
              {"rp", base::Multikey(rp)},
              {"next", output.next_key}};
}

Result<json> Prove(keel_wallet* wallet, const json& ask) {
  KEEL_TRY(const Bytes32 challenge, base::GetFixed<32>(ask, "challenge"));
  uint8_t signature[64];
  KEEL_TRY_VOID(Check(keel_wallet_manufacture_prove(wallet, challenge.data(), signature), "prove"));
  return json{{"signature", B64(signature)}};
}

Result<json> Stamp(keel_wallet* wallet, const json& ask) {
  KEEL_TRY(const std::string config, base::GetString(ask, "config"));
  KEEL_TRY(const base::ByteVec descriptor, base::GetBytes(ask, "descriptor"));
  KEEL_TRY(const std::string credential, base::GetString(ask, "credential"));
  KEEL_TRY(const std::string batch, base::GetString(ask, "batch"));
  const auto stamp = [&](keel_wallet_stamp_item item, ByteView data, const char* where) {
    return Check(keel_wallet_manufacture_stamp(wallet, item, data.data(), data.size()), where);
  };
  KEEL_TRY_VOID(stamp(KEEL_STAMP_CONFIG, AsBytes(config), "stamp config"));
  KEEL_TRY_VOID(stamp(KEEL_STAMP_DESCRIPTOR, descriptor, "stamp descriptor"));
  KEEL_TRY_VOID(stamp(KEEL_STAMP_CREDENTIAL, AsBytes(credential), "stamp credential"));
  KEEL_TRY_VOID(stamp(KEEL_STAMP_BATCH, AsBytes(batch), "stamp batch"));
  return json{{"ok", true}};
}

Result<json> ReadBack(keel_wallet* wallet) {
  keel_wallet_read_back read = {};
  read.size = sizeof read;
  KEEL_TRY_VOID(Check(keel_wallet_manufacture_read_back(wallet, &read), "read"));
  return json{{"did", read.did},
              {"config", B64(read.config_hash)},
              {"descriptor", B64(read.descriptor_hash)},
              {"credential", B64(read.credential_hash)},
              {"batch", B64(read.batch_hash)},
              {"root_seal", B64(read.root_seal)},
              {"create", B64(read.create_hash)}};
}

Result<json> Handle(keel_wallet* wallet, const std::string& line, uint8_t suite) {
  KEEL_TRY(const json ask, base::ParseJson(line));
  KEEL_TRY(const std::string op, base::GetString(ask, "op"));
  if (op == "begin") return Begin(wallet, ask, suite);
  if (op == "prove") return Prove(wallet, ask);
  if (op == "stamp") return Stamp(wallet, ask);
  if (op == "read") return ReadBack(wallet);
  if (op == "finalize") {
    KEEL_TRY_VOID(Check(keel_wallet_manufacture_finalize(wallet), "finalize"));
    return json{{"locked", true}};
  }
  return Fail(Code::kUnsupported, "factory request", "\"" + op + "\"; known are begin, prove, stamp, read, finalize");
}

}  // namespace

Result<> RunManufacture(const ManufactureOptions& options) {
  KEEL_TRY(const auto device, Device::Open({.dir = options.dir}, false));
  Slots::Image facts;
  facts.version = options.firmware_version;
  facts.sequence = options.firmware_sequence;
  const std::string image = "keel factory image " + options.firmware_version + "\n";
  KEEL_TRY_VOID(Slots::Install(options.dir, facts, AsBytes(image)));
  Lines lines;
  for (;;) {
    auto line = lines.Next();
    if (!line) {
      if (line.error().code == Code::kClosed) return {};
      return std::unexpected<Error>(line.error());
    }
    auto answer = Handle(device->wallet(), *line, options.suite);
    if (!answer) {
      const std::string did = device->Info().did;
      json error = {{"code", CodeName(answer.error().code)}, {"message", answer.error().Text()}};
      if (!did.empty()) error["did"] = did;
      answer = json{{"error", std::move(error)}};
    }
    KEEL_TRY_VOID(Answer(*answer));
  }
}

}  // namespace keel::device
