# SPDX-License-Identifier: Apache-2.0
"""Schemas and credential definitions with the real programs: published, held to by the issuer, demanded by an owner."""
import json
import os
import subprocess
import sys
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import harness  # noqa: E402
from harness import COLUMNS, until  # noqa: E402

HARDWARE = "https://keel-protocol.org/schemas/v1/HardwareCredential.json"


class Definitions(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.world = harness.World(broker=False)

    @classmethod
    def tearDownClass(cls):
        cls.world.close()

    def write(self, name, value):
        with open(self.world.path(name), "w", encoding="utf-8") as f:
            f.write(value if isinstance(value, str) else json.dumps(value))
        return self.world.path(name)

    def issuer(self, *args, want=0):
        answer = self.world.keel("issuer", *args, data="maker")
        self.assertEqual(answer.code, want, answer.text)
        return answer

    def use(self, definition):
        self.world.issuer.stop()
        self.world.set_config("maker/issuer.toml", f'definition = "{definition}"')
        self.world.start_issuer()

    def rules(self, **more):
        return dict({"types": ["HardwareCredential"], "schema": HARDWARE, "formats": ["vc+jwt"],
                     "algorithms": ["EdDSA"], "statusList": self.world.issuer_line.url + "/status/"}, **more)

    def test_1_schemas(self):
        maker = self.world.did_of("maker")
        file = self.write("schema.json", {"$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object"})
        answer = self.issuer("schema", "publish", "--file", file, "--id", "anything", "--json").json
        self.assertEqual(answer["id"], maker + "/schemas/anything")
        self.assertEqual(json.loads(self.issuer("schema", "show", "anything").out)["type"], "object")
        self.assertEqual(self.issuer("schema", "show", answer["id"], "--json").json["digest"], answer["digest"])
        self.assertIn("microcontroller", self.issuer("schema", "show", "HardwareCredential").out)
        file = self.write("other.json", {"type": "array"})
        self.assertIn("never change", self.issuer("schema", "publish", "--file", file, "--id", "anything", want=1).err)
        file = self.write("unknown.json", {"properties": {"a": {"prefixItems": [True]}}})
        error = self.issuer("schema", "publish", "--file", file, "--id", "unknown", want=2).err
        self.assertIn("'prefixItems' (at /properties/a/prefixItems)", error)

    def test_2_issuing_and_demanding(self):
        world = self.world
        before = world.owned(["B1"], model="keel-sensor-1")  # issued outside any definition
        file = self.write("definition.json", self.rules())
        answer = self.issuer("definition", "publish", "--file", file, "--id", "hw-1", "--json").json
        self.assertEqual(answer["id"], world.did_of("maker") + "/definitions/hw-1")
        self.assertEqual(self.issuer("definition", "show", "hw-1", "--json").json["schema"], HARDWARE)
        self.use("hw-1")
        devices = world.owned(["D1"], model="keel-sensor-1")
        world.policy({"rules": [{"field": "/definition/ok", "op": "eq", "value": True, "why": "what we buy is defined"}]})
        world.claim(["B1", "D1"])
        for device in before + devices:
            device.start()
        devices[0].await_event(event="onboarded")
        devices[0].kill()
        until(lambda: world.claimed("D1")["state"] == "onboarded", "D1 onboarded")
        self.assertEqual(world.claimed("D1")["state"], "onboarded")
        until(lambda: world.why("B1")["why"].startswith("refused: "), "the verdict on B1")
        broken = [r for r in world.why("B1")["judgement"]["rules"] if not r["ok"]]
        self.assertEqual([r["why"] for r in broken], ["what we buy is defined"], broken)
        before[0].kill()
        met = [r["rule"] for r in world.why("D1")["judgement"]["rules"] if r["ok"]]
        self.assertTrue(any("definition" in rule and "credential" in rule for rule in met), met)

    def test_3_by_hand(self):
        """`keel vc verify --definition` on a credential as a device got it."""
        world = self.world
        device = world.manufacture(["H1"], model="keel-sensor-1",
                                   more=("--device-command", harness.BIN + "/keel-script-device"))[0]
        with open(os.path.join(device.folder, "device.json"), encoding="utf-8") as f:
            credential = json.load(f)["credential"]
        argv = [harness.BIN + "/keel", "vc", "verify", "--json", "--definition", "--registry", world.path("net.keel")]
        done = subprocess.run(argv, input=credential, capture_output=True, text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        checks = {c["check"]: c for c in json.loads(done.stdout)["checks"]}
        self.assertTrue(checks["definition"]["ok"], checks)
        self.assertEqual(checks["definition"]["detail"], world.did_of("maker") + "/definitions/hw-1")
        # In a presentation each credential is held to it: one that names none spoils the whole.
        keel = [harness.BIN + "/keel"]
        holder = subprocess.run(keel + ["did", "create", "--method", "key", "-o", world.path("me.key"), "--json"],
                                capture_output=True, text=True, timeout=60, check=True)
        me = json.loads(holder.stdout)["did"]
        plain = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"],
                 "issuer": me, "credentialSubject": {"id": me}}
        own = subprocess.run(keel + ["vc", "issue", "--key", world.path("me.key")], input=json.dumps(plain),
                             capture_output=True, text=True, timeout=60, check=True).stdout
        for name, text, code in (("hw.jwt", credential, 0), ("own.jwt", own, 1)):
            shown = subprocess.run(keel + ["vp", "create", "--holder", me, "--key", world.path("me.key"), "--audience",
                                           "did:example:a", "--nonce", "n", "--credential", self.write(name, text)],
                                   capture_output=True, text=True, timeout=60, check=True).stdout
            done = subprocess.run(keel + ["vp", "verify", "--json", "--definition", "--audience", "did:example:a",
                                          "--nonce", "n", "--registry", world.path("net.keel")],
                                  input=shown, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(done.returncode, code, done.stdout + done.stderr)
            self.assertEqual("definition" in done.stdout, True, done.stdout)

    def test_4_outside_is_refused(self):
        file = self.write("narrow.json", self.rules(validity={"until": "required"}))
        self.issuer("definition", "publish", "--file", file, "--id", "hw-2")
        self.use("hw-2")
        csv = self.write("narrow.csv", COLUMNS + "\nN1,keel-sensor-1,STM32U5,Zephyr 3.7,none,B2,512 KiB,Europe/Vienna\n")
        answer = self.world.keel("issuer", "manufacture", "--csv", csv, "--devices-dir", self.world.path("narrow"),
                                 "--json", data="maker")
        self.assertEqual(answer.code, 1, answer.text)
        self.assertIn("outside the credential definition", answer.out)
        self.assertIn("validUntil is missing", answer.out)
        bad = self.write("bad.json", self.rules(algorithms=[]))
        self.assertIn("algorithms", self.issuer("definition", "publish", "--file", bad, "--id", "hw-3", want=2).err)


if __name__ == "__main__":
    unittest.main(verbosity=2)
