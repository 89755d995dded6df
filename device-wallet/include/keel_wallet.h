/* SPDX-License-Identifier: Apache-2.0 */
/*
 * keel_wallet: the device's wallet for zero-touch onboarding, for firmware (C99).
 *
 * The library has no heap, threads, files, sockets, clock or mutable globals. The caller gives the memory, a small set
 * of functions (keel_wallet_ports) and does the transport: it asks keel_wallet_poll() what is to be done next, does it,
 * and feeds the answer back. Every call does bounded work and returns; none blocks. State is saved in the caller's
 * record store before anything depends on it, so power may fail at any moment.
 *
 *   Life:   FACTORY --manufacture_*--> SEEKING --(onboarding)--> ONBOARDED --reset or transfer--> SEEKING
 *                                                                          --retire--> RETIRED
 *
 * Conventions, stated once
 *  - Functions return KEEL_WALLET_OK (0) or a code of keel_wallet_status; outputs are written only on OK unless said.
 *  - Argument order: wallet, inputs, outputs; a size stands right behind its pointer. Outputs of variable length take
 *    the capacity in and give the length out by one pointer; KEEL_WALLET_BUFFER_TOO_SMALL gives the length needed.
 *  - Structures begin with `size`, which the caller sets to sizeof(the structure): a library that is newer than its
 *    caller treats what is missing as zero. Reserved or unknown fields are zero.
 *  - Texts are UTF-8; those that the library gives are zero-terminated unless a length stands beside them.
 *  - now_ms is a monotonic millisecond counter that starts anywhere at start-up and never goes back.
 *  - Thread safety: none; use one wallet from one thread at a time. Two wallets share nothing.
 *
 * Specification: docs/protocols/device-onboarding.md; porting: docs/porting.md.
 */
#ifndef KEEL_WALLET_H
#define KEEL_WALLET_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define KEEL_WALLET_ABI 2

/* ---- Limits ------------------------------------------------------------------------------------------------------ */
#define KEEL_WALLET_DID_MAX 128         /* characters of a DID, with the terminating zero */
#define KEEL_WALLET_URL_MAX 384         /* characters of a request's URL, with the terminating zero */
#define KEEL_WALLET_ENDPOINTS_MAX 4     /* registry endpoints in a stamp */
#define KEEL_WALLET_AUTHORS_MAX 4       /* firmware authors in a stamp */
#define KEEL_WALLET_CREATE_MAX 1200     /* octets of the signed create operation */
#define KEEL_WALLET_CREDENTIAL_MAX 3072 /* octets of the HardwareCredential (vc+jwt) */
#define KEEL_WALLET_BATCH_MAX 1536      /* octets of the credential's batch member (JSON) */
#define KEEL_WALLET_RECORD_MAX 5376     /* octets of the largest record written to the store */
#define KEEL_WALLET_MESSAGE_BUFFER_MIN 8192
#define KEEL_WALLET_VERSION_MAX 72  /* characters of a firmware version, with the terminating zero */
#define KEEL_WALLET_KEY_SLOTS 9     /* hardware key slots, numbered from 1 */
#define KEEL_WALLET_MULTIKEY_MAX 40 /* octets of a rendezvous key with its multicodec */

/* ---- Status codes: the numbers of core/result.h, which never change meaning ----------------------------------------
 */
typedef enum keel_wallet_status {
  KEEL_WALLET_OK = 0,
  KEEL_WALLET_INVALID_ARGUMENT = 1,
  KEEL_WALLET_MALFORMED = 2,
  KEEL_WALLET_TOO_LARGE = 4,
  KEEL_WALLET_BUFFER_TOO_SMALL = 5,
  KEEL_WALLET_UNSUPPORTED = 6,
  KEEL_WALLET_BAD_SIGNATURE = 40,
  KEEL_WALLET_NO_ENTROPY = 44,
  KEEL_WALLET_NOT_FOUND = 82,
  KEEL_WALLET_WRONG_NETWORK = 130,
  KEEL_WALLET_EXPIRED = 163,
  KEEL_WALLET_UNTRUSTED = 168,
  KEEL_WALLET_REFUSED = 170,
  KEEL_WALLET_WRONG_STATE = 171, /* this call does not fit the phase or the action under way */
  KEEL_WALLET_ROLLBACK = 174,
  KEEL_WALLET_LOCKED = 175,     /* factory mode is over */
  KEEL_WALLET_IO = 200,         /* a port function failed */
  KEEL_WALLET_CORRUPT = 201,    /* a record is not what was written */
  KEEL_WALLET_UNAVAILABLE = 208 /* not known yet, e.g. the time before the first quorum time */
} keel_wallet_status;

