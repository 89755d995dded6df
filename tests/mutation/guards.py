# SPDX-License-Identifier: Apache-2.0
"""The guards that mutate.py takes out, one at a time, and the tests that must fail without each.

`old` is a statement of the file, white space aside, that is left out; or with `new` an expression that is replaced. The first
test named is the narrowest; tests of tests/system/onboarding follow where a user would see it.
"""
import collections

Guard = collections.namedtuple("Guard", "name file old tests new", defaults=(None,))
GUARDS = []


def guard(name, file, old, *tests, new=None):
    GUARDS.append(Guard(name, file, old, tests, new))


# The device: owner's proof (M2) --------------------------------------------------------------------------------------------
M2 = "keel_wallet_test:WalletRefuses.EachFieldOfTheOwnersProofGoneBad"
BODY = "keel_wallet_test:WalletRefuses.ABadOwnersProofBody"
HANDSHAKE = "device-wallet/core/handshake.cc"
RELAY = "test_forged.py Forged.test_1_relay_that_encrypts_anew"
SPLICE = "keel_wallet_test:WalletRefuses.AReplayedM2OfAnotherSession"
guard("m2 aud", HANDSHAKE, 'if (aud != session_.pd.view()) return Fail(Code::kWrongAudience, "M2");', M2, RELAY)
guard("m2 nonce", HANDSHAKE, 'if (nonce != session_.nd) return Fail(Code::kWrongNonce, "M2");', M2)
guard("m2 not yet", HANDSHAKE, 'if (!NotBeforeOk(iat, Now())) return Fail(Code::kNotYetValid, "M2");', M2)
guard("m2 expired", HANDSHAKE,
      'if (!NotAfterOk(exp, Now()) || exp > iat + onboarding::kProofLifeSeconds) return Fail(Code::kExpired, "M2");', M2)
guard("m2 pv", HANDSHAKE, 'if (pv != session_.pv.view()) return Fail(Code::kWrongSender, "M2 pv");', M2)
guard("m2 transcript", HANDSHAKE, 'if (th != transcript_.value()) return Fail(Code::kWrongTranscript, "M2");', M2)
guard("m2 vcs", HANDSHAKE, 'if (vcs != claim_.cred) return Fail(Code::kUntrusted, "M2 vcs");', M2)
guard("m2 signature", HANDSHAKE, "KEEL_TRY_VOID(VerifyJwt(vp, vp.jwk));", BODY)
guard("m2 suite", HANDSHAKE, 'if (suite != state_.suite) return Fail(Code::kUnsupported, "M2 suite");', BODY)
guard("m2 delegation", HANDSHAKE, 'if (m.body.Has(body::kDc)) return Fail(Code::kUnsupported, "M2 delegation");', BODY)
PAPER = "keel_wallet_test:WalletRefuses.CredentialOfAnotherDeviceOrOwner"
guard("m2 credential's device", HANDSHAKE,
      'if (id != state_.did.view()) return Fail(Code::kUntrusted, "M2 credential of another device");', PAPER)
guard("m2 credential's owner", HANDSHAKE,
      'if (owner != claim_.owner.view()) return Fail(Code::kUntrusted, "M2 credential of another owner");', PAPER,
      "test_owner.py Owner.test_1_rogue_verifier")
MESSAGES = "keel_wallet_test:WalletRefuses.MessagesOfAnotherThreadSenderOrType"
guard("message from", HANDSHAKE, 'if (from != PeerPairwise()) return Fail(Code::kWrongSender, "message from");', MESSAGES)
guard("message to", HANDSHAKE,
      'if (!IsOneText(json.Get(hdr::kTo), OwnPairwise())) return Fail(Code::kWrongRecipient, "message to");', MESSAGES)
guard("message thid", HANDSHAKE, 'if (got_thid != thid) return Fail(Code::kReplayed, "message thid");', MESSAGES)

# The device: the proof pack ------------------------------------------------------------------------------------------------
PACK = "ledger/pack_verifier.cc"
guard("pack freshness", PACK, "AcceptCheckpoint(size_, time_, expect_->freshness)",
      "keel_ledger_test:Pack.ASavedPackIsStoppedByFreshness", "keel_wallet_test:WalletRefuses.AnOldOwnerWithASavedPack",
      new="Result<>()")
guards_of_pack = [
    ("pack credential", 'if (chain_.end().k == 0 || chain_.end().cred != expect_->cred) { return Fail(Code::kUntrusted, '
     '"pack: the credential is not the last link\'s"); }', "AWrongCredentialIsStoppedByItsHash"),
    ("pack digest", 'if (digest_.Final() != expect_->sha256) return Fail(Code::kConflict, "pack digest");',
     "LengthDigestAndRecordsAreBound"),
    ("pack owner deactivated", 'if (history_.deactivated()) return Fail(Code::kDeactivated, "pack: the owner\'s DID");',
     "ADeactivatedOwnerIsRefused"),
    ("pack owner's key", 'if (!history_.IsCurrent(expect_->owner_key, expect_->owner_use)) { return Fail(Code::kUntrusted, '
     '"pack: the proof\'s key is not a current key of the owner"); }', "TheProofsKeyMustBeTheOwnersNow"),
    ("pack owner's history shrinks", 'if (history_.count() < expect_->known_operations) return Fail(Code::kStale, '
     '"pack: the owner\'s history is shorter than known");', "AKnownOwnersHistoryMayNotShrinkOrChange"),
    ("pack state", "KEEL_TRY_VOID(VerifyStateProof(state, size_, root_));", "EveryOctetCounts"),
    ("pack order", 'if (!MayFollow(stage_, tag)) return Fail(Code::kMalformed, "pack: order of items");',
     "EveryOrderButTheRightOneIsRefused"),
]
for name, old, test in guards_of_pack:
    guard(name, PACK, old, "keel_ledger_test:Pack." + test)
guard("pack owner's head", PACK, "VerifyPresent(body, root_, DidKey(expect_->owner), history_.MapValue())",
      "keel_ledger_test:Pack.AHiddenOperationIsRefused", new="Result<>()")
LINK = "ledger/link.cc"
guard("chain tail", LINK, "KEEL_TRY_VOID(VerifyAbsent(map_proof, map_root, SealKey(end_.seal)));",
      "keel_ledger_test:Pack.AnOldOwnerWithFreshProofsIsStoppedByTail",
      "keel_wallet_test:WalletRefuses.AnOldOwnerWithFreshProofs")
