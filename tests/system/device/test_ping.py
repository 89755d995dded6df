# SPDX-License-Identifier: Apache-2.0
"""`keel-device ping`: devices that reach each other through their owner's verifier, with real programs. A device that is
no member, or is revoked, gets nothing through, and nothing gets through to it."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "onboarding"))

import common  # noqa: E402
from common import until  # noqa: E402


class Ping(common.WorldTest):
    world_options = {"broker": False}

    def onboarded(self, count, *more):
        devices = self.owned_and_claimed(count)
        for device in devices:
            device.start("--contact-interval", "600000", *more, once=False)
        for device in devices:
            device.await_event(event="onboarded")
            until(lambda d=device: d.status() and d.status()["step"] == "dormant", "rest of " + device.serial)
        return devices

    def ping(self, device, *args):
        return self.world.keel("device", "ping", *args, data=device.folder)

    def test_1_devices_reach_each_other_and_their_owner(self):
        a, b = self.onboarded(2)
        answer = self.ping(a)
        self.assertEqual(answer.code, 0, answer.text)
        self.assertIn("answer from the owner's service in ", answer.out)
        self.assertEqual(self.ping(a, a.status()["owner"]).code, 0)
        answer = self.ping(a, b.status()["pairwise"], "--count", "5", "--json")
        self.assertEqual(answer.code, 0, answer.text)
        print("round trips in ms:", answer.json["round_trip_ms"])
        self.assertEqual(len(answer.json["round_trip_ms"]), 5)
        # Held open lines bring it: nobody waits for a contact time.
        self.assertLess(sorted(answer.json["round_trip_ms"])[2], 10_000)
        self.assertEqual(self.ping(b, a.status()["pairwise"]).code, 0, "the other way round")

    def test_2_one_that_does_not_listen_answers_at_its_next_contact(self):
        a, = self.onboarded(1)
        sleeper, = self.owned_and_claimed(1)
        sleeper.start("--contact-interval", "500", "--no-listen", once=False)
        sleeper.await_event(event="onboarded")
        self.assertEqual(self.ping(a, sleeper.status()["pairwise"]).code, 0)

    def test_3_a_message_waits_for_a_device_that_is_off_and_for_a_verifier_that_was_killed(self):
        a, b = self.onboarded(2)
        to = b.status()["pairwise"]
        b.kill()
        answer = self.ping(a, to, "--timeout", "1500")
        self.assertEqual(answer.code, 3, answer.text)
        self.assertIn("may be off or asleep", answer.err)
        self.world.verifier.kill()
        self.world.start_verifier()
        self.world.line.record = got = []
        b.start("--contact-interval", "600000", once=False)

        def delivered():
            """B fetched the message that waited: it sent more than R0's time, a contact and its long wait."""
            return len([e for e, _ in got if e.path.startswith("/didcomm")]) >= 4

        until(delivered, "the delivery of what waited")
        self.assertEqual(self.ping(a, to).code, 0)

    def test_4_who_is_no_member_gets_nothing_through(self):
        a, b, revoked = self.onboarded(3)
        to_b, to_revoked = b.status()["pairwise"], revoked.status()["pairwise"]
        self.assertEqual(self.ping(revoked, to_b).code, 0, "a member still")
        self.world.must("verifier", "revoke", revoked.serial, data="owner")
        answer = self.ping(revoked, to_b)
        self.assertEqual(answer.code, 1, answer.text)
        self.assertIn("e.p.trust.no-member", answer.err)
        answer = self.ping(revoked)
        self.assertEqual(answer.code, 1, answer.text)
        answer = self.ping(a, to_revoked)
        self.assertEqual(answer.code, 1, answer.text)
        self.assertIn("e.p.xfer.no-such-recipient", answer.err)
        # One that was never ours looks the same.
        stranger = "did:peer:2.Ez6LSbysY2xFMRpGMhb7tFTLMpeuPRaqaWM1yECx2AtzE3KCc"
        self.assertIn("e.p.xfer.no-such-recipient", self.ping(a, stranger).err)

    def test_5_wrong_use_is_told(self):
        a, = self.onboarded(1)
        own = self.ping(a, a.status()["pairwise"])
        self.assertEqual(own.code, 2, own.text)
        self.assertIn("this device's own DID", own.err)
        wrong = self.ping(a, "did:web:example.org", "--json")
        self.assertEqual(wrong.code, 2, wrong.text)
        self.assertEqual(wrong.json["error"]["code"] if wrong.json else json.loads(wrong.err)["error"]["code"],
                         "method_not_supported")
        a.kill()
        off = self.ping(a)
        self.assertEqual(off.code, 3, off.text)
        self.assertIn("keel-device run", off.err)
        seeking = self.owned_and_claimed(1)[0]
        self.world.line.hook = lambda exchange: (503, "text/plain", b"away")
        seeking.start(once=False)
        seeking.await_event(event="waiting")
        early = self.ping(seeking)
        self.assertEqual(early.code, 2, early.text)
        self.assertIn("isn't onboarded", early.err)


if __name__ == "__main__":
    common.main()
