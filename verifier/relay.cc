// SPDX-License-Identifier: Apache-2.0
#include "verifier/relay.h"

#include <nlohmann/json.hpp>
#include <utility>
#include <vector>

#include "base/encoding.h"
#include "base/json_strict.h"
#include "base/log.h"
#include "didcomm/mediator/message_pickup.h"
#include "didcomm/protocols/message_type.h"
#include "didcomm/protocols/report_problem.h"
#include "didcomm/protocols/trust_ping.h"
#include "didcomm/routing.h"
#include "onboarding/limits.h"

namespace keel::verifier {

using nlohmann::json;

namespace {

constexpr uint64_t kTidyEveryMs = 60'000;
constexpr const char* kNoMember = "e.p.trust.no-member";
constexpr const char* kNoRecipient = "e.p.xfer.no-such-recipient";

std::string PickupType(const char* name) { return std::string(didcomm::kMessagePickup) + "/" + name; }

// The answer's plaintext, as a device takes it.
Result<std::string> Answer(const Relay::Letter& letter, std::string type, const json& body,
                           std::vector<didcomm::Attachment> attachments = {}) {
  didcomm::Message out;
  out.id = didcomm::NewMessageId();
  out.type = std::move(type);
  out.from = letter.ours;
  out.to = {letter.theirs};
  out.thid = letter.message.Thread();
  out.body = base::DumpJson(body);
  out.attachments = std::move(attachments);
  KEEL_TRY(std::string plaintext, out.Serialize());
  if (plaintext.size() > onboarding::kMaxPlaintext) return Fail(Code::kTooLarge, "relay answer");
  return plaintext;
}

Result<std::string> Problem(const Relay::Letter& letter, std::string_view code) {
  return Answer(letter, std::string(didcomm::kProblemReportType), {{"code", code}});
}

// The DID that a forward's `next` names: a key's DID URL belongs to its DID.
std::string DidOf(const std::string& next) { return next.substr(0, next.find('#')); }

}  // namespace

// A device's own buffer holds one message at a time, and nobody needs many.
didcomm::QueueLimits Relay::Limits() {
  didcomm::QueueLimits limits;
  limits.recipient_messages = limits.account_messages = 32;
  limits.recipient_octets = limits.account_octets = 128 << 10;
  limits.all_messages = 200'000;
  limits.all_octets = 512 << 20;
  limits.keep_seconds = 86'400;
  return limits;
}

Result<std::unique_ptr<Relay>> Relay::Open(ClaimBook& book, base::KeyValueStore& store, Clock& clock) {
  std::unique_ptr<Relay> relay(new Relay(book, clock));
  KEEL_TRY(relay->queue_, didcomm::MessageQueue::Open(store, "relay/", Limits()));
  relay->thread_ = std::thread([raw = relay.get()] { raw->Run(); });
  return relay;
}

Relay::~Relay() { Stop(); }

void Relay::Stop() {
  {
    const std::lock_guard lock(mutex_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

size_t Relay::Waiting(const std::string& device_pairwise) const {
  const auto now = clock_.Now();
  return now ? queue_->Status(device_pairwise, {}, *now).count : 0;
}

void Relay::Receive(const Letter& letter, Give give) {
  if (!letter.member) {
    // Nothing goes in or out for who is no member (any more), and nothing is kept for it.
    static_cast<void>(queue_->Drop(letter.theirs, {}));
    return give(Problem(letter, kNoMember));
  }
  const auto type = didcomm::MessageType::Parse(letter.message.type);
  if (!type) return give(Problem(letter, didcomm::kProblemMalformed));
  const auto speaks = [&](std::string_view protocol) {
    const auto ours = didcomm::MessageType::ParseProtocol(protocol);
    return ours && type->Compatible(*ours);
  };
  if (speaks(didcomm::kTrustPingProtocol) && type->Is("ping")) {
    const auto body = letter.message.ParseBody();
    const auto wanted = body ? base::GetOptionalBool(*body, "response_requested") : Result<std::optional<bool>>(true);
    if (!wanted) return give(Problem(letter, didcomm::kProblemMalformed));
    if (!wanted->value_or(true)) return give(std::string());
    return give(Answer(letter, std::string(didcomm::kPingResponseType), json::object()));
  }
  if (speaks(didcomm::kReportProblemProtocol)) {
    base::LogInfo("relay.problem_report", {{"from", letter.theirs}});
    return give(std::string());
  }
  if (speaks(didcomm::kRoutingProtocol) && type->Is("forward")) return give(Forward(letter));
  if (!speaks(didcomm::kMessagePickup)) return give(Problem(letter, didcomm::kProblemUnsupportedType));
  if (type->Is("messages-received")) return give(Received(letter));
  if (type->Is("status-request")) return give(Status(letter));
  if (type->Is("live-delivery-change")) return give(Problem(letter, didcomm::kLiveModeNotSupported));
  if (!type->Is("delivery-request")) return give(Problem(letter, didcomm::kProblemUnsupportedType));
  const auto body = letter.message.ParseBody();
  const auto wait = body ? base::GetOptionalUint(*body, "wait") : Result<std::optional<uint64_t>>(std::nullopt);
  if (!wait) return give(Problem(letter, didcomm::kProblemMalformed));
  Hold(letter, std::min(wait->value_or(0), kMaxWaitSeconds), std::move(give));
}

Result<std::string> Relay::Forward(const Letter& letter) {
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  {
    const std::lock_guard lock(mutex_);
    Rate& rate = rates_[letter.theirs];
    if (rate.minute != now / 60) rate = {now / 60, 0};
    if (++rate.forwards > kForwardsAMinute) return Problem(letter, didcomm::kProblemBusy);
  }
  const auto forward = didcomm::UnwrapForward(letter.message);
  if (!forward || forward->payloads.size() != 1) return Problem(letter, didcomm::kProblemMalformed);
  const std::string& payload = forward->payloads.front();
  if (payload.size() > onboarding::kMaxForwardPayload) return Problem(letter, didcomm::kProblemTooBig);
  const std::string next = DidOf(forward->next);
  bool member = false;
  if (const auto slot = book_.FindDevicePairwise(next)) {
    const std::lock_guard lock(slot->mutex);
    member = slot->claim.state == ClaimState::kOnboarded && slot->claim.device_pairwise == next;
  }
  // Who was revoked and who never was look the same.
  if (!member) return Problem(letter, kNoRecipient);
  const auto queued = queue_->Put(next, next, payload, now, letter.message.expires_time.value_or(0));
  if (!queued) {
    const Code code = queued.error().code;
    if (code == Code::kQuotaExceeded) return Problem(letter, "e.p.me.res.storage");
    if (code == Code::kExpired) return Problem(letter, didcomm::kProblemTime);
    return std::unexpected<Error>(queued.error());
  }
  Arrived(next);
  return std::string();
}

Result<std::string> Relay::Status(const Letter& letter) const {
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  const didcomm::QueueStatus status = queue_->Status(letter.theirs, {}, now);
  return Answer(letter, PickupType("status"),
                {{"message_count", status.count}, {"total_bytes", status.octets}, {"live_delivery", false}});
}

Result<std::string> Relay::Next(const Letter& letter) {
  KEEL_TRY(const UnixSeconds now, clock_.Now());
  KEEL_TRY(const std::vector<didcomm::QueuedMessage> list, queue_->List(letter.theirs, {}, 1, now));
  if (list.empty()) return Status(letter);
  didcomm::Attachment attachment;
  attachment.id = list.front().id;
  attachment.base64 = base::Base64Url(AsBytes(list.front().envelope));
  return Answer(letter, PickupType("delivery"), {{"recipient_did", letter.theirs}}, {std::move(attachment)});
}

Result<std::string> Relay::Received(const Letter& letter) {
  KEEL_TRY(const json body, letter.message.ParseBody());
  const auto ids = base::GetStrings(body, "message_id_list");
  if (!ids || ids->size() > didcomm::kMaxReceivedIds) return Problem(letter, didcomm::kProblemMalformed);
  KEEL_TRY_VOID(queue_->Acknowledge(letter.theirs, *ids));
  return Status(letter);
}

void Relay::Hold(const Letter& letter, uint64_t seconds, Give give) {
  Give earlier;
  Letter earlier_letter;
  bool held = false;
  {
    // Looked at under the lock: a message that arrives after this finds the wait.
    const std::lock_guard lock(mutex_);
    if (const auto found = held_.find(letter.theirs); found != held_.end()) {
      // The device has given up that wait: it makes one request at a time.
      earlier = std::move(found->second.give);
      earlier_letter = std::move(found->second.letter);
      held_.erase(found);
    }
    if (seconds > 0 && !stop_ && Waiting(letter.theirs) == 0) {
      held_[letter.theirs] = {letter, give, clock_.TicksMs() + seconds * 1000};
      held = true;
    }
  }
  if (earlier) earlier(Status(earlier_letter));
  if (held) {
    changed_.notify_all();
  } else {
    give(Next(letter));
  }
}

void Relay::Arrived(const std::string& device_pairwise) {
  Held waiting;
  {
    const std::lock_guard lock(mutex_);
    const auto found = held_.find(device_pairwise);
    if (found == held_.end()) return;
    waiting = std::move(found->second);
    held_.erase(found);
  }
  waiting.give(Next(waiting.letter));
}

void Relay::Run() {
  uint64_t tidy_at = clock_.TicksMs() + kTidyEveryMs;
  std::unique_lock lock(mutex_);
  for (;;) {
    uint64_t next = tidy_at;
    for (const auto& [device, held] : held_) next = std::min(next, held.until_ms);
    const uint64_t now = clock_.TicksMs();
    if (!stop_ && now < next) {
      changed_.wait_for(lock, std::chrono::milliseconds(next - now));
      continue;
    }
    std::vector<Held> over;
    for (auto it = held_.begin(); it != held_.end();) {
      if (stop_ || it->second.until_ms <= now) {
        over.push_back(std::move(it->second));
        it = held_.erase(it);
      } else {
        ++it;
      }
    }
    const bool tidy = !stop_ && now >= tidy_at;
    if (tidy) {
      rates_.clear();
      tidy_at = now + kTidyEveryMs;
    }
    const bool stop = stop_;
    lock.unlock();
    for (const Held& held : over) held.give(Status(held.letter));
    if (tidy) {
      if (const auto time = clock_.Now()) static_cast<void>(queue_->Expire(*time));
    }
    if (stop) return;
    lock.lock();
  }
}

}  // namespace keel::verifier