guard("chain spent", LINK,
      "KEEL_TRY_VOID(VerifyPresent(map_proof, map_root, SealKey(spent_seal_), SpendMapValue(end_.prev, log_index)));",
      "keel_ledger_test:Pack.ADoubleSaleIsStoppedByTheMapValue", "keel_wallet_test:WalletRefuses.AForgedFirstLink")
guard("chain spend's signature", LINK, "KEEL_TRY_VOID(VerifySpend(net_, end_.seal, hash, policy, sigs));",
      "keel_ledger_test:Pack.ASpendSignedByAnotherKeyIsRefused", "keel_custody_test:AttackTest.EveryPartOfTheChainGoneBad",
      "test_forged.py Forged.test_3_forged_sales")
guard("chain device", LINK, 'if (link.device_tag != device_tag_) return Fail(Code::kBadChain, "link of another device");',
      "keel_ledger_test:ChainTest.EachFieldOfALinkIsChecked")
guard("chain prev", LINK, 'if (link.prev != end_.prev) return Fail(Code::kBadChain, "link prev");',
      "keel_ledger_test:ChainTest.EachFieldOfALinkIsChecked")

# Everybody: quorum, time, map ----------------------------------------------------------------------------------------------
guard("checkpoint quorum", "ledger/checkpoint.cc",
      'if (checkpoint.count < members.quorum) return Fail(Code::kNoQuorum, "checkpoint");',
      "keel_ledger_test:Checkpoint.QuorumRules")
guard("checkpoint cosignature", "ledger/checkpoint.cc",
      'if (!good) return Fail(Code::kBadSignature, "checkpoint cosignature");', "keel_ledger_test:Checkpoint.QuorumRules",
      "keel_registry_client_test:LiarTest.CosignatureOfNobodyOrNone")
guard("checkpoint epoch", "ledger/checkpoint.cc",
      'if (checkpoint.epoch != members.epoch) return Fail(Code::kWrongEpoch, "checkpoint epoch");',
      "keel_ledger_test:Pack.TooFewMembersOrAnotherEpochIsRefused")
guard("checkpoint smaller", "ledger/checkpoint.cc", 'if (size < freshness.largest_size) return Fail(Code::kStale, '
      '"checkpoint: smaller than one accepted before");', "keel_ledger_test:Checkpoint.Acceptance",
      "keel_registry_client_test:LiarTest.LargestCheckpointIsRememberedOverARestart")
guard("time statement", "ledger/quorum_time.cc", "if (!good) continue;", "keel_ledger_test:TimeTest.TooFewOrBadStatements",
      "keel_wallet_test:WalletRefuses.ALyingRegistry", "test_attacks.py Attacks.test_4_lying_registry_to_the_device")
guard("time of one member twice", "ledger/quorum_time.cc", "s.member >= members.count || seen[s.member]",
      "keel_ledger_test:TimeTest.TooFewOrBadStatements", new="s.member >= members.count")
guard("time floor", "ledger/quorum_time.cc", 'if (t < floor) return Fail(Code::kStale, "quorum time: before the floor");',
      "keel_ledger_test:TimeTest.JudgedByTicksAndFloor")
guard("map presence", "ledger/map_proof.cc", "if (RootOf(p, key, MapLeaf(key, crypto::Sha256::Of(value))) != root) return "
      'Fail(Code::kBadProof, "map proof");', "keel_ledger_test:MapProof.EveryOctetOfEveryKindCounts",
      "keel_registry_client_test:LiarTest.WrongMapProof")
guard("map absence", "ledger/map_proof.cc", 'if (RootOf(p, key, end) != root) return Fail(Code::kBadProof, "map proof");',
      "keel_ledger_test:MapProof.EveryOctetOfEveryKindCounts", "keel_registry_client_test:LiarTest.AbsenceOfSomethingElse")
guard("map another leaf elsewhere", "ledger/map_proof.cc",
      "if (MapBit(p.other_key, i) != MapBit(key, i)) "
      'return Fail(Code::kBadProof, "map proof: the other key is elsewhere");',
      "keel_ledger_test:MapProof.ALeafInTheWrongPlaceProvesNothing")
EPOCH = "keel_ledger_test:EpochTest.WrongStepsAreRefused"
guard("descriptor's roots committed", "ledger/epoch.cc", "KeyHashOfText(next.roots[i]) != current.next[i]", EPOCH, new="false")
guard("descriptor's predecessor", "ledger/epoch.cc",
      'if (next.prev != DescriptorHash(current.octets)) return Fail(Code::kConflict, "descriptor prev");', EPOCH)
guard("client two roots", "registry-client/registry_client.cc", 'if (checkpoint.size == largest && checkpoint.root != '
      'largest_root) { return Fail(Code::kUntrusted, "checkpoint", '
      '"two roots for one size: the registry\'s members signed contradicting histories"); }',
      "keel_registry_client_test:LiarTest.TwoHistoriesOfOneSize")
guard("client head", "registry-client/registry_client.cc",
      "KEEL_TRY_VOID(ledger::VerifyPresent(head, checkpoint.map_root, key, history.MapValue()));",
      "keel_registry_client_test:LiarTest.OlderHistory")

# The device: provision, orders, firmware -----------------------------------------------------------------------------------
M4 = "keel_wallet_test:WalletRefuses.EachFieldOfTheProvisionGoneBad"
FLEET = "keel_wallet_test:WalletRefuses.AFleetCredentialOfAnotherSubjectIssuerOrTime"
PROVISION = "device-wallet/core/provision.cc"
guard("m4 transcript", PROVISION,
      'if (!th || *th != transcript_.value()) return refuse(Fail(Code::kWrongTranscript, "M4").error());', M4)
guard("m4 generation", PROVISION, "renewal ? g != uint64_t{last_generation} + 1 : g <= last_generation", M4,
      "keel_wallet_test:WalletLife.ARenewalIsTheNextGenerationOnly", new="false")
guard("fleet credential key", PROVISION, 'if (!known) return Fail(Code::kUntrusted, "fleet credential key");', M4)
guard("fleet credential signature", PROVISION, "KEEL_TRY_VOID(VerifyJwt(vc, key));", M4)
guard("fleet credential subject", PROVISION,
      'if (id != pd) return Fail(Code::kWrongAudience, "fleet credential subject");', FLEET)
guard("fleet credential issuer", PROVISION,
      'if (issuer != owner.did.view()) return Fail(Code::kUntrusted, "fleet credential issuer");', FLEET)
guard("fleet credential expired", PROVISION, 'if (!NotAfterOk(t, now)) return Fail(Code::kExpired, "fleet credential");', FLEET)
guard("fleet credential not yet", PROVISION, 'if (!NotBeforeOk(t, now)) return Fail(Code::kNotYetValid, "fleet credential");',
      FLEET)
