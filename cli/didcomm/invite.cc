// SPDX-License-Identifier: Apache-2.0
#include <CLI/CLI.hpp>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/cli.h"
#include "base/clock.h"
#include "base/files.h"
#include "base/json_strict.h"
#include "base/net/http_client.h"
#include "cli/didcomm/verbs.h"
#include "cli/text.h"
#include "didcomm/protocols/out_of_band.h"
#include "didcomm/protocols/qr.h"

namespace keel::cli {
namespace {

using nlohmann::json;

struct InviteFlags {
  WorldFlags world;  // --json only
  didcomm::Invitation invitation;
  std::vector<std::string> attach;
  std::optional<uint64_t> lifetime;
  std::string url = "https://didcomm.org/oob";
  std::string format = "url";
  std::string output = "-";
  unsigned scale = 8;
  bool dark_on_light = false;
};

// The invitation in the form that was asked for.
Result<std::string> Drawn(const InviteFlags& flags, const didcomm::Invitation& invitation) {
  if (flags.format == "json") {
    KEEL_TRY(const didcomm::Message message, invitation.ToMessage());
    KEEL_TRY(const std::string text, message.Serialize());
    return text + "\n";
  }
  KEEL_TRY(const std::string url, invitation.ToUrl(flags.url));
  if (flags.format == "url") return url + "\n";
  auto code = didcomm::QrCode::Encode(url);
  if (!code && code.error().code == Code::kTooLarge) {
    return Fail(Code::kTooLarge, "invite",
                "a URL of " + Thousands(url.size()) + " octets fits no QR code (" + Thousands(didcomm::kMaxQrOctets) +
                    " do): attach less, or use a DID that doesn't carry its document");
  }
  if (!code) return std::unexpected<Error>(std::move(code.error()));
  if (flags.format == "svg") return didcomm::QrToSvg(*code);
  if (flags.format == "png") return didcomm::QrToPng(*code, flags.scale);
  return didcomm::QrToTerminal(*code, flags.dark_on_light) + url + "\n";
}

Result<int> Invite(const InviteFlags& flags) {
  didcomm::Invitation invitation = flags.invitation;
  if (invitation.accept.empty()) invitation.accept = {"didcomm/v2"};
  if (flags.lifetime) {
    invitation.created_time = base::NowSeconds();
    invitation.expires_time = *invitation.created_time + *flags.lifetime;
  }
  for (const std::string& file : flags.attach) {
    KEEL_TRY(const std::string text, base::ReadFile(file, didcomm::kMaxInvitation));
    KEEL_TRY(const didcomm::Message message, didcomm::Message::Parse(text));
    KEEL_TRY_VOID(invitation.Attach(message));
  }
  KEEL_TRY(const std::string drawn, Drawn(flags, invitation));
  KEEL_TRY_VOID(base::WriteFileAtomic(flags.output, drawn));
  return base::kExitDone;
}

struct OpenFlags {
  WorldFlags world;  // --json only
  std::string text, at;
};

json InvitationJson(const didcomm::Invitation& invitation) {
  json out = {{"id", invitation.id}, {"from", invitation.from}, {"accept", invitation.accept}};
  out["goal_code"] = invitation.goal_code.empty() ? json() : json(invitation.goal_code);
  out["goal"] = invitation.goal.empty() ? json() : json(invitation.goal);
  out["expires_time"] = invitation.expires_time ? json(*invitation.expires_time) : json();
  out["messages"] = json::array();
  for (const didcomm::Message& message : invitation.Messages()) {
    if (const auto text = message.Serialize()) {
      if (auto parsed = base::ParseJson(*text)) out["messages"].push_back(std::move(*parsed));
    }
  }
  return out;
}

void ShowInvitation(const didcomm::Invitation& invitation) {
  std::printf("An invitation. Nothing in it is proved or secret: whoever made it can say that it is from anybody.\n");
  const auto line = [](const char* name, const std::string& value) {
    if (!value.empty()) std::printf("  %-14s%s\n", name, Printable(value).c_str());
  };
  line("from", invitation.from);
  line("goal", invitation.goal);
  line("goal_code", invitation.goal_code);
  for (const std::string& profile : invitation.accept) line("accepts", profile);
  if (invitation.expires_time) line("expires", base::Rfc3339(*invitation.expires_time));
  line("id", invitation.id);
  for (const didcomm::Message& message : invitation.Messages()) line("message", message.type + " (" + message.id + ")");
  std::printf("Answer with a message to that DID whose pthid is the id.\n");
}

Result<int> Open(const OpenFlags& flags) {
  std::string text = flags.text;
  if (text == "-") {
    KEEL_TRY(text, ReadInput(didcomm::kMaxInvitationUrl));
  }
  KEEL_TRY(const UnixSeconds now, TimeOf(flags.at));
  Result<didcomm::Invitation> invitation;
  if (didcomm::ShortInvitationId(text)) {
    base::BeastOptions options;
    options.public_addresses_only = true;
    const auto client = base::MakeBeastClient(std::move(options));
    invitation = didcomm::FetchInvitation(text, *client, now);
  } else {
    invitation = didcomm::Invitation::FromText(text, now);
  }
  if (!invitation) {
    const int status = base::ReportError("keel didcomm", invitation.error(), flags.world.json);
    return status == base::kExitUnreachable ? status : static_cast<int>(base::kExitInvalid);
  }
  if (flags.world.json) {
    std::printf("%s\n", base::DumpJson(InvitationJson(*invitation)).c_str());
  } else {
    ShowInvitation(*invitation);
  }
  return invitation->AcceptsV2() ? base::kExitDone : base::kExitInvalid;
}

}  // namespace

void AddInvitationVerbs(CLI::App& app, Outcome& outcome) {
  auto made = std::make_shared<InviteFlags>();
  CLI::App* invite = app.add_subcommand("invite", "Make an invitation (out-of-band 2.0): a URL, a QR code");
  invite->add_option("--from", made->invitation.from, "Who invites: a DID")->required();
  invite->add_option("--goal", made->invitation.goal, "What for, for people");
  invite->add_option("--goal-code", made->invitation.goal_code, "What for, for programs");
  invite->add_option("--attach", made->attach, "A plaintext message to be answered, a JSON file (repeat)")
      ->expected(1)
      ->take_all();
  invite->add_option("--expires-in", made->lifetime, "Seconds that it is good for (default: for ever)");
  invite->add_option("--url", made->url, "What the URL begins with: a page that helps people who open it")
      ->capture_default_str();
  invite->add_option("--format", made->format, "url, json, qr (for a terminal), svg or png")
      ->check(CLI::IsMember({"url", "json", "qr", "svg", "png"}))
      ->capture_default_str();
  invite->add_option("--scale", made->scale, "png: pixels a module, 1 to 64")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  invite->add_flag("--dark-on-light", made->dark_on_light, "qr: for a terminal with dark text on a light ground");
  invite->add_option("-o,--output", made->output, "File to write; - is standard output")->capture_default_str();
  invite->add_flag("--json", made->world.json, "Errors as JSON");
  invite->footer(
      "Exit status: 0 done, 2 wrong usage or input, or too much for a QR code.\n"
      "Examples: keel didcomm invite --from did:peer:2... --goal 'Onboard the pump' --format qr\n"
      "          keel didcomm invite --from did:peer:2... --attach ping.json --format png -o invitation.png");
  invite->callback([made, &outcome] {
    outcome.json = made->world.json;
    outcome.status = Invite(*made);
  });
  auto opened = std::make_shared<OpenFlags>();
  CLI::App* open = app.add_subcommand("open", "Show what an invitation says");
  open->add_option("url", opened->text, "The URL, or the message's JSON; - reads standard input")->required();
  open->add_option("--at", opened->at, "Judge expiry at this time (RFC 3339 or seconds since 1970; default: now)");
  open->add_flag("--json", opened->world.json, "The invitation, and errors, as JSON");
  open->footer(
      "Asks nobody, but for a short URL (_oobid), which is fetched from a public address.\n"
      "Exit status: 0 shown, 1 not an invitation that can be answered, 2 wrong usage, 3 a short URL could not be "
      "fetched.\n"
      "Example: keel didcomm open 'https://didcomm.org/oob?_oob=eyJ...'");
  open->callback([opened, &outcome] {
    outcome.json = opened->world.json;
    outcome.status = Open(*opened);
  });
}

}  // namespace keel::cli
