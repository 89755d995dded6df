# SPDX-License-Identifier: Apache-2.0
"""What is made with stolen keys and copied folders: a relay that encrypts anew, forged sales, hardware credentials that are
expired, not this device's or backdated, firmware of a stranger, messages out of their order. Each also shows that the same
thing done right is taken, so that the refusal is by the guard that it names."""
import base64
import json
import os
import stat
import unittest
import urllib.parse

import common
import mallory
from common import until
from harness import copy_folder


class Forged(common.WorldTest):
    status_list = None

    def test_1_relay_that_encrypts_anew(self):
        """The relay can read and write every message; the device refuses the owner's proof, for it is made out to the relay.

        Guards: `aud` in Wallet::CheckOwnerProof; behind it nonce, pv and th.
        """
        world = self.world
        device, = self.owned_and_claimed(1)
        copy = device.copy(device.serial + "-copied")  # RS and rp, for the relay to read and write invitations with
        relay = mallory.Relay(world, copy)
        world.registry_line.hook = relay.rendezvous
        device.start()
        device.await_event(event="refused", text="M2", code="wrong_audience")
        self.assertNotIn("owner", [e.get("step") for e in device.events])
        self.assertNotIn("proof", [e.get("step") for e in device.events])
        self.assertGreaterEqual(len(relay.opened), 2, "the relay read the hello and the owner's proof")
        self.assertIn("vp", relay.opened[1]["body"], relay.opened[1])
        self.assertNotIn(world.dids[device.serial], json.dumps(relay.opened), "the device has not said who it is")
        device.finish()  # the owner's own invitation is the next value
        self.onboarded_once(device)

    def test_2_messages_out_of_their_order(self):
        """A stranger who can read the invitation: versions and suites that the owner doesn't speak, another invitation's id,
        a proof without a hello. Refused without a word why; the owner's log says it.

        Guards: OnHello, OnDeviceProof of verifier/onboarding.cc (D2: a downgrade is refused, not negotiated).
        """
        world = self.world
        device, = self.owned_and_claimed(1)
        copy = device.copy(device.serial + "-copied")
        relay = mallory.Relay(world, copy)
        world.registry_line.hook = relay.rendezvous
        device.start()
        until(lambda: relay.opened, "a hello to learn from")
        device.finish()
        hello = relay.opened[0]
        self.assertEqual(hello["type"], mallory.ONBOARDING + "hello")

        other, = self.owned_and_claimed(1)
        copy = other.copy(other.serial + "-copied")
        relay = mallory.Relay(world, copy)
        world.registry_line.hook = relay.rendezvous
        relay.server.hook = lambda exchange: (503, "text/plain", b"")
        other.start()
        until(lambda: relay.invitation, "the other device's invitation")
        other.kill()
        url, pv = relay.invitation["url"][0], relay.invitation["pv"]

        def say(number, **changes):
            stranger = mallory.Party(world, f"stranger-{number}")
            body = dict(hello["body"], **changes.pop("body", {}))
            return stranger.ask(url, dict(hello, id=f"id-{number}", thid=f"thid-{number}", pthid=relay.invitation["id"],
                                          **changes) | {"body": body}, pv)

        self.assertEqual(say(0)["type"], mallory.ONBOARDING + "owner-proof", "a right hello is answered")
        bad = {
            "older version only": ({"body": {"versions": ["0.9"]}}, "unknown_version"),
            "no version": ({"body": {"versions": []}}, "unknown_version"),
            "another suite only": ({"body": {"suites": [9]}}, "doesn't offer the suite"),
            "another invitation's id": ({"pthid": hello["pthid"]}, "does not carry this invitation's id"),
            "short nonce": ({"body": {"nd": "AAAA"}}, "nd"),
        }
        for number, (name, (change, why)) in enumerate(bad.items(), 1):
            with self.subTest(name):
                before = world.verifier.log().count("onboarding.refused")
                pthid = change.pop("pthid", None)
                if pthid:
                    stranger = mallory.Party(world, f"stranger-{number}")
                    answer = stranger.ask(url, dict(hello, id="x", thid=f"thid-{number}", pthid=pthid), pv)
                else:
                    answer = say(number, **change)
                self.assertEqual(answer["type"], mallory.ONBOARDING + "refused")
                self.assertEqual(set(answer["body"]) - {"v"}, set(), "nothing is said before mutual proof")
                lines = [line for line in world.verifier.log().splitlines() if "onboarding.refused" in line]
                self.assertGreater(len(lines), before)
                self.assertIn(why, lines[-1])
        stranger = mallory.Party(world, "stranger-proof")
        answer = stranger.ask(url, {"id": "p", "type": mallory.ONBOARDING + "device-proof", "thid": "thid-none",
                                    "body": {"v": 1, "vp": "a.b.c", "vc": "a.b.c"}}, pv)
        self.assertEqual(answer["type"], mallory.ONBOARDING + "problem")
        self.assertEqual(world.claimed(other.serial)["state"], "claimed")
        world.registry_line.hook = None
        other.start().finish()
        self.onboarded_once(other)

    def test_3_forged_sales(self):
        """A seller forges one thing; the buyer's import refuses it by name, and takes the true one.

        Guards: CheckPapers (custody/chain.cc, ledger/link.cc) for the chain, CheckCredential (custody/import.cc) for the paper.
        """
        world = self.world
        serials = self.serials(1)
        device, = world.manufacture(serials)
        world.sell("maker", "dist", serials)
        request = world.request("owner", 1)
        cases = {
            "other-key": ("bad_chain", "link 2"),
            "bad-signature": ("bad_signature", "link 2: signatures"),
            "credential-by-another-key": ("untrusted", "OwnershipCredential"),
            "credential-of-another": ("untrusted", "not to us"),
            "expired-credential": ("untrusted", "expired at 2021-01-01T00:00:00Z"),
        }
        for how, (code, words) in cases.items():
            with self.subTest(how):
                copy_folder(world.path("dist"), world.path("forger-" + how))  # a seal signs one link only, so a copy each
                package = world.path("package-" + how)
                world.tool("keel-mallory", "sell", world.path("forger-" + how), request, serials[0], how, package)
                answer = world.keel("ownership", "import", package, data="owner")
                self.assertEqual(answer.code, 1, answer.text)
                self.assertIn(serials[0], answer.err)
                self.assertIn(words, answer.err)
                self.assertIn(f"({code})", answer.err)
                listed = world.must("ownership", "list", "--json", data="owner").json["devices"]
                self.assertNotIn(serials[0], [d["serial"] for d in listed])
        copy_folder(world.path("dist"), world.path("forger-good"))
        world.tool("keel-mallory", "sell", world.path("forger-good"), request, serials[0], "good", world.path("package-good"))
        world.must("ownership", "import", world.path("package-good"), data="owner")
        world.claim(serials)
        device.start().finish()
        self.onboarded_once(device)

    def refused_by(self, device, rule, *words):
        """The device is refused, and `why` says by which check and what was seen."""
        device.start()
        until(lambda: self.world.why(device.serial)["why"].startswith("refused: "), "the verdict")
        why = self.world.why(device.serial)
        broken = {r["rule"]: r for r in why["judgement"]["rules"] if not r["ok"]}
        self.assertIn("hardware credential: " + rule, broken)
        for word in words:
            self.assertIn(word, broken["hardware credential: " + rule]["why"])
        self.assertFalse(why["member"])
        self.assertNotEqual(why["state"], "onboarded")
        text = self.world.must("verifier", "why", device.serial, data="owner").out
        self.assertIn(rule, text)
        device.await_event(event="waiting")
        device.kill()

    def paper(self, device, patch, batch="drop", maker="key-copy"):
        self.world.tool("keel-mallory", "paper", device.folder, self.world.path(maker), json.dumps(patch), batch)
        return device

    def test_4_hardware_credentials(self):
        """Signed with the manufacturer's true and current key, yet expired, not valid yet, of another device, of another type; or
        with facts that it did not sign, or by somebody else.

        Guards: CheckValidity, subject and batch in vc/verification.cc; type and trust in verifier/hardware_check.cc.
        """
        world = self.world
        world.issuer.stop()
        copy_folder(world.path("maker"), world.path("key-copy"))
        world.start_issuer()
        good, expired, early, swapped, typed, altered, unbatched, own = self.owned_and_claimed(8)
        self.refused_by(self.paper(expired, {"validFrom": "2020-01-01T00:00:00Z", "validUntil": "2021-01-01T00:00:00Z"}),
                        "validity", "expired at 2021-01-01T00:00:00Z")
        self.refused_by(self.paper(early, {"validFrom": "2100-01-01T00:00:00Z"}), "validity", "valid from 2100-01-01")
        self.refused_by(self.paper(swapped, {"credentialSubject": {"id": world.dids[good.serial]}}), "subject",
                        world.dids[swapped.serial])
        self.refused_by(self.paper(typed, {"type": ["VerifiableCredential", "https://example.org/LoyaltyCard"]}),
                        "type")
        # The facts are embellished; the membership of the true credential's batch is shown beside it.
        self.refused_by(self.paper(altered, {"credentialSubject": {"secureHardware": "SE050"}}, "keep"), "batch", "no batch")
        # By somebody whom the registry knows and the owner did not buy from: no policy is needed to refuse that.
        self.refused_by(self.paper(own, {"issuer": world.did_of("dist"), "credentialSubject": {"secureHardware": "SE050"}},
                                   maker="dist"), "trust", world.did_of("dist"), "is not among the trusted issuers")
        # The same key and no change: good while the key is current, with no batch at all.
        self.paper(unbatched, {}).start().finish()
        self.onboarded_once(unbatched)
        good.start().finish()
        self.onboarded_once(good)

    def test_5_firmware_of_a_stranger(self):
        """The owner is talked into releasing an image that another author signed: the device refuses the manifest and says so;
        an older release of the right author is not taken either.

        Guards: VerifySuitEnvelope's authors and the rollback counter in Wallet::OnFirmwareKey.
        """
        world = self.world
        model = "keel-sensor-1"
        world.must("issuer", "init", "--registry", world.path("net.keel"), "--name", "Maker GmbH", "--vendor", "maker.example",
                   "--unprotected-keys", "--listen", "127.0.0.1:0", "--public-url", world.http_proxy().url, data="stranger")
        world.must("registry", "sponsor", "add", "--identity", world.path("stranger", "identity.json"), data="reg")
        from harness import BIN, Service
        service = Service(world, "stranger", [BIN + "/keel-issuer", "serve", "--data", world.path("stranger"), "--listen",
                                              "127.0.0.1:0"])
        service.start()
        image = world.path("stranger-image")
        with open(image, "wb") as f:
            f.write(os.urandom(100_000))
        world.must("issuer", "firmware", "release", "--file", image, "--model", model, "--version", "6.6.6", "--sequence", 66,
                   "-o", world.path("stranger-release"), data="stranger")
        service.stop()
        foreign = world.must("verifier", "firmware", "import", world.path("stranger-release"), "--json", data="owner").json["id"]
        older, newer = world.release(model, "2.0.0", 2), world.release(model, "3.0.0", 3)
        device, = self.owned_and_claimed(1, model)
        world.profile(model, {"site": "x"}, foreign)
        device.start("--contact-interval", "200", once=False)
        until(lambda: "untrusted" in json.dumps(device.seen(event="firmware")) + json.dumps(device.seen(event="refused")),
              lambda: f"the refusal of the manifest; {device.events[-20:]}")
        until(lambda: "firmware" in world.claimed(device.serial)["problem"], "the report to the owner")
        self.assertIn("1.0.0", world.claimed(device.serial)["problem"])
        self.assertEqual(device.status()["firmware"], "1.0.0")
        self.assertEqual(device.status()["rollback_counter"], 0)
        world.profile(model, {"site": "x"}, newer)
        until(lambda: world.claimed(device.serial)["firmware"] == "3.0.0", "the update that is in order")
        until(lambda: device.status()["rollback_counter"] == 3, "the raised counter")
        world.profile(model, {"site": "x"}, older)
        count = len(device.seen(step="dormant"))
        until(lambda: len(device.seen(step="dormant")) >= count + 3, "some contacts under the older release's profile")
        self.assertEqual(world.claimed(device.serial)["firmware"], "3.0.0")
        self.assertEqual(device.status()["rollback_counter"], 3)

    def test_6_no_secrets_in_logs_or_open_files(self):
        """I13: nothing that a stranger on the machine can read holds a key; no process leaves a core file."""
        world = self.world
        device, = self.owned_and_claimed(1)
        device.start("--contact-interval", "200", once=False)
        device.await_event(event="onboarded")
        for process in (world.registry.process, world.issuer.process, world.verifier.process, device.run_):
            with open(f"/proc/{process.pid}/limits", encoding="ascii") as f:
                core = [line.split() for line in f if line.startswith("Max core file size")][0]
            self.assertEqual(core[4:6], ["0", "0"], core)
        device.kill()
        secrets = [bytes.fromhex(line) for line in world.tool("keel-mallory", "secrets", device.folder).decode().split()]
        self.assertGreaterEqual(len(secrets), 6)
        spellings = [s for secret in secrets for s in (
            secret, secret.hex().encode(), base64.urlsafe_b64encode(secret).rstrip(b"="),
            base64.b64encode(secret).rstrip(b"="))]
        searched = 0
        for folder, folders, files in os.walk(world.dir):
            for name in files:
                path = os.path.join(folder, name)
                mode = os.lstat(path).st_mode
                if not stat.S_ISREG(mode):
                    continue
                private = name in ("keys.keel", "store.key", "wallet.log", "keys.key") or "/custody/" in path
                hidden = any(stat.S_IMODE(os.lstat(os.path.join(world.dir, part)).st_mode) & 0o077 == 0
                             for part in self._parents(os.path.relpath(folder, world.dir)))
                if private:
                    self.assertTrue(mode & 0o077 == 0 or hidden, f"{path}: {stat.filemode(mode)}")
                if name.endswith(".log") and name != "wallet.log" and not name[0].isdigit():  # 000003.log is LevelDB's
                    searched += 1
                    with open(path, "rb") as f:
                        text = f.read()
                    self.assertFalse(any(spelling in text for spelling in spellings), path + " has a secret in it")
        self.assertGreaterEqual(searched, 5)

    @staticmethod
    def _parents(relative):
        parts = relative.split(os.sep)
        return [os.path.join(*parts[:n]) for n in range(1, len(parts) + 1)]

    def test_7_backdated_with_a_rotated_key(self):
        """The manufacturer rotated its key as a matter of routine; who kept the old one signs a credential with an old date.
        Without a batch it is of no use, with one that nobody anchored neither; what was anchored before stays good.

        Guards: CurrentKey and CheckBatch in vc/verification.cc.
        """
        world = self.world
        before, without, invented = self.owned_and_claimed(3)
        world.issuer.stop()
        copy_folder(world.path("maker"), world.path("old-key"))
        world.start_issuer()
        world.must("issuer", "rotate-key", data="maker")
        world.verifier.stop()  # it may keep the manufacturer's history for a while
        world.start_verifier()
        world.issuer_line.record = []
        old = {"validFrom": "2024-01-01T00:00:00Z", "credentialSubject": {"secureHardware": "SE050"}}
        self.refused_by(self.paper(without, old, "drop", "old-key"), "issuer", "is not a current assertion key")
        self.refused_by(self.paper(invented, old, "keep", "old-key"), "batch", "no batch")
        before.start().finish()
        self.onboarded_once(before)
        type(self).status_list = [answer for exchange, answer in world.issuer_line.record if "/status/" in exchange.path][-1]

    def test_9_manufacturer_that_is_no_more(self):
        """Its DID is deactivated: nobody can say any more which of its devices are revoked, so none is taken in, by name.

        Guard: MakerDeactivated in verifier/hardware_check.cc.
        """
        world = self.world
        device, = self.owned_and_claimed(1)
        world.issuer.stop()
        world.tool("keel-mallory", "deactivate", world.path("maker"))
        if self.status_list:
            world.issuer_line.hook = lambda exchange: self.status_list  # the last of its life, as anybody may have kept it
        world.verifier.stop()
        world.start_verifier()
        self.refused_by(device, "manufacturer", "the manufacturer is no more")
        self.assertIn("is deactivated", world.why(device.serial)["why"])
        self.assertEqual(world.claimed(device.serial)["state"], "claimed")
        self.assertFalse(world.claimed(device.serial)["member"])


if __name__ == "__main__":
    common.main()
