// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <deque>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/websocket_client.h"
#include "core/seams.h"
#include "did/key_finder.h"
#include "did/resolver.h"
#include "didcomm/transport.h"
#include "didcomm/unpack.h"

namespace keel::didcomm {

// The recipient's side of a mediator: coordinate-mediation 3.0 and messagepickup 3.0. All connections go out, so it
// works from behind NAT. Needs external synchronisation; what it was given outlives it.
class MediationClient {
 public:
  struct Parts {
    did::KeyFinder& keys;  // has keys of `account`
    did::DidResolver& resolver;
    Clock& clock;
    std::vector<Transport*> transports;    // for questions and answers
    base::WebSocketClientOptions sockets;  // for live mode
    AgreementCache* agreements = nullptr;
  };
  // account: our DID towards the mediator; mediator: its DID. Both may be resolved.
  MediationClient(Parts parts, std::string account, std::string mediator);
  ~MediationClient();

  // Asks to be a mediator's client; gives the DID to name as uri of a DIDCommMessaging service. kRefused (denied).
  Result<std::string> RequestMediation();
  // Which DIDs (or keys' DID URLs) to take messages for. kRefused, naming the first that the mediator didn't take.
  Result<> AddRecipients(const std::vector<std::string>& recipients);
  Result<> RemoveRecipients(const std::vector<std::string>& recipients);
  // All of them, page by page.
  Result<std::vector<std::string>> Recipients();

  struct Waiting {
    uint64_t count = 0, octets = 0;
    bool live = false;
  };
  // recipient: one of ours; empty: all.
  Result<Waiting> Status(std::string_view recipient = {});
  struct Fetched {
    std::string id;        // for Acknowledge
    std::string envelope;  // for Unpack
  };
  // The oldest, at most `limit`; they stay until Acknowledge. Empty: there are none.
  Result<std::vector<Fetched>> Fetch(uint64_t limit = 10, std::string_view recipient = {});
  // Only for what is safe here (handled, or on disk): the mediator forgets it.
  Result<Waiting> Acknowledge(const std::vector<std::string>& ids);

  // Opens a WebSocket and has new messages delivered on it. What waited before must be fetched: go live first, then
  // Fetch until there is nothing. kUnsupported (the mediator has no ws or wss URI).
  Result<> GoLive();
  bool live() const { return socket_ != nullptr && socket_->open(); }
  // Messages delivered live, in order. kTimeout; kClosed and WebSocketClient's other errors: live mode is over, GoLive
  // again and Fetch.
  Result<std::vector<Fetched>> WaitLive(std::chrono::milliseconds timeout);

  // Of each question and answer.
  void set_deadlines(const base::Deadlines& deadlines) { deadlines_ = deadlines; }

 private:
  Result<Message> Ask(std::string_view type, const nlohmann::json& body);
  Result<Message> Open(std::string_view envelope);
  Result<> Update(const std::vector<std::string>& recipients, const char* action);
  Result<std::vector<std::string>> MediatorUris();

  const Parts parts_;
  const std::string account_, mediator_;
  base::Deadlines deadlines_;
  std::unique_ptr<base::WebSocketClient> socket_;
  std::deque<std::vector<Fetched>> delivered_;
};

}  // namespace keel::didcomm