/* The code's name in lower_snake_case; never NULL. Other codes of core/result.h may come back too. */
const char* keel_wallet_status_name(int status);

/* ---- Ports: what the target supplies (docs/porting.md) --------------------------------------------------------------
 */

/* What a port function returns. */
#define KEEL_PORT_OK 0
#define KEEL_PORT_NOT_FOUND 1 /* store_read: no such record */
#define KEEL_PORT_FAILED (-1)

/* The firmware as the boot loader sees it. */
typedef struct keel_wallet_firmware {
  char version[KEEL_WALLET_VERSION_MAX]; /* of the running image */
  uint64_t sequence;                     /* the running image's SUIT sequence number */
  uint8_t digest[32];                    /* SHA-256 of the running image */
  uint8_t trial; /* 1: running for the first time, reverts at the next restart unless confirmed */
} keel_wallet_firmware;

/* Things worth a line in the device's local log: the peer is told nothing before mutual proof, the owner of the
 * device everything. */
typedef enum keel_wallet_event {
  KEEL_EVENT_STATE = 1,     /* code: new keel_wallet_step; text: its name */
  KEEL_EVENT_REFUSED = 2,   /* an invitation, proof or message was refused; code: status; text: where */
  KEEL_EVENT_WAITING = 3,   /* code: status of what failed; text: what is waited for */
  KEEL_EVENT_ONBOARDED = 4, /* text: the owner's DID */
  KEEL_EVENT_FIRMWARE = 5,  /* code: status or 0; text: what happened */
  KEEL_EVENT_WIPED = 6,     /* owner's secrets erased; text: reset, transfer or retire */
  KEEL_EVENT_NOTICE = 7     /* anything else; text */
} keel_wallet_event;

typedef struct keel_wallet_ports {
  size_t size;   /* sizeof(keel_wallet_ports) */
  void* context; /* given to every function as it is */

  /* Fills `len` octets with randomness fit for keys or fails. Must fail, not wait, when the source is not seeded. */
  int (*random)(void* context, uint8_t* out, size_t len);

  /* Record store. Ids are 1..31. A write replaces the whole record atomically and durably: after a power cut either the
   * old or the new octets are read, whole; after it returned OK, the new ones. Records hold secrets: see
   * docs/porting.md. */
  int (*store_read)(void* context, uint16_t id, uint8_t* out, size_t capacity, size_t* length);
  int (*store_write)(void* context, uint16_t id, const uint8_t* data, size_t length);
  int (*store_erase)(void* context, uint16_t id); /* OK too when there is none */

  /* Firmware slots; all NULL when the target cannot update itself (then offers are declined). */
  int (*firmware_current)(void* context, keel_wallet_firmware* out);
  int (*firmware_begin)(void* context,
                        uint64_t image_size); /* make the spare slot ready; the old image goes on running */
  int (*firmware_write)(void* context, uint64_t offset, const uint8_t* data, size_t length); /* rising offsets; after a
                                                                       restart from the last multiple it is asked for */
  int (*firmware_read)(void* context, uint64_t offset, uint8_t* out, size_t length); /* spare slot, for hashing again */
  int (*firmware_finish)(void* context, uint64_t image_size, uint64_t sequence, const char* version); /* spare slot is
                                                                       complete: boot it on trial at the next restart */
  int (*firmware_confirm)(void* context); /* keep the running image for good */

  /* Evidence of the device's state over the given 32 octets (docs/protocols/device-onboarding.md, M3); NULL: none. */
  int (*evidence)(void* context, const uint8_t over[32], uint8_t* out, size_t capacity, size_t* length);

  /* Keys in hardware (secure element, TPM, PSA key store); all NULL: the wallet keeps software keys in its records.
   * Used by devices of the suite P-256 only. Slots are 1..KEEL_WALLET_KEY_SLOTS, each holds one P-256 key or none; a
   * key never leaves the hardware. Points are 65 octets, 0x04 || x || y. docs/porting.md. */
  int (*key_make)(void* context, uint8_t slot, uint8_t public_key[65]); /* a new random key in the slot, durable when it
                                                                           returns; the one before is gone */
  int (*key_public)(void* context, uint8_t slot, uint8_t public_key[65]);
  int (*key_sign)(void* context, uint8_t slot, const uint8_t digest[32], uint8_t signature[64]); /* ECDSA, r || s */
  int (*key_agree)(void* context, uint8_t slot, const uint8_t peer[65], uint8_t x[32]); /* x coordinate of key * peer */
  int (*key_erase)(void* context, uint8_t slot);                                        /* OK too when there is none */

  /* Local log; NULL: none. Called from inside poll and response; must not call the wallet. */
  void (*event)(void* context, keel_wallet_event event, int code, const char* text);
} keel_wallet_ports;