guard("m6 transcript", PROVISION, "m.type != Message::kAck || !th || *th != transcript_.value()",
      "keel_wallet_test:WalletRefuses.ALostAcknowledgementOfAnotherTranscript", new="m.type != Message::kAck || !th")
ORDERS = "keel_wallet_test:WalletLife.OrdersNeedTheOwnersSignature"
RELATION = "device-wallet/core/relation.cc"
guard("order key", RELATION, 'if (!known) return Fail(Code::kUntrusted, "order key");', ORDERS)
guard("order device", RELATION, 'if (aud != state_.did.view()) return Fail(Code::kWrongAudience, "order");', ORDERS)
guard("order seq", RELATION, 'if (seq != state_.generation) return Fail(Code::kReplayed, "order seq");', ORDERS)
guard("order transfer's link", RELATION, "KEEL_TRY_VOID(chain.Link(ByteView(link).first(link_length), "
      "ByteView(policy).first(policy_length), ByteView(sigs).first(sigs_length)));",
      "keel_wallet_test:WalletLife.ATransferNeedsTheLinkThatSpendsItsSeal")
guard("reply seq", RELATION, 'if (!seq || *seq <= state_.seq_in) return refuse(Fail(Code::kReplayed, "reply seq").error());',
      "keel_wallet_test:WalletLife.AReplyMustHaveANewerNumber")
UPDATE = "device-wallet/core/update.cc"
SEEK = "device-wallet/core/seek.cc"
guard("invitation refused before", SEEK, "WasRefused(hash) || WasSilent(hash)",
      "keel_wallet_test:WalletOnboarding.WhatWasRefusedIsNotTriedAgain",
      "keel_wallet_test:WalletOnboarding.TheListOfRefusedInvitationsIsBounded", new="WasSilent(hash)")
guard("invitation forgiven", SEEK, "refused_count_ > 0 && ++empty_handed_ >= kForgetAfter",
      "keel_wallet_test:WalletOnboarding.ARefusalIsNotForEver", new="false")
guard("wait for the registry", SEEK, 'BackOff(request_.error, "registry");',
      "keel_wallet_test:WalletOnboarding.BusyAndDownAreWaitedFor", "test_path.py Path.test_6_services_away")
guard("wait doubles", "onboarding/backoff.cc", "i < failures && wait < max_ms",
      "keel_onboarding_test:BackoffTest.DoublesWithJitterToAnHour", new="false")
guard("wait's end", "onboarding/backoff.cc", "if (wait > max_ms) wait = max_ms;",
      "keel_onboarding_test:BackoffTest.DoublesWithJitterToAnHour")
guard("wait's jitter", "onboarding/backoff.cc", "half + (wait - half) * random / UINT32_MAX",
      "keel_onboarding_test:BackoffTest.DoublesWithJitterToAnHour", new="wait")
MANIFEST = "keel_wallet_test:WalletFirmware.BadManifestsAreRefusedAndReported"
guard("firmware author", "onboarding/suit.cc", "good && *good", MANIFEST,
      "test_forged.py Forged.test_5_firmware_of_a_stranger", new="true")
guard("firmware class", UPDATE, "if (manifest.vendor != stamp.vendor || manifest.device_class != stamp.device_class) { return "
      'Fail(Code::kUntrusted, "firmware of another vendor or class"); }', MANIFEST)
guard("firmware rollback", UPDATE, "if (manifest.sequence < state_.rollback || manifest.sequence < current.sequence) return "
      'Fail(Code::kRollback, "firmware sequence");', MANIFEST)
guard("firmware as offered", UPDATE, "if (!goes_on && (manifest.sequence != offer.sequence || manifest.size != offer.size || "
      "manifest.digest != offer.digest)) { return Fail(Code::kConflict, \"manifest is not what was offered\"); }", MANIFEST)
guard("firmware digest", UPDATE, "hash.Final() != firmware_.digest",
      "keel_wallet_test:WalletFirmware.AnImageThatIsNotTheManifestsIsRefused", new="false")
ENVELOPE = "device-wallet/core/envelope.cc"
HEADERS = "keel_wallet_test:Envelope.RefusesHeadersByName"
guard("envelope skid", ENVELOPE, "!header.skid.empty() && header.skid != kid", HEADERS, new="false")
guard("envelope apu", ENVELOPE,
      'if (!IsBase64UrlOf(header.apu, AsBytes(kid))) return Fail(Code::kWrongSender, "envelope apu");', HEADERS)
guard("envelope algorithm", ENVELOPE,
      'if (header.authcrypt != (peers != nullptr)) return Fail(Code::kAlgorithmNotAllowed, "envelope alg");', HEADERS)
guard("envelope crit", ENVELOPE, 'if (json.Has("crit") || json.Has("zip")) return Fail(Code::kUnsupported, "envelope crit");',
      HEADERS)

# The owner's verifier ------------------------------------------------------------------------------------------------------
ONBOARDING = "verifier/onboarding.cc"
SERVICE = "keel_verifier_service_test:VerifierService."
ORDER = "test_forged.py Forged.test_2_messages_out_of_their_order"
guard("hello invitation", ONBOARDING, "in.message.pthid != base::Base64Url(claim.invitation_id) || in.ours != claim.invited_as",
      ORDER, new="false")
guard("hello versions", ONBOARDING, "if (std::find(versions.begin(), versions.end(), onboarding::kVersion1) == versions.end()) "
      'return Fail(Code::kUnknownVersion, "hello");', ORDER)
guard("hello suites", ONBOARDING, "std::find(suites->begin(), suites->end(), json(suite)) == suites->end()", ORDER, new="false")
CONTACT = "keel_verifier_service_test:DeviceProofTest.ContactsOfTheDeviceThatWasLetInOnly"
PROOF = "keel_verifier_service_test:DeviceProofTest.EachFieldGoneBad"
for name, old in (
        ("m3 iss", 'if (issuer != device) return Fail(Code::kWrongSender, "device proof", "iss is not the device of this claim");'),
        ("m3 key", 'if (key == nullptr) return Fail(Code::kUntrusted, "device proof", '
                   '"the signing key is no current authentication key of the device");'),
        ("m3 signature", 'if (!signed_well) return Fail(Code::kBadSignature, "device proof");'),
        ("m3 aud", 'if (audience != parts_.owner.did) return Fail(Code::kWrongAudience, "device proof");'),
        ("m3 pd", 'if (pairwise != in.theirs) return Fail(Code::kWrongSender, "device proof", '
                  '"pd is not who sent it: a relayed proof");'),
        ("m3 time", "if (!NotBeforeOk(issued, now) || !NotAfterOk(issued + onboarding::kProofLifeSeconds, now)) "
                    'return Fail(Code::kExpired, "device proof");'),
        ("m3 vcs", "if (credentials.size() != 1 || credentials.front() != base::Base64Url(crypto::Sha256::Of(vc))) { return "
                   'Fail(Code::kConflict, "device proof", "vcs is not the hash of the credential beside it"); }'),
        ("m3 nonce", 'if (sent.nonce != nonce) return Fail(Code::kWrongNonce, "device proof");'),
        ("m3 transcript", "if (base::Base64Url(sent.th2) != th) continue;")):
    if name != "m3 key":  # without it there is no key to verify with
        guard(name, ONBOARDING, old, PROOF)
