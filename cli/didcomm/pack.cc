// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/clock.h"
#include "base/json_strict.h"
#include "cli/didcomm/verbs.h"
#include "cli/text.h"
#include "did/did.h"
#include "didcomm/routing.h"

namespace keel::cli {
namespace {

using nlohmann::json;

struct Flags {
  WorldFlags world;
  OutgoingFlags outgoing;
  bool forward = false;
  std::string at;
};

// The envelope as the first mediator on the recipient's preferred way gets it; where that is, on standard error.
Result<std::string> Forwarded(const didcomm::Message& message, const std::string& packed, const Flags& flags,
                              World& world) {
  const std::vector<std::string>& to = flags.outgoing.to.empty() ? message.to : flags.outgoing.to;
  if (flags.outgoing.mode != "authcrypt" && flags.outgoing.mode != "anoncrypt")
    return Fail(Code::kUsage, "--forward", "only encrypted messages go through mediators");
  if (to.size() != 1) return Fail(Code::kUsage, "--forward", "a forward has one recipient: --to DID, once");
  didcomm::RouteOptions options;
  options.expires_time = message.expires_time;
  KEEL_TRY(std::vector<didcomm::Delivery> ways, didcomm::Route(packed, to[0], world.resolver(), options));
  for (const std::string& uri : ways[0].uris) std::fprintf(stderr, "For %s\n", Printable(uri).c_str());
  return std::move(ways[0].envelope);
}

Result<int> Pack(const Flags& flags) {
  std::string input;
  if (flags.outgoing.type.empty()) {
    KEEL_TRY(input, ReadInput(didcomm::kMaxMessage));
  }
  KEEL_TRY(const didcomm::Message message, OutgoingMessage(flags.outgoing, input));
  KEEL_TRY(const auto world, World::Open(flags.world));
  KEEL_TRY(const didcomm::Packed packed, PackOutgoing(message, flags.outgoing, *world));
  std::string envelope = packed.text;
  if (flags.forward) {
    KEEL_TRY(envelope, Forwarded(message, packed.text, flags, *world));
  }
  std::printf("%s\n", envelope.c_str());
  return base::kExitDone;
}

Result<int> Unpack(const Flags& flags) {
  KEEL_TRY(const std::string input, ReadInput(2 * didcomm::kMaxMessage));
  KEEL_TRY(const auto world, World::Open(flags.world));
  didcomm::UnpackOptions options;
  KEEL_TRY(options.now, TimeOf(flags.at));
  const auto unpacked = didcomm::UnpackForwarded(input, world->keys(), world->resolver(), options);
  if (!unpacked) {
    // A message that is refused was checked and found invalid, whatever was wrong with it; unless the check itself
    // could not be made.
    const int status = base::ReportError("keel didcomm", unpacked.error(), true);
    return status == base::kExitUnreachable ? status : static_cast<int>(base::kExitInvalid);
  }
  KEEL_TRY(const json out, UnpackedJson(*unpacked));
  std::printf("%s\n", base::DumpJson(out).c_str());
  return base::kExitDone;
}

// --enc as the envelope's enumerator.
Result<didcomm::ContentEncryption> EncryptionOf(const OutgoingFlags& flags) {
  if (flags.enc.empty() || flags.enc == "XC20P") return didcomm::ContentEncryption::kXc20p;
  if (flags.enc == "A256GCM") return didcomm::ContentEncryption::kA256Gcm;
  return didcomm::ContentEncryption::kA256CbcHs512;
}

}  // namespace

void OutgoingFlags::Add(CLI::App& app) {
  app.add_option("--from", from, "Sender: DID, or the DID URL of its key (default: the message's from)");
  app.add_option("--to", to, "Recipient: DID, or the DID URL of its key (repeat)")->expected(1)->take_all();
  app.add_option("--sign-by", sign_by,
                 "Sign by this key's DID URL, or by the first authentication key of a DID; in encrypted modes inside "
                 "the encryption (repeat: several keys of one DID)")
      ->expected(1)
      ->take_all();
  app.add_option("--enc", enc, "anoncrypt: how the content is encrypted (default: XC20P)")
      ->check(CLI::IsMember({"XC20P", "A256GCM", "A256CBC-HS512"}));
  app.add_flag("--protect-sender", protect_sender, "authcrypt: hide the sender's key in an anoncrypt layer");
  app.add_option("--type", type, "Make a message of this type instead of reading one");
  app.add_option("--body", body, "Its body, a JSON object (default: {})");
  app.add_option("--expires-in", lifetime, "Add created_time, now, and expires_time, so many seconds later");
}

Result<didcomm::Message> OutgoingMessage(const OutgoingFlags& flags, const std::string& input) {
  json object = json::object();
  if (flags.type.empty()) {
    if (!flags.body.empty()) return Fail(Code::kUsage, "message", "--body goes with --type");
    KEEL_TRY(object, base::ParseJson(input));
    if (!object.is_object()) return Fail(Code::kMalformed, "message", "a plaintext message is a JSON object");
    if (object.contains("ciphertext") || object.contains("payload"))
      return Fail(Code::kUsage, "message", "that is packed already; a plaintext message is wanted");
  } else {
    object["type"] = flags.type;
    if (!flags.body.empty()) {
      KEEL_TRY(object["body"], base::ParseJson(flags.body));
    }
  }
  if (!object.contains("id")) object["id"] = didcomm::NewMessageId();
  if (!object.contains("body")) object["body"] = json::object();
  if (!object.contains("from") && !flags.from.empty()) object["from"] = did::DidOf(flags.from);
  if (!object.contains("to") && !flags.to.empty()) {
    object["to"] = json::array();
    for (const std::string& to : flags.to) {
      const json did = did::DidOf(to);
      if (std::find(object["to"].begin(), object["to"].end(), did) == object["to"].end()) object["to"].push_back(did);
    }
  }
  if (flags.lifetime) {
    const UnixSeconds now = base::NowSeconds();
    if (!object.contains("created_time")) object["created_time"] = now;
    if (!object.contains("expires_time")) object["expires_time"] = now + *flags.lifetime;
  }
  return didcomm::Message::Parse(base::DumpJson(object));
}

Result<didcomm::Packed> PackOutgoing(const didcomm::Message& message, const OutgoingFlags& flags, World& world) {
  didcomm::PackOptions options;
  if (!flags.sign_by.empty()) {
    options.sign_by = flags.sign_by[0];
    options.cosign_by.assign(flags.sign_by.begin() + 1, flags.sign_by.end());
  }
  options.protect_sender = flags.protect_sender;
  KEEL_TRY(options.anoncrypt, EncryptionOf(flags));
  const std::string& from = flags.from.empty() ? message.from : flags.from;
  if (flags.mode == "plaintext" || flags.mode == "signed") {
    if (flags.protect_sender) return Fail(Code::kUsage, "pack", "--protect-sender goes with --mode authcrypt");
    if (!flags.enc.empty()) return Fail(Code::kUsage, "pack", "--enc goes with --mode anoncrypt");
    if (flags.mode == "signed") {
      const std::vector<std::string> by = flags.sign_by.empty() ? std::vector<std::string>{from} : flags.sign_by;
      if (by[0].empty())
        return Fail(Code::kUsage, "pack", "a signed message needs a signer: --from DID or --sign-by KID");
      return didcomm::PackSigned(message, by, world.keys(), world.resolver());
    }
    if (!flags.sign_by.empty()) return Fail(Code::kUsage, "pack", "--sign-by goes with another --mode");
    return didcomm::PackPlaintext(message);
  }
  const std::vector<std::string>& to = flags.to.empty() ? message.to : flags.to;
  if (to.empty()) return Fail(Code::kUsage, "pack", "an encrypted message needs a recipient: --to DID");
  if (flags.mode == "anoncrypt") {
    if (flags.protect_sender) return Fail(Code::kUsage, "pack", "--protect-sender goes with --mode authcrypt");
    return didcomm::PackAnoncrypt(message, to, world.keys(), world.resolver(), options);
  }
  if (from.empty()) return Fail(Code::kUsage, "pack", "authcrypt needs a sender: --from DID");
  if (!flags.enc.empty() && !flags.protect_sender && flags.enc != "A256CBC-HS512")
    return Fail(Code::kUsage, "pack", "authcrypt is A256CBC-HS512 always; --enc is for --mode anoncrypt");
  return didcomm::PackAuthcrypt(message, from, to, world.keys(), world.resolver(), options);
}

Result<json> UnpackedJson(const didcomm::Unpacked& unpacked) {
  KEEL_TRY(json message, base::ParseJson(unpacked.plaintext));
  return json{{"message", std::move(message)}, {"metadata", MetadataJson(unpacked.metadata)}};
}

void AddPackVerbs(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<Flags>();
  CLI::App* pack = app.add_subcommand("pack", "Plaintext message in, envelope out");
  pack->add_option("--mode", flags->outgoing.mode, "plaintext, signed, anoncrypt or authcrypt")
      ->required()
      ->check(CLI::IsMember({"plaintext", "signed", "anoncrypt", "authcrypt"}));
  flags->outgoing.Add(*pack);
  pack->add_flag("--forward", flags->forward,
                 "Wrap it for the mediators that the recipient's document names (routing 2.0), and say on standard "
                 "error where to send it");
  pack->footer(
      "Reads a plaintext message on standard input; id, from, to and body are filled in where they are absent. Writes "
      "the\nenvelope and a newline.\n"
      "Files: --secrets and --did-docs as in the appendix of the DIDComm specification; --key as made by `keel did "
      "create`.\n"
      "Exit status: 0 done, 1 a DID or a key that was looked at is refused, 2 wrong usage or input, 3 a registry or a "
      "host\ncould not be reached.\n"
      "Examples: echo '{\"type\":\"https://example.org/hello/1.0/hi\",\"body\":{}}' |\n"
      "            keel didcomm pack --mode authcrypt --from did:peer:2... --to did:peer:2... --key me.key > "
      "message.json\n"
      "          keel didcomm pack --mode signed --from did:key:z6Mk... --type https://example.org/hello/1.0/hi "
      "--key me.key");
  CLI::App* unpack = app.add_subcommand("unpack", "Envelope in, {\"message\", \"metadata\"} out");
  unpack->add_option("--at", flags->at, "Judge expiry at this time (RFC 3339 or seconds since 1970; default: now)");
  unpack->footer(
      "Reads an envelope of any kind on standard input. The metadata: encrypted, authenticated, non_repudiation,\n"
      "anonymous_sender, encrypted_from_kid, encrypted_to_kids, sign_from_kid, from_prior_issuer_kid, enc_alg_auth,\n"
      "enc_alg_anon, sign_alg.\n"
      "Exit status: 0 done, 1 the message is refused ({\"error\":{\"code\",\"message\"}} on standard error), 2 wrong "
      "usage or input,\n"
      "3 it could not be checked: a registry or a host could not be reached.\n"
      "Examples: keel didcomm unpack --key you.key < message.json\n"
      "          keel didcomm unpack --secrets secrets.json --did-docs docs.json < message.json");
  for (CLI::App* sub : {pack, unpack}) {
    flags->world.AddResolver(*sub);
    flags->world.AddKeys(*sub);
  }
  pack->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Pack(*flags);
  });
  unpack->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Unpack(*flags);
  });
}

}  // namespace keel::cli
