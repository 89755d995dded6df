// SPDX-License-Identifier: Apache-2.0
#include "didcomm/transports/websocket_transport.h"

#include <algorithm>
#include <utility>

#include "base/clock.h"

namespace keel::didcomm {
namespace {

std::chrono::milliseconds Until(uint64_t deadline) {
  const uint64_t now = base::MonotonicMs();
  return std::chrono::milliseconds(now < deadline ? deadline - now : 0);
}

}  // namespace

bool WebSocketTransport::Carries(std::string_view uri) const {
  return uri.starts_with("ws://") || uri.starts_with("wss://");
}

Result<std::string> WebSocketTransport::Exchange(base::WebSocketClient& client, const std::string& envelope,
                                                 const SendOptions& options, uint64_t deadline) const {
  KEEL_TRY_VOID(client.Send(envelope, Until(deadline)));
  if (options.wants_reply) return client.Receive(Until(deadline));
  KEEL_TRY_VOID(client.Flush(Until(deadline)));
  return std::string();
}

Result<std::string> WebSocketTransport::Send(const std::string& uri, std::string envelope, const SendOptions& options) {
  const uint64_t deadline = base::MonotonicMs() + static_cast<uint64_t>(options.deadlines.total.count());
  for (bool fresh = false;; fresh = true) {
    std::unique_ptr<base::WebSocketClient> client = fresh ? nullptr : TakeIdle(uri);
    const bool kept = client != nullptr;
    if (!kept) {
      base::Deadlines deadlines = options.deadlines;
      deadlines.total = Until(deadline);
      KEEL_TRY(client, base::WebSocketClient::Connect(uri, options_.client, deadlines));
    }
    auto reply = Exchange(*client, envelope, options, deadline);
    if (reply) {
      PutIdle(uri, std::move(client));
      return reply;
    }
    // A kept connection that the server has closed meanwhile. The server may have had the message: it knows a repeat.
    if (!(kept && reply.error().code == Code::kClosed)) return reply;
  }
}

std::unique_ptr<base::WebSocketClient> WebSocketTransport::TakeIdle(const std::string& uri) {
  const std::lock_guard lock(mutex_);
  const auto found = idle_.find(uri);
  while (found != idle_.end() && !found->second.empty()) {
    std::unique_ptr<base::WebSocketClient> client = std::move(found->second.back());
    found->second.pop_back();
    // A message that came unasked would be taken for the next reply.
    if (client->open() && client->waiting() == 0) return client;
  }
  return nullptr;
}

void WebSocketTransport::PutIdle(const std::string& uri, std::unique_ptr<base::WebSocketClient> client) {
  const std::lock_guard lock(mutex_);
  std::vector<std::unique_ptr<base::WebSocketClient>>& list = idle_[uri];
  if (client->open() && client->waiting() == 0 && list.size() < options_.max_idle) list.push_back(std::move(client));
  std::erase_if(list, [](const auto& item) { return !item->open(); });
  if (list.empty()) idle_.erase(uri);
}

void AnswerOnSocket(const base::WebSocketConnection& connection, Result<std::string> answer) {
  if (answer) {
    if (!answer->empty()) connection.Send(std::move(*answer));
    return;
  }
  switch (answer.error().code) {
    case Code::kBusy: connection.Close(base::WebSocketClose::kTryAgainLater); break;
    case Code::kTooLarge: connection.Close(base::WebSocketClose::kTooLarge); break;
    default: connection.Close(base::WebSocketClose::kPolicy);
  }
}

base::WebSocketServer::OnMessage DidcommSocket(EnvelopeHandler handler) {
  return [handler = std::move(handler)](const base::WebSocketConnection& connection, std::string envelope) {
    AnswerOnSocket(connection, handler(std::move(envelope)));
  };
}

}  // namespace keel::didcomm