guard("policy", ONBOARDING, "!report.judgement.accepted", SERVICE + "PolicyRefusesAndExplainsItself",
      "test_input.py Input.test_2_policy", "test_input.py Input.test_3_revoked_by_its_maker",
      "test_forged.py Forged.test_4_hardware_credentials", new="false")
guard("clone", ONBOARDING, "claim.state == ClaimState::kHeld",
      SERVICE + "ACopyOfADeviceIsHeldUntilTheOwnerDecides", "test_owner.py Owner.test_8_cloned_wallet",
      "test_owner.py Owner.test_9_reset_by_hand", new="false")
guard("claim's steps", "verifier/records.cc", "step.legal", SERVICE + "ADeviceThatWasSoldOnIsToldAndGoesToItsNextOwner", new="true")
guard("m5 transcript", "verifier/provision.cc", 'if (th != claim.th4) return Fail(Code::kWrongTranscript, "done");',
      "keel_verifier_service_test:DeviceProofTest.DoneOfAnotherTranscriptOrGeneration")
guard("m5 generation", "verifier/provision.cc",
      'if (generation != claim.generation) return Fail(Code::kConflict, "done", "another generation");',
      "keel_verifier_service_test:DeviceProofTest.DoneOfAnotherTranscriptOrGeneration")
guard("contact seq", "verifier/lifecycle.cc", "seq <= claim.seq_in", CONTACT,
      "keel_verifier_service_test:ReplayTest.TenThousandToTheOwner", new="false")
guard("contact secret", "verifier/lifecycle.cc", "!newest && !ConstantTimeEqual(contact, claim.contact_secret)",
      CONTACT, new="false")
RENEWAL = "keel_verifier_service_test:DeviceProofTest.ARenewalWhoseReplyWasLostComesAgain"
guard("renewal again", "verifier/lifecycle.cc", "generation < claim.generation", RENEWAL, new="false")
guard("order alone", "verifier/lifecycle.cc", "InFleet(claim.state) && claim.order.empty()", RENEWAL,
      new="InFleet(claim.state)")
HARDWARE = "keel_verifier_service_test:HardwareTest."
guard("hardware trust", "verifier/hardware_check.cc",
      "if (options.trusted_issuers.empty()) options.trusted_issuers = {maker};",
      HARDWARE + "WithoutAListTheMakerOfTheSaleIsTrustedAndNobodyElse", "test_forged.py Forged.test_4_hardware_credentials")
guard("hardware type", "verifier/hardware_check.cc", "!verification.credential.Is(vc::kHardwareCredential)",
      HARDWARE + "PapersThatAreNot", new="false")
guard("hardware maker deactivated", "verifier/hardware_check.cc", "history.deactivated",
      HARDWARE + "ADeactivatedManufacturersDevicesAreRefusedByName",
      "test_forged.py Forged.test_9_manufacturer_that_is_no_more", new="false")
guard("pack of a sale that isn't anchored", "verifier/prover.cc",
      "!value || value->link_hash != ledger::LinkHash(ByteView(link.item).first(ledger::kLinkRecord))",
      "keel_verifier_service_test:ChecksTest.NoPackForALinkThatTheLedgerDoesNotHold", new="!value")
guard("pack of a device passed on", "verifier/prover.cc", "if (tail.value) return Fail(Code::kConflict, \"proof pack\", "
      '"our seal of " + claim.did + " is spent: the device was passed on");',
      "test_owner.py Owner.test_2_former_owner")

# Credentials ---------------------------------------------------------------------------------------------------------------
VC = "vc/verification.cc"
guard("vc signature", VC, "verdict && *verdict", "keel_vc_test:CredentialTest.AChangedPayloadIsInvalid", new="true")
COMMON = "vc/common_checks.cc"
guard("vc not yet valid", COMMON, "credential.valid_from && !NotBeforeOk(*credential.valid_from, now)",
      "keel_vc_test:CredentialTest.TimesAreJudged", "test_forged.py Forged.test_4_hardware_credentials", new="false")
guard("vc expired", COMMON, "credential.valid_until && !NotAfterOk(*credential.valid_until, now)",
      "keel_vc_test:CredentialTest.TimesAreJudged", "test_forged.py Forged.test_3_forged_sales", new="false")
guard("vc subject", COMMON, "!credential.subjects.empty() && credential.subjects[0] == *options.subject",
      "keel_vc_test:CredentialTest.SubjectAndTrust", "test_forged.py Forged.test_4_hardware_credentials", new="true")
guard("vc status set", COMMON, "if (Invalidates(entry.purpose)) ok = false;",
      "keel_vc_test:StatusListTest.RevokedCredentialIsInvalid", "test_input.py Input.test_3_revoked_by_its_maker")
guard("vc untrusted fetch", COMMON,
      "if (!genuine || (!options.trusted_issuers.empty() && !Holds(verification, kCheckTrust))) return {};",
      "keel_vc_test:StatusListTest.NobodyWhoIsNotTrustedMakesUsFetch")
guard("key at the batch's time", "did/methods/keel.cc",
      "state.KeyGoodAt(key_hash, static_cast<uint8_t>(use), log_index)",
      "keel_vc_test:BatchTest.BackdatingWithARotatedKeyFails", "keel_vc_test:BatchTest.CompromiseCutsOffWhatCameAfterIt",
      "test_input.py Input.test_5_backdated_with_a_rotated_key", new="true")
STATUS = "vc/status_list/status_list.cc"
guard("status anchored version", STATUS, "list.version >= anchored", "keel_vc_test:StatusListTest.TheAnchoredVersionCounts",
      "test_attacks.py Attacks.test_7_status_list_that_can_not_be_had_or_is_old", new="true")
guard("status version seen", STATUS, "fetched->list->version < largest", "keel_vc_test:StatusListTest.AnOlderVersionIsRefused",
      new="false")
