# SPDX-License-Identifier: Apache-2.0
"""Who is the owner: rogue verifiers, former owners, sales sold twice or anchored late, clones, resets."""
import os
import unittest

import common
from common import until
from harness import BIN, Service, copy_folder


class Owner(common.WorldTest):
    def other_verifier(self, name):
        """A verifier with a DID of its own; not serving yet."""
        world = self.world
        line = world.http_proxy()
        world.must("verifier", "init", "--registry", world.path("net.keel"), "--listen", "127.0.0.1:0", "--public-url",
                   line.url, "--unprotected-keys", data=name)
        world.must("registry", "sponsor", "add", "--identity", world.path(name, "identity.json"), data="reg")
        return self.serve(name, line)

    def serve(self, name, line):
        service = Service(self.world, name, [BIN + "/keel-verifier", "serve", "--data", self.world.path(name)])
        service.line = line
        return service

    def start(self, service):
        from harness import listening_port
        service.start()
        service.line.upstream = "http://127.0.0.1:" + listening_port(service.process.pid)

    def as_verifier(self, name):
        """Makes a verifier's folder of a plain custodian's copy: what a former owner does with a backup."""
        line = self.world.http_proxy()
        with open(self.world.path(name, "verifier.toml"), "w", encoding="utf-8") as f:
            f.write(f'listen = "127.0.0.1:0"\npublic_url = "{line.url}"\n')
        os.chmod(self.world.path(name, "verifier.toml"), 0o600)
        return self.serve(name, line)

    def test_1_rogue_verifier(self):
        """It got the custody records (RS, RP, links, credential), has a DID that is anchored, and no seal or key of O.

        Guards: the device compares iss with the credential's owner, and the key with O's history (handshake.cc).
        """
        serials = self.serials(1)
        device, = self.world.owned(serials)
        rogue = self.other_verifier("rogue")
        copy_folder(self.world.path("owner", "custody"), self.world.path("rogue", "custody"))
        self.start(rogue)
        self.world.claim(serials, data="rogue")  # the newest value in the slot but for the owner's, which comes after
        rogue.line.record = []
        device.start()
        device.await_event(event="refused")
        self.assertTrue(rogue.line.record, "the rogue's invitation was taken and tried")
        device.await_event(event="waiting")
        self.world.claim(serials)
        device.finish()
        self.onboarded_once(device)
        self.assertNotEqual(self.world.claimed(serials[0], data="rogue")["state"], "onboarded")
        self.assertEqual(device.status()["owner"], self.world.did_of("owner"))
        rogue.kill()

    def test_2_former_owner(self):
        """The distributor claimed the device before it sold it, and keeps its invitation standing.

        Guards: TAIL (the distributor's seal is spent), in the device by the pack, in an honest verifier before.
        """
        serials = self.serials(1)
        device, = self.world.manufacture(serials)
        self.world.sell("maker", "dist", serials)
        copy_folder(self.world.path("dist"), self.world.path("former"))
        former = self.as_verifier("former")
        self.start(former)
        self.world.claim(serials, data="former")
        self.world.sell("dist", "owner", serials)
        former.line.record = []
        device.start()
        until(lambda: former.line.record, "the device tries the former owner")
        device.await_event(event="waiting")
        until(lambda: "spent" in self.world.why(serials[0], data="former")["why"], "the former owner's `why`")
        self.world.claim(serials)
        device.finish()
        self.onboarded_once(device)
        self.assertEqual(self.world.claimed(serials[0], data="former")["state"], "claimed")
        former.kill()

    def test_3_rendezvous_slots_filled_by_others(self):
        """Nine invitations of a former custodian stand in the device's eight slots: it refuses them all; the owner
        publishes anew when its verifier starts, and is found. Delayed, not deceived."""
        serials = self.serials(1)
        device, = self.world.manufacture(serials)
        self.world.sell("maker", "dist", serials)
        copy_folder(self.world.path("dist"), self.world.path("filler"))
        filler = self.as_verifier("filler")
        self.world.sell("dist", "owner", serials)
        self.world.claim(serials)
        self.start(filler)
        self.world.claim(serials, data="filler")
        for _ in range(8):  # another URL, so another invitation
            filler.stop()
            line = self.world.http_proxy()
            self.world.set_config("filler/verifier.toml", f'public_url = "{line.url}"')
            filler.line = line
            self.start(filler)
            self.world.await_published(serials, "filler")
        device.start()
        until(lambda: len(device.seen(event="refused")) >= 1 and device.seen(event="waiting"), "refusals")
        self.assertTrue(device.alive())
        self.world.verifier.stop()
        self.world.start_verifier()
        device.finish()
        self.onboarded_once(device)
        filler.kill()

    def test_4_sold_twice(self):
        """The distributor sells from a backup what it has sold: the registry refuses the second spend with evidence."""
        serials = self.serials(1)
        device, = self.world.manufacture(serials)
        self.world.sell("maker", "dist", serials)
        copy_folder(self.world.path("dist"), self.world.path("twice"))
        self.world.sell("dist", "owner", serials)
        self.world.must("ownership", "init", "--registry", self.world.path("net.keel"), "--unprotected-keys",
                        data="victim")
        request = self.world.request("victim", 1)
        _, answer = self.world.transfer("twice", request, serials)
        self.assertEqual(answer.code, 1, answer.text)
        self.assertEqual(answer.json["refused"][0]["code"], "seal_spent", answer.text)
        evidence = answer.json["refused"][0]["evidence"]
        self.assertNotEqual(evidence["anchored"]["link"], evidence["ours"]["link_hash"])
        self.world.claim(serials)
        device.start().finish()
        self.onboarded_once(device)

    def test_5_papers_of_a_second_sale(self):
        """The same offline: the buyer's papers are good in form, `anchor` says who was first, `claim` refuses before."""
        serials = self.serials(1)
        self.world.manufacture(serials)
        self.world.sell("maker", "dist", serials)
        copy_folder(self.world.path("dist"), self.world.path("offline"))
        buyer = self.other_verifier("buyer")
        self.start(buyer)
        file, answer = self.world.transfer("offline", self.world.request("buyer", 1), serials, "--offline")
        self.assertEqual(answer.code, 0, answer.text)
        self.world.sell("dist", "owner", serials)
        self.world.keel("ownership", "import", file, "--offline", "--json", data="buyer")
        claimed = self.world.keel("verifier", "claim", "--all", "--json", data="buyer")
        self.assertEqual((claimed.json or {}).get("claimed", []), [], claimed.text)
        anchored = self.world.keel("ownership", "anchor", "--json", data="buyer")
        self.assertNotEqual(anchored.code, 0, anchored.text)
        buyer.kill()

    def test_6_second_first_link(self):
        """The root seal's key, copied out of the maker before its sale, signs another first link."""
        serials = self.serials(1)
        device, = self.world.manufacture(serials)
        copy_folder(self.world.path("maker"), self.world.path("stolen"))
        self.world.sell("maker", "dist", serials)
        self.world.must("ownership", "init", "--registry", self.world.path("net.keel"), "--unprotected-keys",
                        data="thief")
        _, answer = self.world.transfer("stolen", self.world.request("thief", 1), serials)
        self.assertEqual(answer.code, 1, answer.text)
        self.assertEqual(answer.json["refused"][0]["code"], "seal_spent", answer.text)
        self.world.sell("dist", "owner", serials)
        self.world.claim(serials)
        device.start().finish()
        self.onboarded_once(device)

    def test_7_sales_anchored_out_of_order(self):
        """Two sales on paper; the second is anchored before the first."""
        serials = self.serials(1)
        device, = self.world.manufacture(serials)
        self.world.sell("maker", "dist", serials, "--offline")
        self.world.sell("dist", "owner", serials, "--offline")
        claimed = self.world.keel("verifier", "claim", "--all", "--json", data="owner")
        self.assertEqual(claimed.json["pending"], serials, claimed.text)
        second = self.world.keel("ownership", "anchor", "--json", data="dist")
        first = self.world.keel("ownership", "anchor", "--json", data="maker")
        until(lambda: self.world.keel("ownership", "anchor", "--json", data="owner").code == 0,
              lambda: f"both anchored: {second.text} {first.text}")
        self.world.claim(serials)
        device.start().finish()
        self.onboarded_once(device)

    def test_8_cloned_wallet(self):
        """One flash, two devices: one gets in, the other raises the alarm; both are out until the owner decides.

        Guard: `taken` in Onboarding::OnDeviceProof; and a claim that was put out stays out whoever proves itself.
        """
        device, = self.owned_and_claimed(1)
        clone = device.copy(device.serial + "-clone")
        device.start("--contact-interval", "300", once=False)
        clone.start("--contact-interval", "300", once=False)
        until(lambda: self.world.claimed(device.serial)["state"] == "held", "the alarm")
        self.assertFalse(self.world.claimed(device.serial)["member"])
        self.assertIn("clone or reset", self.world.why(device.serial)["why"])
        self.world.must("verifier", "decide", device.serial, "--clone", data="owner")
        count = len(device.events) + len(clone.events)
        until(lambda: len(device.events) + len(clone.events) > count + 4, "they try on")
        self.assertEqual(self.world.claimed(device.serial)["state"], "revoked")
        self.assertFalse(self.world.claimed(device.serial)["member"])

    def test_9_reset_by_hand(self):
        """A person resets an onboarded device: held, until the owner says that it was a reset; then it is back in."""
        device, = self.owned_and_claimed(1)
        device.start().finish()
        first = self.onboarded_once(device)
        self.world.must("device", "reset", data=device.folder)
        device.start()
        until(lambda: self.world.claimed(device.serial)["state"] == "held", "the question")
        self.assertIn("decide", self.world.why(device.serial)["why"])
        self.world.must("verifier", "decide", device.serial, "--reset", data="owner")
        device.finish()
        again = self.world.claimed(device.serial)
        self.assertEqual((again["state"], again["member"]), ("onboarded", True))
        self.assertNotEqual(again["member_id"], first["member_id"])


if __name__ == "__main__":
    common.main()