/* ---- Configuration -------------------------------------------------------------------------------------------------
 */
typedef struct keel_wallet_config {
  size_t size;             /* sizeof(keel_wallet_config) */
  uint32_t abi;            /* KEEL_WALLET_ABI */
  uint8_t* message;        /* the one message buffer; must outlive the wallet; requests' bodies lie in it */
  size_t message_size;     /* at least KEEL_WALLET_MESSAGE_BUFFER_MIN */
  uint32_t backoff_min_ms; /* 0: 60,000 */
  uint32_t backoff_max_ms; /* 0: 3,600,000 */
  uint32_t poll_hold_ms;   /* response time allowed for a registry poll; 0: 25,000 (the registry holds 20 s at most) */
  uint32_t request_ms;     /* response time allowed for any other request; 0: 30,000 */
  uint32_t contact_ms;     /* how often an onboarded device asks its owner for news; 0: what M4 says, else 900,000 */
  uint64_t build_time;     /* of the firmware, UNIX seconds: time below it is never believed */
  uint8_t listen;          /* 1: when there is nothing to do, wait at the owner's service for messages (REQUEST_WAIT) */
} keel_wallet_config;

/* ---- Life cycle of the object
 * ---------------------------------------------------------------------------------------- */
typedef struct keel_wallet keel_wallet;

/* Octets of memory that keel_wallet_init needs, and the alignment (a power of two). */
size_t keel_wallet_size(void);
size_t keel_wallet_alignment(void);

/* Makes a wallet in `memory` (aligned, `memory_size` >= keel_wallet_size()) and loads its records. `ports` and `config`
 * are copied. An interrupted onboarding, update or wipe is gone on with by the next polls.
 * INVALID_ARGUMENT, IO, CORRUPT (a record is damaged: the text of a KEEL_EVENT_NOTICE names it). */
int keel_wallet_init(void* memory, size_t memory_size, const keel_wallet_config* config, const keel_wallet_ports* ports,
                     keel_wallet** wallet);

/* Wipes the object's memory and the message buffer. The records stay. */
void keel_wallet_destroy(keel_wallet* wallet);

/* ---- Factory mode: once, at the station (docs/protocols/factory.md)
 * --------------------------------------------------- */
/* Order: begin (any number of times until the first stamp; each makes the same keys' outputs again once they exist),
 * stamp (each item once or again), read_back, finalize. After finalize every call here returns LOCKED, for good. */

/* What kind of keys a device has, for good: for signatures, and for agreement. */
typedef enum keel_wallet_suite {
  KEEL_SUITE_OKP = 1, /* Ed25519, X25519 */
  KEEL_SUITE_P256 = 2 /* P-256 for both; in hardware when the target has the key_* ports */
} keel_wallet_suite;

typedef struct keel_wallet_factory_input {
  size_t size;
  const char* network_label; /* e.g. "acme-test" */
  uint8_t net[32];           /* H(genesis registry descriptor octets) */
  uint8_t root_seal[32];     /* the manufacturer's seal for this device */
  uint8_t suite;             /* keel_wallet_suite; 0: OKP */
} keel_wallet_factory_input;

typedef struct keel_wallet_factory_output {
  size_t size;
  char did[KEEL_WALLET_DID_MAX];          /* did:keel of the device */
  uint8_t create[KEEL_WALLET_CREATE_MAX]; /* signed create operation (JWS compact), to be anchored */
  size_t create_length;
  uint8_t salt[16];              /* of seal0 in the create operation, which commits to the root seal */
  uint8_t rendezvous_secret[32]; /* RS, for the custodians */
  uint8_t rendezvous_key[KEEL_WALLET_MULTIKEY_MAX]; /* RP, Multikey octets (ec 01 || 32, or 80 24 || 33 compressed), for
                                                       the custodians */
  size_t rendezvous_key_length;
  char next_key[64]; /* Multikey text of the next key committed to (held by this wallet) */
} keel_wallet_factory_output;

