// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/net/http_client.h"
#include "didcomm/protocols/protocol.h"

// out-of-band 2.0 (DIDComm v2.1, "Out Of Band Messages"): an unencrypted first message, carried by a URL or a QR code.
// Nothing in it is proved or secret.
namespace keel::didcomm {

inline constexpr std::string_view kOutOfBandProtocol = "https://didcomm.org/out-of-band/2.0";
inline constexpr std::string_view kInvitationType = "https://didcomm.org/out-of-band/2.0/invitation";

inline constexpr size_t kMaxInvitation = 32 << 10;  // octets of the plaintext
inline constexpr size_t kMaxInvitationUrl = 64 << 10;
inline constexpr size_t kMaxInvitationText = 1024;  // octets of goal_code and goal each
inline constexpr size_t kMaxInvitationAccept = 16;

// The invitation's id is the pthid of whatever answers it.
struct Invitation {
  std::string id;    // empty when made: a new one
  std::string from;  // DID of the sender
  std::string goal_code, goal;
  std::vector<std::string> accept;      // profiles in order of preference: "didcomm/v2"
  std::vector<Attachment> attachments;  // messages to choose one from, in order of preference
  std::optional<UnixSeconds> created_time, expires_time;

  // The attached plaintext messages, in order; attachments that are none (or links: nothing is fetched) are left out.
  // A message's absent `from` is the invitation's, as it must be.
  std::vector<Message> Messages() const;
  // Attaches a message (as data.json). kInvalidArgument.
  Result<> Attach(const Message& message);
  // True when `accept` is absent or has a profile that we speak (didcomm/v2).
  bool AcceptsV2() const;

  // kUnsupported (another type or major version), kMissing (from), kMalformed, kTooLarge, kExpired.
  static Result<Invitation> FromMessage(const Message& message, std::optional<UnixSeconds> now);
  // kMissing (from), kTooLarge.
  Result<Message> ToMessage() const;

  // base_url?_oob=<base64url of the plaintext>. The base is an absolute http or https URL, which should show people how
  // to get on when they open it. kInvalidArgument, kTooLarge (use a short URL).
  Result<std::string> ToUrl(std::string_view base_url) const;
  // From any URL with `_oob` in its query (`oob`, which older senders use, too). kMissing (no such parameter),
  // kUnsupported (a short URL: FetchInvitation), kMalformed, FromMessage's errors.
  static Result<Invitation> FromUrl(std::string_view url, std::optional<UnixSeconds> now);
  // A plaintext message's text, or a URL.
  static Result<Invitation> FromText(std::string_view text, std::optional<UnixSeconds> now);
};

// The id of a short URL (`_oobid`, "Short URL Message Retrieval"); none when it isn't one.
std::optional<std::string> ShortInvitationId(std::string_view url);
// base_url?_oobid=<id>
Result<std::string> ShortInvitationUrl(std::string_view base_url, std::string_view id);
// Fetches what a short URL stands for, with one GET: the message itself as JSON, or a redirection to the long URL
// (which is read, not followed). kHttpStatus, the client's errors, FromUrl's.
Result<Invitation> FetchInvitation(const std::string& url, base::HttpClient& client, std::optional<UnixSeconds> now,
                                   const base::Deadlines& deadlines = {});

// Invitations that come as messages. Stateless.
class OutOfBand final : public Protocol {
 public:
  explicit OutOfBand(std::function<void(const Incoming&, const Invitation&)> on_invitation)
      : on_invitation_(std::move(on_invitation)) {}
  std::vector<ProtocolInfo> Speaks() const override;
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;

 private:
  const std::function<void(const Incoming&, const Invitation&)> on_invitation_;
};

}  // namespace keel::didcomm
