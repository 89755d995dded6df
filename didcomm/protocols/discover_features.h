// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/protocols/protocol.h"

// discover-features 2.0 (DIDComm v2.1, "Discover Features Protocol 2.0", "Agent Constraint Disclosure").
namespace keel::didcomm {

inline constexpr std::string_view kDiscoverFeaturesProtocol = "https://didcomm.org/discover-features/2.0";
inline constexpr std::string_view kQueriesType = "https://didcomm.org/discover-features/2.0/queries";
inline constexpr std::string_view kDiscloseType = "https://didcomm.org/discover-features/2.0/disclose";

inline constexpr size_t kMaxQueries = 32;       // of one message
inline constexpr size_t kMaxDisclosures = 256;  // of one message, written and read
inline constexpr size_t kMaxFeatureId = 512;    // octets

struct FeatureQuery {
  std::string feature_type;  // "protocol", "goal-code", "header", "accept", "constraint", ...
  std::string match;         // '*' stands for any octets
};

struct Disclosure {
  std::string feature_type;
  std::string id;
  std::vector<std::string> roles;             // of a protocol
  std::optional<uint64_t> max_receive_bytes;  // of the constraint with this id
};

Message MakeQueries(const std::vector<FeatureQuery>& queries);
// kMissing, kMalformed, kTooLarge. Unknown feature types are kept: whoever answers ignores them.
Result<std::vector<FeatureQuery>> ReadQueries(const Message& message);
Message MakeDisclose(const std::vector<Disclosure>& disclosures);
Result<std::vector<Disclosure>> ReadDisclose(const Message& message);
// max_receive_bytes among the disclosures, if it is there.
std::optional<uint64_t> MaxReceiveBytes(const std::vector<Disclosure>& disclosures);

// Answers queries of proven senders with what we show, in an order of its own each time (the specification asks for it,
// against fingerprinting). Thread-safe once made, as far as the functions given are.
class DiscoverFeatures final : public Protocol {
 public:
  struct Features {
    std::function<std::vector<ProtocolInfo>()> protocols;  // usually Agent::Speaks
    std::vector<std::string> goal_codes;
    std::vector<std::string> headers = {"please_ack", "ack",         "return_route", "from_prior",
                                        "lang",       "accept-lang", "web_redirect"};
    std::vector<std::string> accept = {"didcomm/v2"};
    std::optional<uint64_t> max_receive_bytes = kMaxMessage;
    // Whether to show a feature to this sender; empty: everything to every proven sender.
    std::function<bool(const Incoming&, const Disclosure&)> shows;
  };
  explicit DiscoverFeatures(Features features,
                            std::function<void(const Incoming&, const std::vector<Disclosure>&)> on_disclose = {})
      : features_(std::move(features)), on_disclose_(std::move(on_disclose)) {}

  std::vector<ProtocolInfo> Speaks() const override;
  // kUnsupported (message type), ReadQueries' and ReadDisclose's errors.
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;

 private:
  std::vector<Disclosure> All() const;
  const Features features_;
  const std::function<void(const Incoming&, const std::vector<Disclosure>&)> on_disclose_;
};

}  // namespace keel::didcomm
