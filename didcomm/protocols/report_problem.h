// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "didcomm/protocols/protocol.h"

// report-problem 2.0 (DIDComm v2.1, "Problem Reports"): the message and its codes.
namespace keel::didcomm {

inline constexpr std::string_view kReportProblemProtocol = "https://didcomm.org/report-problem/2.0";
inline constexpr std::string_view kProblemReportType = "https://didcomm.org/report-problem/2.0/problem-report";

inline constexpr size_t kMaxProblemCode = 256;  // octets
inline constexpr size_t kMaxProblemArgs = 32;
inline constexpr size_t kMaxProblemText = 4096;  // octets of comment, of one argument, of Text()

// Codes that we send ourselves, each with one comment (the specification ties the text to the code).
inline constexpr std::string_view kProblemUnsupportedProtocol = "e.m.msg.unsupported-protocol";
inline constexpr std::string_view kProblemUnsupportedVersion = "e.m.msg.unsupported-version";
inline constexpr std::string_view kProblemUnsupportedType = "e.m.msg.unsupported-type";
inline constexpr std::string_view kProblemMalformed = "e.m.msg.malformed";
inline constexpr std::string_view kProblemOutOfOrder = "e.m.req.out-of-order";
inline constexpr std::string_view kProblemTime = "e.m.req.time";
inline constexpr std::string_view kProblemTrust = "e.m.trust";
inline constexpr std::string_view kProblemCrypto = "e.m.trust.crypto";
inline constexpr std::string_view kProblemTooBig = "e.m.me.res.storage.message_too_big";
inline constexpr std::string_view kProblemBusy = "e.m.me.res";
inline constexpr std::string_view kProblemInternal = "e.m.me";
inline constexpr std::string_view kProblemTimedOut = "e.p.req.time";
inline constexpr std::string_view kProblemMaxErrors = "e.p.req.max-errors-exceeded";

// A code taken apart: sorter '.' scope {'.' descriptor}.
struct ProblemCode {
  bool warning = false;  // sorter 'w', else 'e'
  std::string scope;     // "p": the protocol, "m": the message, else the state that the sender goes back to
  std::vector<std::string> descriptors;
  // kMalformed: not in the form that the specification gives. Reports with such codes are still reports.
  static Result<ProblemCode> Parse(std::string_view code);
};
// True when the code is this one or a more specific one ("e.p.xfer" for "e.p.xfer.cant-use-endpoint").
bool ProblemCodeIs(std::string_view code, std::string_view prefix);

struct ProblemReport {
  std::string code;
  std::string comment;                           // empty: absent
  std::vector<std::optional<std::string>> args;  // none: null
  std::string escalate_to;
  std::string web_redirect_status, web_redirect_url;  // header web_redirect; both or none
  std::string thread;                                 // pthid: the thread that it is about
  std::vector<std::string> about;                     // ack: ids of the messages that caused it

  // The comment with its arguments: {1} by the first and so on, "?" for those that are missing or null, arguments that
  // the comment doesn't use behind it, separated by commas. The code when there is no comment. Control characters are
  // replaced, so that it can be shown in a terminal; cut off at kMaxProblemText.
  std::string Text() const;

  // From a message of this protocol, or of another that has a problem-report of its own (its thread then counts when
  // there is no pthid). kMissing, kMalformed, kTooLarge.
  static Result<ProblemReport> Parse(const Message& message);
  // kInvalidArgument: code not well-formed, thread missing.
  Result<Message> ToMessage() const;
};

// The standing text of a code of ours; empty for others.
std::string_view ProblemComment(std::string_view code);
// How an error of ours is told to a peer: nothing but the code.
std::string_view ProblemCodeFor(Code code);
// A report about a message that came in, ready to be sent to its sender.
Message MakeProblemReport(const Incoming& about, std::string_view code,
                          std::vector<std::optional<std::string>> args = {});
// True for this protocol's message and for those that other protocols adopted under the same name.
bool IsProblemReport(const Message& message);

// Takes problem reports and gives them to whoever listens; answers none. Thread-safe once the listeners are added.
class ReportProblem final : public Protocol {
 public:
  using Listener = std::function<Result<>(const Incoming&, const ProblemReport&)>;
  // `repeats`: it wants to hear a report again that came before (it may have been killed over it) and takes no harm.
  ReportProblem& AddListener(Listener listener, bool repeats = false);
  std::vector<ProtocolInfo> Speaks() const override;
  // kMalformed and the listeners' errors (the first).
  Result<std::vector<Outgoing>> Receive(const Incoming& incoming) override;
  Result<std::vector<Outgoing>> Repeated(const Incoming& incoming) override;

 private:
  Result<std::vector<Outgoing>> Tell(const Incoming& incoming, bool repeated);
  struct Entry {
    Listener listener;
    bool repeats = false;
  };
  std::vector<Entry> listeners_;
};

}  // namespace keel::didcomm
