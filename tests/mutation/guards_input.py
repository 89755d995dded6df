# SPDX-License-Identifier: Apache-2.0
"""Guards of what strangers and people hand in: lists, text, encodings, keys, HTTP; of slots and backups; of secrets at rest."""
from guards import REGISTRY, guard

# Rendezvous slots, members from a backup -----------------------------------------------------------------------------------
RENDEZVOUS = REGISTRY + "Rendezvous."
FILLED = "test_owner.py Owner.test_3_rendezvous_slots_filled_by_others"
guard("rendezvous newest first", "registry-node/rendezvous.cc", "a->order > b->order", RENDEZVOUS + "NewestFirstOldestGoes", FILLED,
      new="a->order < b->order")
guard("rendezvous oldest goes", "registry-node/rendezvous.cc", "a.order < b.order", RENDEZVOUS + "NewestFirstOldestGoes",
      new="a.order > b.order")
guard("rendezvous slots", "registry-node/rendezvous.cc", "slots.size() >= slots_", RENDEZVOUS + "MoreMembersFewerSlots",
      new="false")
guard("rendezvous answer's size", "registry-node/rendezvous.cc", "if (slots.size() > kMaxPerIndex) slots.resize(kMaxPerIndex);",
      RENDEZVOUS + "NewestFirstOldestGoes")
NODE = "registry-node/node.cc"
BACKUP = REGISTRY + "Node.RestoredBackupIsHeld"
guard("backup smaller than signed", NODE, "signed_before->size > meta_.size", BACKUP,
      "test_attacks.py Attacks.test_8_registry_from_an_old_backup", new="false")
guard("backup of another history", NODE, "root != signed_before->root", REGISTRY + "Node.MissingOrForeignHighWaterFile",
      new="false")
HIGH_WATER = "registry-node/high_water.cc"
guard("high water missing", HIGH_WATER, "!existed && !create", REGISTRY + "Node.MissingOrForeignHighWaterFile", new="false")
guard("high water smaller", HIGH_WATER, 'if (next.size < current_->size) return Fail(Code::kConflict, "high-water", '
      '"a smaller log than the one signed before");', REGISTRY + "Node.MissingOrForeignHighWaterFile")
guard("high water another root", HIGH_WATER, "next.root != current_->root", REGISTRY + "Node.MissingOrForeignHighWaterFile",
      new="false")
guard("high water damaged", HIGH_WATER, "digest == crypto::Sha256::Of(record.first(covered))",
      REGISTRY + "Node.TornHighWaterRecordFallsBackToTheOther", new="true")

# Lists of devices ----------------------------------------------------------------------------------------------------------
CSV = "issuer/csv.cc"
LINE = "keel_issuer_test:CsvTest.SaysLineAndColumn"
LISTS = "test_input.py Input.test_1_lists_of_devices"
guard("list missing column", CSV, "known.required && !found", LINE, LISTS, new="false")
guard("list empty field", CSV, 'if (known->required) return Bad(Code::kMissing, place + "empty: this field is required");', LINE,
      LISTS)
guard("list duplicate serial", CSV, "serials.emplace(row.facts.serial, source.line)", LINE, LISTS,
      new="std::make_pair(serials.begin(), true)")
guard("list bad UTF-8", CSV, "!IsUtf8(AsBytes(field))", LINE, LISTS, new="false")
guard("list UTF-16", CSV, 'text.starts_with("\\xff\\xfe") || text.starts_with("\\xfe\\xff")', LINE, new="false")
guard("list serial", CSV, "!SerialOk(row.facts.serial)", LINE, LISTS, new="false")
guard("list fields of a row", CSV, "row.fields.size() != table.header.size()", LINE, LISTS, new="false")
guard("list without devices", CSV,
      'if (table.rows.empty()) return Bad(Code::kMissing, Place(file_name, 2, 1) + "no device in the list");', LINE, LISTS)

# Text, encodings, keys -----------------------------------------------------------------------------------------------------
guard("json duplicate name", "base/json_strict.cc", "stack_.back()->contains(name)",
      "keel_base_test:JsonStrict.RefusesDuplicateNames", new="false")
guard("json number kept exactly", "base/json_strict.cc", "text.size() > 64 || !Survives(value, text)",
      "keel_base_test:JsonStrict.RefusesNumbersThatDoNotSurvive", new="false")
guard("json text duplicate name", "base/json_text.cc", "!NewName(frame, name)", "keel_didcomm_test:Jwe.RefusesHeaders",
      "test_input.py Input.test_4_broken_http", new="false")
ENCODING = "core/encoding.cc"
CORE = "keel_core_test:"
guard("base64url spare bits", ENCODING, "(bits & ((1u << count) - 1)) != 0", CORE + "Base64Url.RefusesSecondSpellings",
      CORE + "Encodings.DecodeThenEncodeIsTheIdentity", new="false")
guard("base64url length", ENCODING, "in.size() % 4 == 1", CORE + "Base64Url.RefusesSecondSpellings", new="false")
guard("hex in capitals", ENCODING, "return Fail(c >= 'A' && c <= 'F' ? Code::kNotCanonical : Code::kMalformed, \"hex\");",
      CORE + "Hex.LowerCaseOnly")
guard("base58 alphabet", ENCODING, "first == kNone || second == kNone", CORE + "Base58.RefusesForeignCharactersAndSize",
      new="false")