/* Makes the identity (authentication and assertion key, next key, RS, rendezvous key pair), saves it, signs the create
 * operation. With an identity already there: the same outputs again when network, seal and suite are equal, else
 * WRONG_STATE. LOCKED, NO_ENTROPY, IO, INVALID_ARGUMENT. */
int keel_wallet_manufacture_begin(keel_wallet* wallet, const keel_wallet_factory_input* input,
                                  keel_wallet_factory_output* output);

typedef enum keel_wallet_stamp_item {
  KEEL_STAMP_CONFIG = 1,     /* JSON object, at most 4,096 octets; members in docs/protocols/factory.md:
                                v 1, manufacturer DID, alternates [DID <= 2], known [operations known of each, in that
                                order], endpoints [url <= 4], authors [Multikey text <= 4], vendor, class (b64u 16 octets
                                each), stale (s), facts (b64u 32), oneWay (bool) */
  KEEL_STAMP_DESCRIPTOR = 2, /* registry descriptor octets; the genesis one's hash must be net */
  KEEL_STAMP_CREDENTIAL = 3, /* HardwareCredential, vc+jwt; its subject must be this device */
  KEEL_STAMP_BATCH = 4       /* its batch member, JSON {salt,i,n,path,index} */
} keel_wallet_stamp_item;

/* Checks and saves one item. MALFORMED, TOO_LARGE, WRONG_NETWORK, UNTRUSTED (credential of another subject), LOCKED. */
int keel_wallet_manufacture_stamp(keel_wallet* wallet, keel_wallet_stamp_item item, const uint8_t* data, size_t length);

typedef struct keel_wallet_read_back {
  size_t size;
  char did[KEEL_WALLET_DID_MAX];
  uint8_t config_hash[32]; /* SHA-256 of the octets stamped for each item */
  uint8_t descriptor_hash[32];
  uint8_t credential_hash[32];
  uint8_t batch_hash[32];
  uint8_t root_seal[32];
  uint8_t create_hash[32];
} keel_wallet_read_back;

/* Reads the records again from the store (not from memory) and hashes what is there. WRONG_STATE when an item is
 * missing. */
int keel_wallet_manufacture_read_back(keel_wallet* wallet, keel_wallet_read_back* output);

/* Proves the identity key to the station: signs "keel-station/1\n" || challenge with it. 64 octets out. */
int keel_wallet_manufacture_prove(keel_wallet* wallet, const uint8_t challenge[32], uint8_t signature[64]);

/* Locks factory mode for good, in one write. WRONG_STATE when an item is missing. */
int keel_wallet_manufacture_finalize(keel_wallet* wallet);

/* ---- Running
 * ----------------------------------------------------------------------------------------------------------- */
typedef enum keel_wallet_action_kind {
  KEEL_ACTION_WAIT = 0,    /* nothing until wake_ms (UINT64_MAX: until a call); poll again then */
  KEEL_ACTION_REQUEST = 1, /* make the HTTP request, then feed its answer */
  KEEL_ACTION_RESTART = 2  /* restart the device into the spare slot when convenient; repeated until it is done */
} keel_wallet_action_kind;

typedef enum keel_wallet_request_kind {
  KEEL_REQUEST_REGISTRY = 1, /* R0: POST application/octet-stream; answer is fed streaming */
  KEEL_REQUEST_DIDCOMM = 2,  /* POST application/didcomm-encrypted+json, return route in the response body */
  KEEL_REQUEST_PACK = 3,     /* GET of the proof pack */
  KEEL_REQUEST_WAIT = 5,  /* as DIDCOMM, but the answer may be held back for 20 s: there may be no message yet. Whoever
                             has something else to do meanwhile calls keel_wallet_abandon() instead of feeding it */
  KEEL_REQUEST_BLOCKS = 4 /* GET of firmware blocks; the answer may be fed as far as it came: the rest is asked again */
} keel_wallet_request_kind;

