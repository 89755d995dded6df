// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/json_strict.h"
#include "cli/didcomm/party.h"
#include "cli/didcomm/verbs.h"
#include "cli/text.h"
#include "did/did.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/routing.h"

namespace keel::cli {
namespace {

using nlohmann::json;

struct Flags {
  WorldFlags world;
  OutgoingFlags outgoing;
  std::string url;
  double wait = 5;
  double timeout = 30;
};

// What is to be delivered, and the thread that an answer would be in.
struct Parcel {
  std::vector<didcomm::Delivery> ways;
  std::string thread;  // empty: packed by somebody else
  bool wants_reply = false;
};

// An envelope that was packed before goes out as it is.
Result<Parcel> Packed(const Flags& flags, const std::string& input, Party& party) {
  Parcel parcel;
  parcel.wants_reply = flags.wait > 0;
  if (!flags.url.empty()) {
    parcel.ways = {{input, {flags.url}}};
    return parcel;
  }
  if (flags.outgoing.to.size() != 1)
    return Fail(Code::kUsage, "send", "that is packed already; say where it goes: --to DID, or --url URL");
  KEEL_TRY(parcel.ways, didcomm::Route(input, flags.outgoing.to[0], party.resolver()));
  return parcel;
}

Result<Parcel> Pack(const Flags& flags, const std::string& input, Party& party) {
  KEEL_TRY(didcomm::Message message, OutgoingMessage(flags.outgoing, input));
  if (message.to.size() != 1)
    return Fail(Code::kUsage, "send", "a message is sent to one DID: --to DID, once (pack and send it for each)");
  const std::string to = flags.outgoing.to.empty() ? message.to[0] : flags.outgoing.to[0];
  Parcel parcel;
  parcel.wants_reply = flags.wait > 0;
  if (parcel.wants_reply && message.return_route.empty() && flags.outgoing.mode == "authcrypt") {
    // Only between neighbours: a connection to a mediator is none to the recipient.
    bool direct = true;
    if (flags.url.empty()) {
      KEEL_TRY(const auto endpoints, didcomm::FindEndpoints(std::string(did::DidOf(to)), party.resolver()));
      for (const didcomm::Endpoint& endpoint : endpoints) direct = direct && endpoint.hops.empty();
    }
    if (direct) message.return_route = "all";
  }
  parcel.thread = message.Thread();
  KEEL_TRY(const didcomm::Packed packed, PackOutgoing(message, flags.outgoing, party.world()));
  if (!flags.url.empty()) {
    parcel.ways = {{packed.text, {flags.url}}};
    return parcel;
  }
  didcomm::RouteOptions options;
  options.expires_time = message.expires_time;
  KEEL_TRY(parcel.ways, didcomm::Route(packed.text, to, party.resolver(), options));
  return parcel;
}

// The way that took it, and what came back on it.
struct Delivered {
  std::string uri;
  std::string reply;
};

Result<Delivered> Deliver(const Flags& flags, const Parcel& parcel, Party& party) {
  std::optional<Error> last;
  for (const didcomm::Delivery& way : parcel.ways) {
    for (const std::string& uri : way.uris) {
      const auto transport = party.TransportFor(uri);
      if (!transport) {
        if (!last) last = transport.error();
        continue;
      }
      const uint64_t began = base::MonotonicMs();
      const didcomm::SendOptions how = SendFor(parcel.wants_reply ? flags.wait : flags.timeout, parcel.wants_reply);
      auto reply = (*transport)->Send(uri, way.envelope, how);
      if (reply) return Delivered{uri, std::move(*reply)};
      // The whole time went by, more than a connection may take: it was sent, and nobody answered. Another endpoint
      // would get it a second time.
      const bool waited = base::MonotonicMs() - began >= static_cast<uint64_t>(how.deadlines.total.count()) * 9 / 10;
      if (parcel.wants_reply && reply.error().code == Code::kTimeout && waited) return Delivered{uri, {}};
      last = std::move(reply.error());
      if (last->detail.find(uri) == std::string::npos) last->detail = uri + ": " + last->detail;
    }
  }
  if (last) return std::unexpected<Error>(std::move(*last));
  return Fail(Code::kNotFound, "send", "the recipient has no endpoint");
}

Result<int> Send(const Flags& flags) {
  std::string input;
  if (flags.outgoing.type.empty()) {
    KEEL_TRY(input, ReadInput(2 * didcomm::kMaxMessage));
  }
  KEEL_TRY(const auto party, Party::Open(flags.world));
  KEEL_TRY(const Parcel parcel,
           didcomm::LooksEncrypted(input) ? Packed(flags, input, *party) : Pack(flags, input, *party));
  KEEL_TRY(const Delivered delivered, Deliver(flags, parcel, *party));
  if (delivered.reply.empty()) {
    if (!flags.world.json) std::fprintf(stderr, "Sent to %s; no answer came back.\n", Printable(delivered.uri).c_str());
    return base::kExitDone;
  }
  didcomm::UnpackOptions options;
  options.now = base::NowSeconds();
  const auto reply = didcomm::UnpackForwarded(delivered.reply, party->keys(), party->resolver(), options);
  if (!reply) {
    base::ReportError("keel didcomm send: the answer", reply.error(), true);
    return base::kExitInvalid;
  }
  KEEL_TRY(const json out, UnpackedJson(*reply));
  std::printf("%s\n", base::DumpJson(out).c_str());
  if (didcomm::IsProblemReport(reply->message) && reply->message.pthid == parcel.thread) {
    const auto problem = didcomm::ProblemReport::Parse(reply->message);
    std::fprintf(stderr, "keel didcomm: the recipient reports a problem: %s\n",
                 problem ? Printable(problem->code + ": " + problem->Text()).c_str() : "one that can't be read");
    return base::kExitInvalid;
  }
  return base::kExitDone;
}

}  // namespace

void AddSendVerb(CLI::App& app, Outcome& outcome) {
  auto flags = std::make_shared<Flags>();
  flags->outgoing.mode = "authcrypt";
  CLI::App* send = app.add_subcommand("send", "Pack a message, or take a packed one, and deliver it");
  send->add_option("--mode", flags->outgoing.mode, "authcrypt or anoncrypt")
      ->check(CLI::IsMember({"authcrypt", "anoncrypt"}))
      ->capture_default_str();
  flags->outgoing.Add(*send);
  send->add_option("--url", flags->url, "Deliver here, whatever the recipient's document says");
  send->add_option("--wait", flags->wait,
                   "Ask for an answer on the same connection (return_route) and wait so many seconds for it;\n"
                   "0: deliver only")
      ->check(CLI::Range(0.0, 3600.0))
      ->capture_default_str();
  send->add_option("--timeout", flags->timeout, "Seconds that one delivery may take with --wait 0")
      ->check(CLI::Range(0.1, 3600.0))
      ->capture_default_str();
  flags->world.AddTrust(*send);
  flags->world.AddResolver(*send);
  flags->world.AddKeys(*send);
  send->footer(
      "Reads a plaintext message, or an encrypted one that `pack` made, on standard input. The recipient's document "
      "says\n"
      "where it goes: its DIDCommMessaging endpoints in their order, through mediators (forward) where it names some.\n"
      "Schemes: http, https, ws, wss, coap, file. An answer is written as {\"message\", \"metadata\"}.\n"
      "Exit status: 0 delivered, 1 the answer is refused or reports a problem, or a certificate isn't trusted, 2 wrong "
      "usage\nor input, 3 no endpoint could be reached.\n"
      "Examples: keel didcomm send --from did:peer:2... --to did:peer:2... --key me.key < plain.json\n"
      "          keel didcomm send --from did:peer:2... --to did:peer:2... --key me.key \\\n"
      "            --type https://didcomm.org/basicmessage/2.0/message --body '{\"content\":\"hello\"}'\n"
      "          keel didcomm send --url http://127.0.0.1:8080/didcomm < envelope.json");
  send->callback([flags, &outcome] {
    outcome.json = flags->world.json;
    outcome.status = Send(*flags);
  });
}

}  // namespace keel::cli
