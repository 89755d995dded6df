// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "cli/world.h"
#include "didcomm/message.h"
#include "didcomm/pack.h"
#include "didcomm/unpack.h"

namespace CLI {
class App;
}

// The subcommands of `keel didcomm`, one file a group. Each function adds its own to the app; whichever is parsed
// runs and leaves its outcome.
namespace keel::cli {

struct Outcome {
  std::optional<Result<int>> status;  // exit status
  bool json = false;                  // how its error is to be shown
};

void AddPackVerbs(CLI::App& app, Outcome& outcome);        // pack, unpack
void AddInspectVerb(CLI::App& app, Outcome& outcome);      // inspect
void AddSendVerb(CLI::App& app, Outcome& outcome);         // send
void AddListenVerb(CLI::App& app, Outcome& outcome);       // listen
void AddAskVerbs(CLI::App& app, Outcome& outcome);         // ping, discover
void AddInvitationVerbs(CLI::App& app, Outcome& outcome);  // invite, open

// What an outgoing message is made of, and how it is to be packed: the flags that pack and send share.
struct OutgoingFlags {
  std::string mode;
  std::string from;             // DID, or a key's DID URL
  std::vector<std::string> to;  // the same
  std::vector<std::string> sign_by;
  std::string enc;  // anoncrypt's content encryption
  bool protect_sender = false;
  std::string type, body;            // --type: the message is made here, nothing is read
  std::optional<uint64_t> lifetime;  // --expires-in

  void Add(CLI::App& app);
};

// The plaintext message on standard input, or that of --type and --body; what the command line says anyway (id, from,
// to, body, times) is filled in where it is absent, what is written is not changed. kUsage, Message::Parse's errors.
Result<didcomm::Message> OutgoingMessage(const OutgoingFlags& flags, const std::string& input);
// Packs as the flags say. kUsage, and the pack functions' errors.
Result<didcomm::Packed> PackOutgoing(const didcomm::Message& message, const OutgoingFlags& flags, World& world);

// {"message", "metadata"} of a message that was unpacked.
Result<nlohmann::json> UnpackedJson(const didcomm::Unpacked& unpacked);

}  // namespace keel::cli