typedef struct keel_wallet_request {
  keel_wallet_request_kind kind;
  const char* method;       /* "GET" or "POST" */
  const char* url;          /* whole URL; valid until the answer ends */
  const char* content_type; /* of the body; NULL for GET */
  const uint8_t* body;      /* valid until keel_wallet_response_begin or keel_wallet_failed */
  size_t body_length;
  size_t response_limit; /* octets that make sense; more may be cut off and treated as failed */
  uint32_t timeout_ms;
} keel_wallet_request;

typedef struct keel_wallet_action {
  size_t size; /* sizeof(keel_wallet_action); set by the caller */
  keel_wallet_action_kind kind;
  uint64_t wake_ms; /* WAIT: when to poll again, on the scale of now_ms */
  keel_wallet_request request;
} keel_wallet_action;

/* What is to be done next. While a request is under way (given, not yet answered) the same one is given again.
 * IO, CORRUPT: a port failed; poll again later. */
int keel_wallet_poll(keel_wallet* wallet, uint64_t now_ms, keel_wallet_action* action);

/* Feeds the answer of the request under way: begin with the HTTP status, any number of chunks of any size, end. A chunk
 * that returns anything but OK ends the answer: stop reading, call nothing else for it, poll. keel_wallet_failed() in
 * place of (or amid) them says that no (whole) answer came. The library decides what a refused answer means; the
 * return value is for the log only. WRONG_STATE when no request is under way. */
int keel_wallet_response_begin(keel_wallet* wallet, uint64_t now_ms, int http_status);
int keel_wallet_response_chunk(keel_wallet* wallet, const uint8_t* data, size_t length);
int keel_wallet_response_end(keel_wallet* wallet, uint64_t now_ms);
int keel_wallet_failed(keel_wallet* wallet, uint64_t now_ms);

/* begin, one chunk, end. */
int keel_wallet_response(keel_wallet* wallet, uint64_t now_ms, int http_status, const uint8_t* data, size_t length);

/* An invitation that came another way (file, QR code, DNS-SD): as it stands in a rendezvous value, at most 700 octets.
 * It is tried next. It is believed no more than any other. WRONG_STATE unless seeking an owner. */
int keel_wallet_offer_invitation(keel_wallet* wallet, const uint8_t* invitation, size_t length);

/* Poll the owner now instead of at the next contact time. */
int keel_wallet_contact_now(keel_wallet* wallet);

/* ---- Messages to other devices of the fleet (docs/protocols/device-messages.md)
 * ------------------------------------- */

/* Pings `did`: another device's pairwise DID (keel_wallet_info.pairwise there), through the owner's service; NULL,
 * empty or the owner's DID: the owner's service itself. What comes of it: keel_wallet_get_ping, while polling goes on.
 * A second call forgets the first. WRONG_STATE unless onboarded; UNSUPPORTED (another kind of DID, a device of the
 * other suite), INVALID_ARGUMENT (ourselves). */
int keel_wallet_ping(keel_wallet* wallet, uint64_t now_ms, const char* did);

typedef enum keel_wallet_ping_state {
  KEEL_PING_NONE = 0,
  KEEL_PING_WANTED = 1,   /* not sent yet */
  KEEL_PING_ANSWERED = 2, /* round_trip_ms says when */
  KEEL_PING_REFUSED = 3,  /* by the owner's service or the other device; problem says why */
  KEEL_PING_SENT = 4      /* no answer yet; there may never be one */
} keel_wallet_ping_state;

typedef struct keel_wallet_ping_result {
  size_t size;
  keel_wallet_ping_state state;
  uint32_t round_trip_ms;
  char problem[68]; /* problem code, e.g. "e.p.xfer.no-such-recipient" */
} keel_wallet_ping_result;

int keel_wallet_get_ping(const keel_wallet* wallet, keel_wallet_ping_result* result);

/* Ends a request of kind WAIT without an answer and without harm: what is delivered meanwhile is delivered again.
 * WRONG_STATE when none is under way. */
int keel_wallet_abandon(keel_wallet* wallet, uint64_t now_ms);

/* ---- State for people and for the application
 * --------------------------------------------------------------------------- */
typedef enum keel_wallet_phase {
  KEEL_PHASE_FACTORY = 0,
  KEEL_PHASE_SEEKING = 1, /* looking for the owner, or onboarding */
  KEEL_PHASE_ONBOARDED = 2,
  KEEL_PHASE_RETIRED = 3
} keel_wallet_phase;

