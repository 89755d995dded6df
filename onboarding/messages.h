// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string_view>

// Names on the wire: message types and members of bodies, once for wallet and verifier. What each means, its form and
// an example: docs/protocols/device-onboarding.md. Binary members are base64url without padding. Unknown members are
// ignored.
namespace keel::onboarding {

// The one place that holds the protocol URIs' base.
#define KEEL_PROTOCOL_BASE "https://keel-protocol.org/"
inline constexpr std::string_view kProtocolBase = KEEL_PROTOCOL_BASE;
inline constexpr std::string_view kProtocol = KEEL_PROTOCOL_BASE "device-onboarding/1.0";
inline constexpr std::string_view kLifecycleProtocol = KEEL_PROTOCOL_BASE "device-lifecycle/1.0";

enum class Message : uint8_t {
  kUnknown = 0,
  // device-onboarding/1.0
  kHello = 1,        // M1 device -> verifier
  kOwnerProof = 2,   // M2 verifier -> device
  kDeviceProof = 3,  // M3 device -> verifier
  kProvision = 4,    // M4 verifier -> device
  kDone = 5,         // M5 device -> verifier
  kAck = 6,          // M6 verifier -> device
  kRefused = 7,      // either way, before mutual proof: no body
  kBusy = 8,         // verifier -> device: {retry_after}
  kProblem = 9,      // either way, after mutual proof: {code, comment}
  // device-lifecycle/1.0, after onboarding; all carry {seq, contact}
  kContact = 32,         // device -> verifier: I am here; what is there for me?
  kContactReply = 33,    // verifier -> device: new contact secret, list of offers; ends a contact
  kFirmwareOffer = 34,   // verifier -> device
  kFirmwareAccept = 35,  // device -> verifier: asks for manifest and transfer key from an offset on
  kFirmwareKey = 36,     // verifier -> device: manifest, transfer key, URL, block size
  kFirmwareReport = 37,  // device -> verifier: state, digest, version
  kFirmwareAck = 38,
  kRenew = 39,      // device -> verifier: a new FleetCredential, please
  kRenewed = 40,    // verifier -> device
  kConfigure = 41,  // verifier -> device: new configuration or network credentials
  kConfigured = 42,
  kTransfer = 43,      // verifier -> device: O's signed notice that the device was passed on
  kWipe = 44,          // O signed: erase credentials and configuration, return to R0
  kRetire = 45,        // O signed: deactivate and destroy keys
  kAttest = 46,        // verifier -> device: new evidence, please
  kEvidence = 47,      // device -> verifier
  kLifecycleAck = 48,  // either way: {of, seq}
};

// The full type URI, or empty for kUnknown; and back (kUnknown for anything else).
std::string_view TypeOf(Message message);
Message MessageFromType(std::string_view type);
// True for a type of one of our protocols with another minor or major version: then the answer is kUnknownVersion.
bool IsOtherVersion(std::string_view type);

// Members of the DIDComm message itself.
namespace header {
inline constexpr std::string_view kId = "id", kType = "type", kFrom = "from", kTo = "to", kThid = "thid",
                                  kPthid = "pthid", kCreated = "created_time", kExpires = "expires_time",
                                  kBody = "body";
inline constexpr std::string_view kMediaType = "application/didcomm-encrypted+json";
}  // namespace header

// The invitation INV: {v, id, pv, url:[...], exp}, no white space. Its id (16 octets) is a secret.
namespace invitation {
inline constexpr std::string_view kV = "v", kId = "id", kPv = "pv", kUrl = "url", kExp = "exp";
}

// Members of bodies. All bodies have v = 1.
namespace body {
inline constexpr std::string_view kV = "v";
// M1: {v, versions:["1.0"], suites:[1], nd, epoch, size, k, buf}. k: links behind the device's base; the pack begins
// with link k + 1.
inline constexpr std::string_view kVersions = "versions", kSuites = "suites", kNd = "nd", kEpoch = "epoch",
                                  kSize = "size", kBuf = "buf", kK = "k";
// M2: {v, suite, nv, vp, vc, dc?, pack:{len,sha256,key,path}}. dc: DelegationCredential when a delegate signs.
inline constexpr std::string_view kSuite = "suite", kNv = "nv", kVp = "vp", kVc = "vc", kDc = "dc";
// M3: {v, vp, vc, batch, ev, fw?}. fw, if M2 wanted it: {version, sequence, digest} of the running image
inline constexpr std::string_view kBatch = "batch", kEv = "ev";
// M4: {v, th, g, contact, stage, fc, fck, net, config, interval?, fw?}. th = th3; fck: Multikey of O's assertion key
// that signed fc (a device doesn't resolve, it compares the key's hash with O's history in the pack); interval: seconds
// between contacts; fw: firmware offer. All may be absent with stage firmware-first but th, g, contact, stage, fw.
inline constexpr std::string_view kTh = "th", kG = "g", kContact = "contact", kStage = "stage", kFc = "fc",
                                  kFck = "fck", kNet = "net", kConfig = "config", kFw = "fw", kInterval = "interval";
inline constexpr std::string_view kStageFull = "full", kStageFirmwareFirst = "firmware-first";
// M5: {v, th, g, rs, rp, report}; th = th4. M6: {v, th}; th = th5.
inline constexpr std::string_view kRs = "rs", kRp = "rp", kReport = "report";
// refused: {v}; busy: {v, retry_after}; problem: {v, code, comment}
inline constexpr std::string_view kRetryAfter = "retry_after", kCode = "code", kComment = "comment";
// Lifecycle: every body has seq (rising, per direction) and, from the device, contact (the newest secret it got);
// replies carry next (the new one).
inline constexpr std::string_view kSeq = "seq", kNext = "next", kOf = "of", kOffers = "offers", kTime = "time";
// contact: {seq, contact, fw:{version,sequence,digest}, refused?:{id, code}}; contact-reply: {seq, next, time?, fw?:
// firmware offer, mail?: messages that wait for pickup, provision?: as M4's body without th and contact, order?: JWS,
// link?, policy?, sigs? (of a transfer)}. One request, one reply that carries all there is; the reply's thid is the
// request's id. The same holds for the other requests of a device.
inline constexpr std::string_view kProvision = "provision", kLink = "link", kPolicy = "policy", kSigs = "sigs",
                                  kRefusedOffer = "refused", kMail = "mail";
// Firmware: offer {id, version, sequence, digest, size}; accept {seq, contact, id, offset, block} (block: the largest
// block size that the device can take); key {seq, next, id, manifest, key, url, block}: GET url + "?from=" + block
// number gives sealed blocks from that one on; report {seq, contact, id, state, version, digest, sequence} with state
// one of kState*; ack {seq, next}
inline constexpr std::string_view kId = "id", kVersion = "version", kSequence = "sequence", kDigest = "digest",
                                  kLength = "size", kOffset = "offset", kBlock = "block", kManifest = "manifest",
                                  kKey = "key", kUrl = "url", kState = "state";
inline constexpr std::string_view kStateConfirmed = "confirmed", kStateFailed = "failed", kStateReverted = "reverted";
// transfer, wipe, retire: {seq, order}: order is a compact JWS by O's authentication key, members below (namespace
// order).
inline constexpr std::string_view kOrder = "order", kNonce = "nonce";
}  // namespace body

// Members of the vp+jwt payloads of M2 and M3.
namespace proof {
inline constexpr std::string_view kIss = "iss", kAud = "aud", kNonce = "nonce", kIat = "iat", kExp = "exp",
                                  kVcs = "vcs", kTh = "th";
inline constexpr std::string_view kPv = "pv";  // M2: P_V
inline constexpr std::string_view kPd = "pd";  // M3: P_D
inline constexpr std::string_view kPack = "pack", kPackLen = "len", kPackSha256 = "sha256", kPackKey = "key";  // M2
inline constexpr std::string_view kWant = "want", kWantEvidence = "evidence", kWantFw = "fw";                  // M2
inline constexpr std::string_view kTyp = "vp+jwt";
}  // namespace proof

// Payload of an owner's order (typ "keel-order+jwt", jwk in the header): {iss: O, aud: Dev, op, seq, iat, exp, to?}.
namespace order {
inline constexpr std::string_view kTyp = "keel-order+jwt";
inline constexpr std::string_view kOp = "op", kIss = "iss", kAud = "aud", kSeq = "seq", kIat = "iat", kExp = "exp",
                                  kLink = "link";
inline constexpr std::string_view kOpTransfer = "transfer", kOpWipe = "wipe", kOpRetire = "retire",
                                  kOpPolicy = "policy";
}  // namespace order

// Paths below an invitation's URL: POST url + "/didcomm" (messages), GET url + "/pack/" + thid + "?from=" + record, GET
// url + "/fw/" + transfer id + "?from=" + block.
inline constexpr std::string_view kMessagePath = "/didcomm", kPackPath = "/pack/", kFirmwarePath = "/fw/",
                                  kFromQuery = "?from=";

inline constexpr std::string_view kVersion1 = "1.0";
inline constexpr uint64_t kSuiteOkp = 1, kSuiteP256 = 2;

}  // namespace keel::onboarding
