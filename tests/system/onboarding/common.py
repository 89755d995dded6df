# SPDX-License-Identifier: Apache-2.0
"""What the onboarding tests share: one World a module, made on first use, and who reads the devices' data."""
import json
import os
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import harness  # noqa: E402
import proxies  # noqa: E402
import reader  # noqa: E402

until = harness.until


class WorldTest(unittest.TestCase):
    """A module's tests share one World; each takes devices of its own."""
    world_options = {}
    world = None
    number = 0

    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(**cls.world_options)

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def setUp(self):
        self.world.registry_line.hook = self.world.line.hook = self.world.issuer_line.hook = None
        self.world.line.record = self.world.registry_line.record = self.world.issuer_line.record = None

    def tearDown(self):
        self.setUp()
        for process in self.world.devices_running:
            if process.poll() is None:
                process.kill()
                process.wait()
        self.world.devices_running.clear()

    @classmethod
    def serials(cls, count, letter="S"):
        cls.number += 1
        return [f"{letter}{cls.number:03d}-{i + 1:03d}" for i in range(count)]

    def owned_and_claimed(self, count, model=None):
        serials = self.serials(count)
        devices = self.world.owned(serials, model)
        self.world.claim(serials)
        return devices

    def onboarded_once(self, device):
        """The owner has the device as a member, and took it in exactly once."""
        claim = self.world.claimed(device.serial)
        self.assertEqual(claim["state"], "onboarded", claim)
        self.assertTrue(claim["member"], claim)
        done = [line for line in self.world.verifier.log().splitlines()
                if "onboarding.done" in line and f"serial={device.serial}" in line]
        self.assertEqual(len(done), 1, done)
        return claim

    def new_reader(self):
        """(Reader, credential, audience, granted topic)."""
        who = reader.Reader()
        file = self.world.path(who.key)
        self.world.must("verifier", "reader", "add", who.did, "-o", file, data="owner")
        status = self.world.must("verifier", "status", "--json", data="owner").json
        with open(file, encoding="utf-8") as f:
            return who, f.read().strip(), status["audience"], f"keel/{status['fleet']}/#"

    def reading(self):
        who, credential, audience, topic = self.new_reader()
        client = proxies.Mqtt(self.world.broker_port, "app-" + who.key[-6:], who.did,
                              who.presentation(credential, audience))
        self.assertTrue(client.subscribe(topic))
        return client

    def hear_firmware(self, listener, count, version):
        """Waits till `count` members' telemetry came with the version: {member: versions}. Ends the listener."""
        heard = {}

        def all_heard():
            topic, text = listener.message()
            heard.setdefault(topic.split("/")[2], set()).add(payload(text)["firmware"])
            return len(heard) == count and all(version in versions for versions in heard.values())

        harness.until(all_heard, lambda: f"telemetry with the new firmware; heard {heard}")
        listener.close()
        return heard


def main():
    unittest.main(verbosity=2, failfast=bool(os.environ.get("KEEL_FAILFAST")))


def payload(octets):
    return json.loads(octets)