guard("varint minimal", ENCODING, "octet == 0 && result.length > 1", CORE + "Varint.MinimalForm", new="false")
guard("multibase prefix", ENCODING, "if (prefix == 'z') return Base58Decode(in, out);", CORE + "Multibase.PublishedVectors")
KEYS = "crypto/keys.cc"
POINTS = "keel_crypto_test:Keys.RefusesBadPoints"
guard("key length", KEYS, 'if (octets.size() != length) return Fail(Code::kBadKey, "public key length");', POINTS)
guard("key not reduced", KEYS, "NotReduced(y)", POINTS, new="false")
guard("key of small order", KEYS, "IsSmallOrder(y, kOrder8Ed25519)", POINTS, new="false")
guard("agreement key of small order", KEYS, "!IsSmallOrder(u, kOrder8X25519)", POINTS, new="true")
guard("key on the curve", "crypto/hosted/edwards.cc", "crypto_core_ed25519_add(sum.data(), key.data(), key.data()) != 0", POINTS,
      new="false")
guard("signature of low s", "crypto/signature.cc", "!internal::IsLowS(key.type(), signature.subspan(signature.size() / 2))",
      "keel_crypto_test:Wycheproof.EcdsaP256ByOpenSslAndBearSsl", new="false")
guard("signature checked", "crypto/signature.cc", "crypto_sign_ed25519_verify_detached(signature.data(), message.data(), "
      "message.size(), key.bytes().data()) == 0", "keel_crypto_test:Wycheproof.Ed25519", new="true")

# HTTP from strangers, and to them ------------------------------------------------------------------------------------------
HTTP = "base/net/http_server.cc"
SERVER = "keel_base_net_test:HttpServer."
guard("http header's size", HTTP, "parser_->header_limit(static_cast<uint32_t>(server_.options.max_header))",
      SERVER + "HeaderAtTheLimitPassesAndOverItNot", new="parser_->header_limit(UINT32_MAX)")
guard("http body's size", HTTP, "parser_->body_limit(server_.options.max_body)", SERVER + "LimitsHoldAndMemoryStaysBounded",
      new="parser_->body_limit(boost::none)")
guard("http header's deadline", HTTP, "Arm(deadline);", SERVER + "HalfSentRequestsEndAtTheDeadline",
      SERVER + "DripFedHeaderEndsAtTheDeadline")
guard("http body's deadline", HTTP, "Arm(server_.options.body_deadline);", SERVER + "HalfSentRequestsEndAtTheDeadline")
guard("http idle deadline", HTTP, "Arm(server_.options.idle_deadline);", SERVER + "HalfSentRequestsEndAtTheDeadline")
guard("http connections", HTTP, "Open() >= options.max_connections", SERVER + "GoodRequestsPassWhileHundredsStall", new="false")
WEB = "did/methods/web.cc"
FETCH = "keel_did_test:DidWebFetch."
WEB_CLIENT = "did/internal/web_client.cc"
guard("did:web public addresses", WEB_CLIENT, "client.public_addresses_only = true;", FETCH + "RefusesWhereItLeads")
guard("did:web size", WEB_CLIENT, "call.max_response = max_octets;", FETCH + "RefusesAnswers")
guard("did:web document's DID", WEB, "document->id != did", FETCH + "RefusesAnswers", new="false")
guard("did:web host name", WEB, "!IsHostName(host)", "keel_did_test:DidWeb.UrlsRefused", new="false")
guard("did:web redirects", WEB_CLIENT, "response.status != 200", FETCH + "RefusesAnswers", new="false")
guard("did:web deadline", WEB_CLIENT, "client_->Send(call, {.connect = deadline, .total = deadline})", FETCH + "MeetsItsDeadline",
      new="client_->Send(call, {})")
guard("private addresses", "base/net/internal/connection.cc",
      "options.public_only && !IsPublic(address) && !(options.permit_loopback && IsLoopback(address))",
      FETCH + "RefusesWhereItLeads", "keel_base_net_test:Https.OnlyPublicAddresses", new="false")

# Secrets -------------------------------------------------------------------------------------------------------------------
SECRETS = "test_forged.py Forged.test_6_no_secrets_in_logs_or_open_files"
guard("secrets in a core file", "base/process.cc", "::setrlimit(RLIMIT_CORE, &none);", SECRETS)
guard("secrets in a log", "verifier/provision.cc",
      'base::LogInfo("onboarding.done", {{"device", claim.did}, {"serial", claim.serial}, {"thid", claim.thread}})', SECRETS,
      new='base::LogInfo("onboarding.done", {{"device", claim.did}, {"serial", claim.serial}, {"thid", base::Base64Url(rs)}})')
guard("secrets in a file that others read", "crypto/hosted/key_file.cc",
      "::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0600)",
      "keel_crypto_test:KeyStoreFile.KeysAndLabelsSurviveARestart",
      new="::open(next.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644)")
guard("secrets from a file that others read", "base/files.cc", "S_ISREG(info.st_mode) && (info.st_mode & 077) != 0",
      "keel_base_test:Files.PrivateFilesMustBePrivate", new="false")
guard("private folders", "base/files.cc",
      """if (::chmod(path.c_str(), 0700) != 0) return SystemError("file", path, "can't make private", errno);""",
      "keel_base_test:Files.PrivateFilesMustBePrivate")