typedef enum keel_wallet_step {
  KEEL_STEP_FACTORY = 0,
  KEEL_STEP_RENDEZVOUS = 1, /* R0 */
  KEEL_STEP_HELLO = 2,      /* M1 */
  KEEL_STEP_PACK = 3,       /* PK */
  KEEL_STEP_PROOF = 4,      /* M3 */
  KEEL_STEP_DONE = 5,       /* M5 until M6 */
  KEEL_STEP_TIME = 6,       /* onboarded, R0 for the time after a restart */
  KEEL_STEP_CONTACT = 7,    /* pairwise message to the owner */
  KEEL_STEP_FIRMWARE = 8,   /* blocks */
  KEEL_STEP_RESTART = 9,    /* waiting for the restart */
  KEEL_STEP_TRIAL = 10,     /* new image runs on trial: waiting for keel_wallet_health */
  KEEL_STEP_DORMANT = 11,   /* onboarded, nothing to do */
  KEEL_STEP_BACKOFF = 12,
  KEEL_STEP_RETIRED = 13
} keel_wallet_step;

const char* keel_wallet_step_name(keel_wallet_step step);

typedef struct keel_wallet_info {
  size_t size;
  keel_wallet_phase phase;
  keel_wallet_step step;
  char did[KEEL_WALLET_DID_MAX];   /* own DID; empty before manufacture_begin */
  char owner[KEEL_WALLET_DID_MAX]; /* the owner's DID once proved; else empty */
  char pairwise[256];              /* own pairwise DID (P_D) while in a session or onboarded; else empty */
  uint32_t generation;             /* of the active provision; 0: none */
  int last_status;                 /* of the last refusal or failure; 0: none */
  const char* last_where;          /* where it happened; never NULL */
  uint64_t firmware_offset;        /* octets of the offered image in the spare slot */
  uint64_t firmware_size;          /* of the offered image; 0: no transfer */
  uint64_t rollback_counter;       /* lowest sequence number that is accepted */
  uint64_t time;                   /* UNIX seconds at now_ms by quorum time; 0: not known yet */
  uint32_t round_trips;            /* requests answered since init */
  uint64_t bytes_sent;             /* bodies, since init */
  uint64_t bytes_received;
} keel_wallet_info;

int keel_wallet_get_info(const keel_wallet* wallet, uint64_t now_ms, keel_wallet_info* info);

/* The active provision as the owner sent it (JSON): network credentials, configuration. NOT_FOUND before onboarding.
 * `length`: capacity in, length out. At most KEEL_WALLET_RECORD_MAX octets. Holds secrets. */
typedef enum keel_wallet_document {
  KEEL_DOCUMENT_PROVISION = 1, /* body of M4: {fleet, network, config, ...} */
  KEEL_DOCUMENT_HARDWARE_CREDENTIAL = 2,
  KEEL_DOCUMENT_STAMP = 3 /* KEEL_STAMP_CONFIG as stamped */
} keel_wallet_document;
int keel_wallet_read_document(keel_wallet* wallet, keel_wallet_document document, uint8_t* out, size_t* length);

/* A short-lived token for the owner's broker: compact JWS by the pairwise key (onboarding/token.h); iss and subject are
 * the pairwise DID. `audience` names the broker or fleet. `length`: capacity in, length out (at most 1,024).
 * WRONG_STATE unless onboarded; UNAVAILABLE until the time is known (poll on). */
int keel_wallet_sign_token(keel_wallet* wallet, uint64_t now_ms, const char* audience, uint32_t lifetime_s, char* out,
                           size_t* length);

/* While the step is TRIAL: the application's verdict on the new image. healthy != 0: confirmed, and only then the
 * rollback counter rises and the owner is told. healthy == 0: RESTART follows and the boot loader reverts. */
int keel_wallet_health(keel_wallet* wallet, int healthy);

/* A person's reset at the device: erases session, owner's credentials and configuration, keeps identity and ownership
 * base, goes back to SEEKING: only the last seal's holder can claim it then. WRONG_STATE in FACTORY and RETIRED. */
int keel_wallet_owner_reset(keel_wallet* wallet);

#ifdef __cplusplus
}
#endif

#endif /* KEEL_WALLET_H */
