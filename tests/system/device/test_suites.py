# SPDX-License-Identifier: Apache-2.0
"""A device with P-256 keys (`keel-device manufacture --suite p256`) beside one with the usual ones: made, sold, claimed,
onboarded, updated and heard by the same issuer, registry, custodians, verifier and broker. Everything that goes over the
owner's line is watched: no long-lived DID stands in an envelope's header."""
import base64
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "onboarding"))

import common  # noqa: E402
from common import until  # noqa: E402
from harness import BIN, MODELS  # noqa: E402


def decoded(text):
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)).decode()


class Suites(common.WorldTest):
    def owned_p256(self, serials, model):
        devices = self.world.manufacture(serials, model=model, more=[
            "--device-command", BIN + "/keel-device manufacture --suite p256 --data {data}"])
        self.world.sell("maker", "dist", serials)
        self.world.sell("dist", "owner", serials)
        self.world.claim(serials)
        return devices

    def test_both_suites_onboard_update_and_are_heard(self):
        model = MODELS[0]
        self.world.profile(model, {"interval": 5}, self.world.release(model, "2.0.0", 2))
        listener = self.reading()
        self.world.line.record = []
        devices = self.owned_and_claimed(1, model) + self.owned_p256(self.serials(2, "P"), model)
        for device in devices:
            device.start("--telemetry-interval", "200", once=False)
        heard = self.hear_firmware(listener, len(devices), "2.0.0")
        pairwise = set()
        for device in devices:
            claim = self.onboarded_once(device)
            self.assertIn(claim["member_id"], heard)
            until(lambda d=device: d.status()["rollback_counter"] == 2, "the rollback counter to rise")
            pairwise.add(device.status()["pairwise"])
        self.assertEqual(len(pairwise), 3)
        # P-256 Multikeys begin with zDn, X25519 ones with z6LS: each device has the suite that it was made with.
        self.assertEqual(sorted(did.split(".E")[1][:3] for did in pairwise), ["z6L", "zDn", "zDn"])

        seen = 0
        for exchange, answer in self.world.line.record:
            if not exchange.path.startswith("/didcomm"):
                continue
            for octets in (exchange.body, answer[2]):
                if not octets:
                    continue
                envelope = json.loads(octets)
                header = json.loads(decoded(envelope["protected"]))
                self.assertEqual(len(envelope["recipients"]), 1)
                kid = envelope["recipients"][0]["header"]["kid"]
                for name in (kid, header["skid"], decoded(header["apu"])):
                    self.assertTrue(name.startswith("did:peer:2.E"), name)
                self.assertNotIn("did:keel", octets.decode() + json.dumps(header))
                seen += 1
        self.assertGreaterEqual(seen, 3 * 6, "M1 to M6 of each device at least")

    def test_a_suite_is_for_good(self):
        """Made again with another suite, a device that has its identity refuses."""
        serials = self.serials(1, "G")
        device, = self.world.manufacture(serials)
        ask = {"op": "begin", "label": "demo", "net": "A" * 43, "root_seal": "A" * 43}
        done = subprocess.run([BIN + "/keel-device", "manufacture", "--suite", "p256", "--data", device.folder],
                              input=json.dumps(ask).encode() + b"\n", capture_output=True, timeout=60)
        self.assertEqual(json.loads(done.stdout)["error"]["code"], "locked")
        answer = self.world.keel("device", "manufacture", "--suite", "p384", data=self.world.path("none"))
        self.assertEqual(answer.code, 2, answer.text)


if __name__ == "__main__":
    common.main()
