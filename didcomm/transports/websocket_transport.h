// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "base/net/websocket_client.h"
#include "base/net/websocket_server.h"
#include "didcomm/protocols/protocol.h"
#include "didcomm/transport.h"

// DIDComm over WebSocket (section "WebSockets"): one envelope a text message. Replies come back on the connection that
// asked for them.
namespace keel::didcomm {

struct WebSocketTransportOptions {
  base::WebSocketClientOptions client;
  size_t max_idle = 4;  // kept connections per URI
};

// ws:// and wss://. Keeps connections for the next envelope. Without wants_reply it pings and waits for the pong: our
// servers have handled the message then, others have read it. With it, the first message that comes is the reply.
class WebSocketTransport final : public Transport {
 public:
  explicit WebSocketTransport(WebSocketTransportOptions options = {}) : options_(std::move(options)) {}
  bool Carries(std::string_view uri) const override;
  // WebSocketClient's errors.
  Result<std::string> Send(const std::string& uri, std::string envelope, const SendOptions& options) override;

 private:
  Result<std::string> Exchange(base::WebSocketClient& client, const std::string& envelope, const SendOptions& options,
                               uint64_t deadline) const;
  std::unique_ptr<base::WebSocketClient> TakeIdle(const std::string& uri);
  void PutIdle(const std::string& uri, std::unique_ptr<base::WebSocketClient> client);

  const WebSocketTransportOptions options_;
  std::mutex mutex_;  // idle_
  std::map<std::string, std::vector<std::unique_ptr<base::WebSocketClient>>> idle_;
};

// A server's connection as protocols see it.
class SocketChannel final : public Channel {
 public:
  explicit SocketChannel(base::WebSocketConnection connection) : connection_(std::move(connection)) {}
  bool Send(std::string envelope) override { return connection_.Send(std::move(envelope)); }

 private:
  base::WebSocketConnection connection_;
};

// What a WebSocketServer does with a message: the handler's answer goes back on the connection; an error closes it with
// 1013 (kBusy), 1009 (kTooLarge) or 1008 without a reason.
base::WebSocketServer::OnMessage DidcommSocket(EnvelopeHandler handler);
// The same for a handler of one connection's message; how an answer and an error are told.
void AnswerOnSocket(const base::WebSocketConnection& connection, Result<std::string> answer);

}  // namespace keel::didcomm