guard("status issuer", STATUS, "!MayIssue(credential.issuer, issuer)", "keel_vc_test:StatusListTest.ForgedListsAreRefused", new="false")
guard("status age", STATUS,
      "known.list == nullptr || now >= impl_->FreshUntil(known) || now + kTimeSkew < known.fetched",
      "keel_vc_test:StatusListTest.TtlAndEndAreKept", new="known.list == nullptr")
guard("status list's cap", "vc/status_list/bitstring.cc", "list.octets_.size() > kMaxStatusOctets",
      "keel_vc_test:BitstringTest.ABombIsRefusedAtTheCap", new="false")
guard("status list too short", "vc/status_list/bitstring.cc", "list.bits() < kMinStatusBits",
      "keel_vc_test:BitstringTest.Sizes", new="false")

# Custody -------------------------------------------------------------------------------------------------------------------
CUSTODY = "keel_custody_test:"
guard("papers root seal", "custody/chain.cc",
      "ledger::RootSealCommitment(record.hardware.salt, record.hardware.root_seal) != history.seal0()",
      CUSTODY + "AttackTest.EveryPartOfTheChainGoneBad", new="false")
guard("papers credential", "custody/chain.cc",
      "!record.links.empty() && crypto::Sha256::Of(record.credential) != chain.end().cred",
      CUSTODY + "AttackTest.EveryPartOfTheChainGoneBad", new="false")
guard("import spent tail", "custody/import.cc", "if (!standing.tail_unspent) return Fail(Code::kSealSpent, kWhere, record.serial + "
      '": the last seal is spent: the device was passed on");', CUSTODY + "AttackTest.ADeviceThatWasPassedOnIsNotImported")
guard("import credential", "custody/import.cc",
      'if (!verdict.valid()) return Fail(Code::kUntrusted, kWhere, "OwnershipCredential: " + verdict.Reason());',
      "test_forged.py Forged.test_3_forged_sales")
guard("import owner", "custody/import.cc",
      "claims.giver != package.giver || claims.device != record.did || claims.owner != context.identity.did()",
      CUSTODY + "AttackTest.ImportRefusesWhatIsNotForUs", "test_forged.py Forged.test_3_forged_sales", new="false")
guard("import hardware", "custody/import.cc",
      'if (!verdict.valid()) return Fail(Code::kUntrusted, kWhere, "HardwareCredential: " + verdict.Reason());',
      CUSTODY + "AttackTest.BackdatedHardwareCredentialWithARotatedKey")
guard("import serial", "custody/import.cc", "claims.facts.serial != record.serial || claims.facts.model != record.model",
      CUSTODY + "AttackTest.HardwareCredentialIsChecked", new="false")
guard("import seal of ours", "custody/import.cc", "used || !taken.emplace(position, record.did).second",
      CUSTODY + "AttackTest.ImportRefusesWhatIsNotForUs", new="!taken.emplace(position, record.did).second")
guard("package digest", "custody/package.cc",
      'if (digest.Final() != wanted) return Fail(Code::kBadProof, kWhere, "a device\'s record was changed on the way");',
      CUSTODY + "AttackTest.PackageOctetsChanged")
guard("shorter chain", "custody/store.cc", "before.k() > record.k()", CUSTODY + "CustodyStoreTest.RefusesAShorterChain",
      new="false")

# Registry ------------------------------------------------------------------------------------------------------------------
STATE = "registry-node/state.cc"
REGISTRY = "keel_registry_test:"
guard("seal spent once", STATE, "link == spend.link_hash", REGISTRY + "StateTest.FirstSpendWinsAndTheOtherIsKept",
      new="true")
guard("statement signature", STATE, "KEEL_TRY_VOID(ledger::VerifyStatement(statement, key));",
      REGISTRY + "StateTest.BatchesSchemasStatusLists")
guard("status version rises", STATE, "payload.version <= version", REGISTRY + "StateTest.BatchesSchemasStatusLists", new="false")
guard("spend signature", STATE, "if (auto ok = ledger::VerifySpend(net, spend->seal, spend->link_hash, spend->policy, "
      "spend->sigs); !ok) return refuse(ok.error());", REGISTRY + "StateTest.FirstSpendWinsAndTheOtherIsKept")
guard("operation signature", STATE,
      "if (auto ok = ledger::VerifyOperationSignatures(*op); !ok) return refuse(ok.error());",
      REGISTRY + "StateTest.DidLifeAndItsRefusals")
guard("network of a create", STATE,
      'if (op->net != net) return refuse(Fail(Code::kWrongNetwork, "create", "made for another network").error());',
      REGISTRY + "StateTest.ACreateOfAnotherNetworkIsRefused")

# Broker --------------------------------------------------------------------------------------------------------------------
ACCESS = "broker-plugin/access.cc"
BROKER = "keel_broker_test:BrokerAccess."
guard("broker member's end", ACCESS,
      'if (now >= member.until) return Fail(Code::kExpired, "member", "its FleetCredential has expired");',
      BROKER + "AMemberWhoseFleetCredentialIsOverIsOut", "test_broker.py Broker.test_4_expired_fleet_credential")
guard("broker member's end at publish", ACCESS, "if (now >= member->second.until) return Fail(Code::kExpired, \"broker\", "
      '"the member\'s FleetCredential has expired");', BROKER + "AMemberWhoseFleetCredentialIsOverIsOut",
      "test_broker.py Broker.test_4_expired_fleet_credential")
guard("broker token's device", ACCESS, "parsed.iss != member.did", BROKER + "TokensThatDoNot", new="false")
guard("broker topics", ACCESS, "covered(member->second.publish)", BROKER + "AMemberUsesItsOwnTopicsOnly",
      "test_broker.py Broker.test_2_members_speak_for_themselves_only", new="true")
guard("broker readers write nothing", ACCESS, "action == Action::kPublish", BROKER + "AReaderReadsWhatItWasGrantedAndWritesNothing",
      "test_broker.py Broker.test_2_members_speak_for_themselves_only", new="false")
guard("broker reader's key", ACCESS,
      'if (!held) return Fail(Code::kBadSignature, "presentation", "not signed by the reader\'s key");',
      BROKER + "PresentationsThatDoNot", "test_broker.py Broker.test_1_nobody_else_gets_in")
guard("broker reader's credential", ACCESS,
      "base::Base64Url(crypto::Sha256::Of(credential)) != reader.credential_sha256", BROKER + "PresentationsThatDoNot",
      "test_broker.py Broker.test_1_nobody_else_gets_in", new="false")
guard("broker credential by the owner", ACCESS,
      'if (!by_owner) return Fail(Code::kBadSignature, "credential", "not signed by the owner");',
      BROKER + "AListedCredentialMustBeTheOwnersOwn")
