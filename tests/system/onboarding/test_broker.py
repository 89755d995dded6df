# SPDX-License-Identifier: Apache-2.0
"""The broker: who may publish and read, with real tokens that were taken from the wire."""
import json
import os
import time
import unittest

import common
import proxies
from common import until


class Broker(common.WorldTest):
    def member(self):
        """(Device, its claim, its MQTT user name and a live token as it went over the wire)."""
        device, = self.owned_and_claimed(1)
        before = len(self.world.broker_tap.sent)
        device.start("--telemetry-interval", "100", once=False)
        device.await_event(event="telemetry")
        claim = self.onboarded_once(device)
        for octets in self.world.broker_tap.sent[before:]:
            taken = proxies.connect_packets(bytes(octets))
            if taken and taken[1] == claim["member_id"]:
                return device, claim, taken[1], taken[2]
        raise AssertionError("no token was seen")

    def hears(self, listener, wanted, unwanted):
        """Reads until `wanted` comes; none of `unwanted` may come before."""
        while True:
            topic, text = listener.message()
            self.assertNotIn(text, unwanted, topic)
            if text == wanted:
                return

    def test_1_nobody_else_gets_in(self):
        world = self.world
        who, credential, audience, topic = self.new_reader()
        other, other_credential, _, _ = self.new_reader()
        now = int(time.time())
        bad = {
            "no token": (who.did, ""),
            "no member": ("bm9ib2R5", "token"),
            "another's credential": (who.did, who.presentation(other_credential, audience)),
            "another's presentation": (who.did, other.presentation(credential, audience)),
            "wrong audience": (who.did, who.presentation(credential, "another broker")),
            "expired": (who.did, who.presentation(credential, audience, iat=now - 400, exp=now - 120)),
            "lives too long": (who.did, who.presentation(credential, audience, exp=now + 3600)),
            "not yet valid": (who.did, who.presentation(credential, audience, iat=now + 200, exp=now + 300)),
            "another's key": (who.did, other.presentation(credential, audience, iss=who.did)),
            "iss of another": (who.did, who.presentation(credential, audience, iss=other.did)),
        }
        for what, (name, password) in bad.items():
            with self.subTest(what), self.assertRaises(proxies.Refused):
                proxies.Mqtt(world.broker_port, "x", name, password)
        good = proxies.Mqtt(world.broker_port, "reader", who.did, who.presentation(credential, audience))
        self.assertTrue(good.subscribe(topic))
        for wide in ("#", "keel/#", "+/+/+", "$SYS/#"):
            with self.subTest(subscribe=wide):
                self.assertFalse(good.subscribe(wide))
        good.close()
        world.must("verifier", "reader", "remove", who.did, data="owner")
        with self.assertRaises(proxies.Refused):
            proxies.Mqtt(world.broker_port, "reader", who.did, who.presentation(credential, audience))

    def test_2_members_speak_for_themselves_only(self):
        """Guard: Access::Authorize compares the topic with the member's own prefix."""
        device_a, claim_a, name, token = self.member()
        device_b, claim_b, _, _ = self.member()
        device_a.kill()
        device_b.kill()
        listener = self.reading()
        with self.assertRaises(proxies.Refused):  # A's token under B's name
            proxies.Mqtt(self.world.broker_port, "x", claim_b["member_id"], token)
        fleet = self.world.must("verifier", "status", "--json", data="owner").json["fleet"]
        thief = proxies.Mqtt(self.world.broker_port, "x", name, token)
        forged = [b"as another", b"as the fleet", b"outside"]
        for topic, text in zip((f"keel/{fleet}/{claim_b['member_id']}/telemetry", f"keel/{fleet}", "other/topic"), forged):
            thief.publish(topic, text)
        self.assertFalse(thief.subscribe(f"keel/{fleet}/{claim_b['member_id']}/#"))
        self.assertFalse(thief.subscribe("#"))
        thief.publish(f"keel/{fleet}/{name}/telemetry", b"as itself")
        self.hears(listener, b"as itself", forged)
        # A reader can't publish. (Another one listens: who publishes reads past what comes in meanwhile.)
        writer = self.reading()
        writer.publish(f"keel/{fleet}/{name}/telemetry", b"by the reader")
        thief.publish(f"keel/{fleet}/{name}/telemetry", b"after")
        self.hears(listener, b"after", [b"by the reader"])
        writer.close()
        thief.close()
        listener.close()

    def test_3_revoked_by_its_owner(self):
        """The open connection can't publish any more, a new one isn't taken though its token is still good."""
        device, claim, name, token = self.member()
        listener = self.reading()
        fleet = self.world.must("verifier", "status", "--json", data="owner").json["fleet"]
        topic = f"keel/{fleet}/{name}/telemetry"
        device.kill()
        open_line = proxies.Mqtt(self.world.broker_port, "x", name, token)
        open_line.publish(topic, b"before")
        self.hears(listener, b"before", [])
        self.world.must("verifier", "revoke", device.serial, data="owner")
        self.assertFalse(self.world.claimed(device.serial)["member"])
        open_line.publish(topic, b"after")
        with self.assertRaises(proxies.Refused):
            proxies.Mqtt(self.world.broker_port, "y", name, token)
        self.others_are_heard(listener, claim["member_id"])
        device.start("--telemetry-interval", "100", once=False)
        until(lambda: device.seen(event="waiting", text="broker"), "the device says that the broker refuses it")
        self.assertIn("revoked", self.world.why(device.serial)["why"])
        listener.close()

    def test_4_expired_fleet_credential(self):
        """A device that did not come to its owner for a year is no member any more, its connection open or not.

        The file says so (the clock is the machine's own); guards: `until` in Access::Authenticate and Authorize.
        """
        device, _, name, token = self.member()
        device.kill()
        listener = self.reading()
        fleet = self.world.must("verifier", "status", "--json", data="owner").json["fleet"]
        topic, file = f"keel/{fleet}/{name}/telemetry", self.world.path("owner", "members.jsonl")
        line = proxies.Mqtt(self.world.broker_port, "x", name, token)
        line.publish(topic, b"before")
        self.hears(listener, b"before", [])
        with open(file, encoding="utf-8") as f:
            right = f.read()
        lines = [json.loads(line) for line in right.splitlines()]
        member = [line for line in lines if line.get("member") == name][-1]
        self.assertGreater(member["until"], time.time() + 360 * 24 * 3600)
        member["until"] = int(time.time()) - 1
        self._replace(file, "".join(json.dumps(line) + "\n" for line in lines))
        line.publish(topic, b"too late")
        with self.assertRaises(proxies.Refused):
            proxies.Mqtt(self.world.broker_port, "y", name, token)
        self.assertIn("FleetCredential has expired", self.world.broker.log())
        self._replace(file, right)
        line.publish(topic, b"renewed")
        self.hears(listener, b"renewed", [b"too late"])
        listener.close()

    @staticmethod
    def _replace(file, text):
        with open(file + ".new", "w", encoding="utf-8") as f:
            f.write(text)
        os.replace(file + ".new", file)

    def others_are_heard(self, listener, member):
        """Reads on until another member, which is started only now, is heard; nothing of `member` may come before.

        That nothing at all comes is a failure too (the socket's TimeoutError): silence would prove nothing.
        """
        other, _, name, _ = self.member()
        while True:
            topic, text = listener.message(30)
            self.assertNotIn(f"/{member}/", topic, text)
            if f"/{name}/" in topic:
                other.kill()
                return


if __name__ == "__main__":
    common.main()
