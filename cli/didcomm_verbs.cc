// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/verbs.h"
#include "cli/world.h"
#include "crypto/signature.h"
#include "did/did.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"

namespace keel::cli {
namespace {

using nlohmann::json;
constexpr const char* kProgram = "keel didcomm";

struct Flags {
  WorldFlags world;
  std::string mode, from, sign_by, at;
  std::vector<std::string> to;
  bool protect_sender = false;
};

Result<int> Pack(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(didcomm::kMaxMessage));
  KEEL_TRY(const auto world, World::Open(flags.world));
  KEEL_TRY(json object, base::ParseJson(input));
  // What the command line says anyway needn't be written twice; what is written is not changed.
  if (object.is_object()) {
    if (!object.contains("id")) object["id"] = didcomm::NewMessageId();
    if (!object.contains("body")) object["body"] = json::object();
    if (!object.contains("from") && !flags.from.empty()) object["from"] = did::DidOf(flags.from);
    if (!object.contains("to") && !flags.to.empty()) {
      for (const std::string& to : flags.to) object["to"].push_back(did::DidOf(to));
    }
  }
  KEEL_TRY(const didcomm::Message message, didcomm::Message::Parse(base::DumpJson(object)));
  didcomm::PackOptions options;
  options.sign_by = flags.sign_by;
  options.protect_sender = flags.protect_sender;
  Result<didcomm::Packed> packed;
  if (flags.mode == "plaintext") {
    packed = didcomm::PackPlaintext(message);
  } else if (flags.mode == "signed") {
    const std::string by = !flags.sign_by.empty() ? flags.sign_by : !flags.from.empty() ? flags.from : message.from;
    packed = didcomm::PackSigned(message, by, world->keys(), world->resolver());
  } else {
    if (flags.to.size() != 1)
      return Fail(Code::kUsage, "pack", "an encrypted message goes to one recipient: --to DID, once");
    if (flags.mode == "anoncrypt") {
      packed = didcomm::PackAnoncrypt(message, flags.to[0], world->keys(), world->resolver(), options);
    } else {
      const std::string from = flags.from.empty() ? message.from : flags.from;
      if (from.empty()) return Fail(Code::kUsage, "pack", "authcrypt needs a sender: --from DID");
      packed = didcomm::PackAuthcrypt(message, from, flags.to[0], world->keys(), world->resolver(), options);
    }
  }
  if (!packed) return std::unexpected<Error>(std::move(packed.error()));
  std::printf("%s\n", packed->text.c_str());
  return base::kExitDone;
}

json TextOrNull(const std::string& text) { return text.empty() ? json() : json(text); }

json MetadataJson(const didcomm::Metadata& m) {
  return {{"encrypted", m.encrypted},
          {"authenticated", m.authenticated},
          {"non_repudiation", m.non_repudiation},
          {"anonymous_sender", m.anonymous_sender},
          {"encrypted_from_kid", TextOrNull(m.encrypted_from)},
          {"encrypted_to_kids", m.encrypted_to},
          {"sign_from_kid", TextOrNull(m.sign_from)},
          {"from_prior_issuer_kid", TextOrNull(m.from_prior_issuer_kid)},
          {"enc_alg_auth", TextOrNull(m.enc_alg_auth)},
          {"enc_alg_anon", TextOrNull(m.enc_alg_anon)},
          {"sign_alg", TextOrNull(m.sign_alg)}};
}

Result<int> Unpack(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(4 * didcomm::kMaxMessage));
  KEEL_TRY(const auto world, World::Open(flags.world));
  didcomm::UnpackOptions options;
  KEEL_TRY(options.now, TimeOf(flags.at));
  const auto unpacked = didcomm::Unpack(input, world->keys(), world->resolver(), options);
  if (!unpacked) {
    // A message that is refused was checked and found invalid, whatever was wrong with it; unless the check itself
    // could not be made.
    const int status = base::ReportError(kProgram, unpacked.error(), true);
    return status == base::kExitUnreachable ? status : static_cast<int>(base::kExitInvalid);
  }
  KEEL_TRY(const json message, base::ParseJson(unpacked->plaintext));
  std::printf("%s\n", base::DumpJson({{"message", message}, {"metadata", MetadataJson(unpacked->metadata)}}).c_str());
  return base::kExitDone;
}

}  // namespace

int RunDidcomm(int argc, char** argv) {
  Flags flags;
  CLI::App app{"Packs and unpacks DIDComm v2 messages: standard input to standard output.", kProgram};
  app.require_subcommand(1);
  app.footer(
      "Exit status: 0 done, 1 the message is refused ({\"error\":{\"code\",\"message\"}} on standard error), 2 wrong "
      "usage or input,\n"
      "3 a registry could not be reached.\n"
      "Examples: echo '{\"type\":\"https://example.org/hello/1.0/hi\",\"body\":{}}' |\n"
      "            keel didcomm pack --mode authcrypt --from did:peer:2... --to did:peer:2... --key me.key > "
      "message.json\n"
      "          keel didcomm unpack --key you.key < message.json");
  CLI::App* pack = app.add_subcommand("pack", "Plaintext message in, envelope out");
  pack->add_option("--mode", flags.mode, "plaintext, signed, anoncrypt or authcrypt")
      ->required()
      ->check(CLI::IsMember({"plaintext", "signed", "anoncrypt", "authcrypt"}));
  pack->add_option("--from", flags.from, "Sender: DID, or the DID URL of its key (default: the message's from)");
  pack->add_option("--to", flags.to, "Recipient: DID, or the DID URL of its key");
  pack->add_option("--sign-by", flags.sign_by, "Sign (inside the encryption) by this key's DID URL");
  pack->add_flag("--protect-sender", flags.protect_sender, "authcrypt: hide the sender's key in an anoncrypt layer");
  CLI::App* unpack = app.add_subcommand("unpack", "Envelope in, {\"message\", \"metadata\"} out");
  unpack->add_option("--at", flags.at, "Judge expiry at this time (RFC 3339 or seconds since 1970; default: now)");
  for (CLI::App* sub : {pack, unpack}) {
    flags.world.AddResolver(*sub);
    flags.world.AddKeys(*sub);
  }
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? base::kExitDone : base::kExitUsage;
  }
  crypto::SetUpHostedCrypto();
  const Result<int> status = pack->parsed() ? Pack(flags) : Unpack(flags);
  return status ? *status : base::ReportError(kProgram, status.error(), flags.world.json);
}

}  // namespace keel::cli