guard("broker audience", ACCESS, 'if (audience != owner.audience) return Fail(Code::kWrongAudience, "presentation");',
      BROKER + "PresentationsThatDoNot", "test_broker.py Broker.test_1_nobody_else_gets_in")

GONE = "test_broker.py Broker.test_3_revoked_by_its_owner"
guard("broker member gone", ACCESS, "members.erase(*gone);", BROKER + "AddedLinesCountAtOnce", GONE)
guard("broker reader gone", ACCESS, "readers.erase(*gone);", BROKER + "AddedLinesCountAtOnce",
      "test_broker.py Broker.test_1_nobody_else_gets_in")
guard("members revoked are told", "verifier/members.cc", "members_.erase(member_id) == 0",
      "keel_verifier_test:MembersTest.ChangesAreInTheFileWhenTheCallReturns", GONE, new="members_.erase(member_id) <= 1")

# Envelopes on hosts --------------------------------------------------------------------------------------------------------
CHECKS = "didcomm/unpack_checks.cc"
ADDRESSING = "keel_didcomm_test:Addressing."
guard("unpack from", CHECKS, "!from.empty() && did::DidOf(kid) == from", ADDRESSING + "FromMustBeTheEncryptingKeysDid",
      new="true")
guard("unpack to", CHECKS, "std::none_of(message.to.begin(), message.to.end(), "
      "[ours](const std::string& to) { return did::DidOf(to) == ours; })",
      ADDRESSING + "ToMustNameUs", new="false")
guard("unpack expiry", CHECKS, "!NotAfterOk(*message.expires_time, now)", "keel_didcomm_test:Addressing.Expiry", new="false")
guard("unpack made ahead", CHECKS, "*message.created_time > now + kMaxAhead",
      "keel_didcomm_test:Addressing.CreatedAheadOfTime", new="false")
guard("unpack older than the replay cache", CHECKS, "*message.created_time + replay_seconds < now",
      "keel_didcomm_test:Replay.NotAfterTheCacheHasForgottenEither", new="false")
guard("unpack signers", CHECKS, "for (const std::string& kid : metadata.signers) KEEL_TRY_VOID(check_sender(kid));",
      ADDRESSING + "SignerMustBeFrom", "keel_didcomm_test:Nesting.EverySignatureIsChecked")
guard("unpack own key", "didcomm/unpack.cc", "KEEL_TRY_VOID(CheckOwnKey(envelope, envelope.kids[i], resolver));",
      "keel_didcomm_test:Nesting.OwnKeyMustBeForAgreement")
OPEN = "didcomm/jwe_open.cc"
JWE = "keel_didcomm_test:Jwe.RefusesHeaders"
guard("unpack apv", OPEN, "!Equal(envelope.apv, ApvOf(envelope.kids))", JWE, new="false")
guard("unpack alg", OPEN, "!envelope.authcrypt && alg != kAlgAnon", "keel_didcomm_test:Negative.ProtectedHeaderSealed", new="false")
guard("unpack enc of authcrypt", OPEN, "envelope.authcrypt && envelope.enc != ContentEncryption::kA256CbcHs512",
      "keel_didcomm_test:Negative.ProtectedHeaderSealed", new="false")
guard("unpack crit", OPEN, """if (header.Find("crit")) return Fail(Code::kUnsupported, "didcomm envelope", "'crit' names """
      """extensions, and none is known here");""", JWE)
guard("unpack apu and skid", OPEN, "skid && *skid != envelope.skid", JWE, new="false")
guard("attachment's hash", "didcomm/attachment.cc", "Equal(digest, crypto::Sha256::Of(content))",
      "keel_didcomm_test:Attachments.HashForms", "keel_didcomm_test:Attachments.Linked", new="true")
guard("attachment's content", "didcomm/attachment.cc", 'if (!content.hash_checked) return WrongHash("the content");',
      "keel_didcomm_test:Attachments.ByValue")
guard("unpack replay", "didcomm/unpack.cc", "if (!fresh) return Fail(Code::kReplayed, \"didcomm unpack\", \"message \" + "
      'result.message.id + " came before");', "keel_didcomm_test:Replay.UnpackRefusesTheSecond")
guard("unpack unencrypted", "didcomm/unpack.cc", "options.require_encrypted && !metadata.encrypted",
      ADDRESSING + "WhoAsksForEncryptionOrASenderGetsIt", new="false")
guard("unpack anonymous", "didcomm/unpack.cc", "options.require_authenticated && !metadata.authenticated",
      ADDRESSING + "WhoAsksForEncryptionOrASenderGetsIt", new="false")

# Routes, transports, mediators ---------------------------------------------------------------------------------------------
ROUTING = "keel_didcomm_routing_test:Routing."
guard("route plaintext", "didcomm/routing.cc", "!hops.empty() && !LooksEncrypted(packed)",
      ROUTING + "PlaintextNeverGoesThroughAMediator", new="false")
guard("route mediator's mediator", "didcomm/routing.cc", "did::IsDid(did::DidOf(listed.uri))",
      ROUTING + "MediatorsThatPointAtEachOtherEnd", new="false")
guard("route hops", "didcomm/routing.cc", "endpoint.hops.size() > kMaxHops", ROUTING + "Bounds", new="false")
guard("forward payload", "didcomm/routing.cc",
      'if (!LooksEncrypted(text)) return Fail(Code::kMalformed, kWhere, "a forward\'s payload is no encrypted message");',
      ROUTING + "ForwardsThatAreNone")
guard("forward rewraps", "didcomm/routing.cc", "depth == kMaxRewraps", ROUTING + "ReceiverOpensARewrappedMessage", new="false")
QUEUE = "keel_didcomm_routing_test:Queue."
guard("queue repeat", "didcomm/mediator/queue.cc", "if (ByteReader(AsBytes(*known)).U64() >= now) return std::string();",
      QUEUE + "ARepeatIsNotQueuedAgain", "keel_didcomm_mediator_test:Mediator.RepeatsAreTakenAndNotQueuedAgain")
guard("queue room", "didcomm/mediator/queue.cc",
      "KEEL_TRY_VOID(s.Room(found == s.accounts.end() ? Account{} : found->second, recipient, envelope.size()));",
      QUEUE + "Limits", "keel_didcomm_mediator_test:Mediator.FullQueuesAreBusy")
guard("queue counter", "didcomm/mediator/queue.cc", "batch.Put(s.Key('s', \"\"), Big(sequence + 1));",
      QUEUE + "IdsAreNeverUsedAgain")
guard("queue acknowledged on disk", "didcomm/mediator/queue.cc", "KEEL_TRY_VOID(committer.Commit(std::move(batch)));",
      QUEUE + "StaysUntilAcknowledgedAndOverARestart", "keel_mediator_fault_test:MediatorQueue.PowerCutAtEveryWrite")
guard("wallet: signed header says more", "device-wallet/core/signed.cc", "header.count() != 1",
      "keel_wallet_test:Signed.RoundTripsAndRefusals", new="false")
guard("wallet: from_prior to itself", "device-wallet/core/messages.cc", "iss == sub",
      "keel_wallet_test:Messages.FromPriorIsMadeAndRead", new="false")
guard("wallet: typ of another layer", "device-wallet/core/messages.cc",
      "!typ.empty() && typ != kPlainTyp && typ != Part(kPlainTyp, 12)", "keel_wallet_test:Messages.TypIsThatOfAPlaintext",
      new="typ.size() > 99")
MEDIATOR = "keel_didcomm_mediator_test:Mediator."
guard("mediation recipient's owner", "didcomm/mediator/accounts.cc", "owner && recipient != CanonicalRecipient(account)",
      MEDIATOR + "NobodyTakesAnothersRecipientExceptItsOwner", new="false")
guard("mediation admission", "didcomm/mediator/coordinate_mediation.cc", "!parts_.admit(did)",
      MEDIATOR + "AdmissionAndLimits", new="false")
guard("mediation before the grant", "didcomm/mediator/coordinate_mediation.cc", "!parts_.accounts.Has(message.from)",
      MEDIATOR + "OutOfOrderAndMalformedMessagesAreProblems", new="false")
guard("pickup before the grant", "didcomm/mediator/message_pickup.cc", "!parts_.accounts.Has(message.from)",
      MEDIATOR + "OutOfOrderAndMalformedMessagesAreProblems", new="false")
guard("pickup after admission", "didcomm/mediator/message_pickup.cc", "!parts_.admit(message.from)",
      MEDIATOR + "AdmissionAndLimits", "keel_verifier_mediator_test:MembersMediation.IsGrantedToOnboardedDevicesAlone",
      new="false")
guard("mediation after admission", "didcomm/mediator/coordinate_mediation.cc", "!parts_.admit(message.from)",
      MEDIATOR + "AdmissionAndLimits", new="false")
guard("forward after admission", "didcomm/mediator/forwarding.cc", "!parts_.admit(match->account)",
      MEDIATOR + "AdmissionAndLimits", "keel_verifier_mediator_test:MembersMediation.IsGrantedToOnboardedDevicesAlone",
      new="false")
guard("pickup live without a connection", "didcomm/mediator/message_pickup.cc", "on && incoming.channel == nullptr",
      MEDIATOR + "OutOfOrderAndMalformedMessagesAreProblems", new="false")
guard("pickup without return route", "didcomm/mediator/message_pickup.cc",
      'if (message.return_route != "all" && message.return_route != "thread") return std::vector<Outgoing>();',
      MEDIATOR + "PickupAnswers")
guard("forward for nobody", "didcomm/mediator/forwarding.cc", "!match ||",
      MEDIATOR + "ForwardsThatAreRefused")
TRANSPORTS = "keel_didcomm_transports_test:"
guard("coap repeat", "didcomm/transports/coap_server.cc", "more_of_reply || found->second.last == id",
      TRANSPORTS + "Coap.ARepeatedDatagramIsHandledOnce", new="more_of_reply")
guard("coap exchanges", "didcomm/transports/coap_server.cc", "exchanges.size() >= options.max_exchanges",
      TRANSPORTS + "Coap.WhatIsAnnouncedReservesNothing", new="false")
guard("coap size", "didcomm/transports/coap_server.cc", "before + data.size() > options.max_envelope",
      TRANSPORTS + "Coap.BlocksOverTheLimitThatNobodyAnnounced", new="false")
guard("websocket size", "base/net/websocket_server.cc", "ws_.read_message_max(server_.options.max_message);",
      "keel_base_net_test:WebSocket.LargeMessagesAndTheLimit")
guard("websocket message deadline", "base/net/websocket_server.cc",
      "if (!std::exchange(self->reading_, true)) self->Arm(self->server_.options.message_deadline);",
      "keel_base_net_test:WebSocket.AMessageThatDoesNotEndMeetsItsOwnDeadline")
guard("websocket queue", "base/net/websocket_server.cc", "queued > self->server_.options.max_queued",
      "keel_base_net_test:WebSocket.WhoDoesNotReadIsClosed", new="false")

# Text from strangers -------------------------------------------------------------------------------------------------------
guard("json depth", "base/json_strict.cc", "stack_.size() >= limits_.max_depth", "keel_base_test:JsonStrict.KeepsItsLimits",
      new="false")

# The agent and its protocols -----------------------------------------------------------------------------------------------
AGENT = "didcomm/agent.cc"
P = "keel_didcomm_protocols_test:"
guard("protocols: replay", AGENT, "fresh ? protocol->Receive(incoming) : protocol->Repeated(incoming)",
      P + "Agent.ReplaysAreRefused", new="protocol->Receive(incoming)")
guard("protocols: replay looked up", AGENT,
      "KEEL_TRY(opened.fresh, parts.replay.Remember(sender, message.id, now, until));", P + "Agent.ReplaysAreRefused")
guard("protocols: encrypted", AGENT, "how.require_encrypted = options.require_encrypted;",
      P + "Agent.ReportsOnlyToProvenSenders")
guard("protocols: reports to the proven", AGENT, "!incoming.Proven() || is_report || !opened.fresh",
      P + "Agent.ReportsOnlyToProvenSenders", new="is_report || !opened.fresh")
guard("protocols: major version", AGENT, "ours->Compatible(*type)", P + "Agent.MinorVersionsAreTakenMajorOnesNot",
      new="ours->SameProtocol(*type)")
guard("protocols: outbox full", AGENT,
      'if (outbox.full()) return Fail(Code::kBusy, "didcomm agent", "too many messages wait for delivery");',
      P + "Agent.WhatWaitsIsBounded")
guard("protocols: outbox for a peer", "didcomm/agent_state.cc", "of_peer >= max_for_peer_", P + "Agent.WhatWaitsIsBounded",
      new="false")
guard("protocols: ended thread", AGENT, "incoming.Proven() && problems.Ended(message.from, thread)",
      P + "Agent.TooManyProblemsEndAThread", new="false")
guard("protocols: problems sent", AGENT, "BoundProblems(out);", P + "Agent.TooManyProblemsEndAThread")
guard("protocols: return route unasked", AGENT,
      'if (message.return_route != "all" && message.return_route != "thread") return {};',
      P + "Agent.ReturnRouteIsNotGivenUnasked")
guard("protocols: return route's thread", AGENT, "(thread.empty() || ThreadOf(answer) == thread)",
      P + "Agent.ReturnRouteIsNotGivenUnasked", new="true")
guard("protocols: whose answer", "didcomm/agent_send.cc",
      "message.from != waiter.peer && did::DidOf(incoming.unpacked.metadata.from_prior_issuer_kid) != waiter.peer",
      P + "Agent.AskWaitsForADeliveredAnswer", new="false")
guard("protocols: ping of a stranger", "didcomm/protocols/trust_ping.cc", "wanted.value_or(true) && incoming.Proven()",
      P + "TrustPing.AsksByDefault", new="incoming.Proven()")
guard("protocols: what is shown", "didcomm/protocols/discover_features.cc",
      "(!features_.shows || features_.shows(incoming, item))", P + "DiscoverFeatures.ShowsOnlyWhatItWants", new="true")
guard("protocols: features for strangers", "didcomm/protocols/discover_features.cc", "if (!incoming.Proven()) return out;",
      P + "DiscoverFeatures.ShowsOnlyWhatItWants")
OOB = "didcomm/protocols/out_of_band.cc"
guard("protocols: invitation expired", OOB, "now && out.expires_time && !NotAfterOk(*out.expires_time, *now)",
      P + "OutOfBand.BadOnesAreNamed", new="false")
guard("protocols: invitation's type", OOB, '!type.Compatible(*ours) || !type.Is("invitation")', P + "OutOfBand.BadOnesAreNamed",
      new="false")
guard("protocols: invitation's sender", OOB, "message->from == from", P + "OutOfBand.WrittenAndRead", new="true")
guard("protocols: invitation twice", OOB, 'if (found) return Fail(Code::kDuplicate, kWhere, "the URL has " + '
      'std::string(name) + " twice");', P + "OutOfBand.BadOnesAreNamed")

EXCHANGE = "didcomm/protocols/exchange.cc"
EXCHANGE_SEND = "didcomm/protocols/exchange_send.cc"
FAULT = P + "Stories/ExchangeFault.*"
guard("protocols: exchange with strangers", EXCHANGE, "!incoming.Proven() || incoming.ours.empty()",
      P + "Exchange.BadBodiesAreReportedAndChangeNothing", new="incoming.ours.empty()")
guard("protocols: exchange repeats", EXCHANGE, "!record->seen.empty() && record->seen.back() == message.id", FAULT,
      P + "Exchange.RepeatsGetTheSameAnswer", new="false")
guard("protocols: exchange old messages", EXCHANGE,
      "std::find(record->seen.begin(), record->seen.end(), message.id) != record->seen.end()",
      P + "Exchange.RepeatsGetTheSameAnswer", new="false")
guard("protocols: exchange forgotten", EXCHANGE,
      "repeated && (!message.created_time || *message.created_time + options_.keep_seconds < incoming.now)",
      P + "Exchange.RepeatsGetTheSameAnswer", new="false")
guard("protocols: exchange rounds", EXCHANGE, "record->seen.size() >= options_.max_rounds", P + "Exchange.TheyAreBounded",
      new="false")
guard("protocols: exchange open", EXCHANGE_SEND,
      "open_.size() >= options_.max_open || of_peer >= options_.max_open_for_peer", P + "Exchange.TheyAreBounded", new="false")
guard("protocols: exchange saved when received", EXCHANGE, "KEEL_TRY_VOID(Save(*record, replaced));", FAULT)
guard("protocols: exchange saved before it is sent", EXCHANGE_SEND,
      "KEEL_TRY_VOID(Save(record)); if (HasEnded(record.state)) KEEL_TRY_VOID(TellEnded(std::move(record)));", FAULT)
guard("protocols: exchange timeout", EXCHANGE, "record->deadline <= now", P + "Exchange.Timeouts", new="false")
guard("protocols: exchange warnings", EXCHANGE,
      '!report.code.starts_with("w.") && !report.code.starts_with("e.m.") && !HasEnded(record->state)',
      P + "Exchange.WarningsAndRejectedMessagesEndNothing", P + "Table.EveryMessageInEveryState", new="true")
guard("protocols: exchange content", EXCHANGE, "needs_content && message.attachments.empty()",
      P + "Exchange.BadBodiesAreReportedAndChangeNothing", new="false")

# Credentials in exchanges --------------------------------------------------------------------------------------------------
JWT = "exchange/jwt_hooks.cc"
E = "keel_exchange_test:Exchanges."
guard("protocols: issued about the peer", JWT,
      'subject == credential.end() || !subject->is_object() || subject->value("id", "") != record.id.peer',
      E + "WhatIsNotBelieved", new="false")
guard("protocols: credential valid", JWT, "if (!verdict.valid()) return Refuse(kProblemBadCredential);", E + "WhatIsNotBelieved")
guard("protocols: credential's issuer", JWT, "how.trusted_issuers = parts_.trusted_issuers;", E + "WhatIsNotBelieved")
guard("protocols: credential's types", JWT, "if (!HasAll(verdict.credential.types, wish.types)) return Refuse(kProblemBadCredential);",
      E + "WhatIsNotBelieved")
guard("protocols: presentation valid", JWT, "if (!verdict.valid()) return Refuse(kProblemBadPresentation);",
      E + "PresentationsThatDontHold")
guard("protocols: presentation's holder", JWT, "how.holder = record.id.peer;", E + "PresentationsThatDontHold")
guard("protocols: presentation's subject", JWT, "how.credentials.subject = record.id.peer;", E + "PresentationsThatDontHold")
guard("protocols: presentation's wishes", JWT, "if (!found) return Refuse(kProblemBadPresentation);", E + "IssuedHeldAndShown",
      E + "PresentationsThatDontHold")
guard("protocols: lured prover", JWT, "wish.nonce.empty() || wish.audience != record.id.peer", E + "ProversAreNotLured",
      new="false")
guard("protocols: holder's word", JWT, "if (!parts_.show) return ExchangeDecision::Later();", E + "ProversAreNotLured")

import guards_input  # noqa: E402,F401  those of what is handed in
import guards_proofs  # noqa: E402,F401  those of Data Integrity
import guards_rdf  # noqa: E402,F401  those of JSON-LD and RDF
import guards_status  # noqa: E402,F401  those of status lists, schemas, definitions
import guards_vc  # noqa: E402,F401  those of the data model, tokens, envelopes, the VC-API
