# SPDX-License-Identifier: Apache-2.0
"""What people and strangers hand in: lists of devices, policies, revoked and backdated credentials, broken HTTP and
JSON."""
import http.client
import os
import re
import socket
import unittest
import urllib.parse

import common
from common import until
from harness import COLUMNS


class Input(common.WorldTest):
    def test_1_lists_of_devices(self):
        """Line and column are named, nothing is made; the mended list works, twice."""
        world = self.world
        good = "L1,keel-sensor-1,STM32U5,Zephyr 3.7,none,B2,512 KiB,Europe/Vienna"
        second = good.replace("L1", "L2")
        bad = {
            "missing column": (COLUMNS.replace(",model", "") + "\n" + good.replace(",keel-sensor-1", "") + "\n",
                               "line 1", "model"),
            "duplicate serial": (f"{COLUMNS}\n{good}\n{second}\n{good}\n", "line 4, column 1", "duplicate"),
            "bad UTF-8": (f"{COLUMNS}\n{good}\n".encode() + second.encode().replace(b"none", b"n\xffne") + b"\n",
                          "line 3, column 5", "UTF-8"),
            "too few fields": (f"{COLUMNS}\n{good}\nL2,keel-sensor-1\n", "line 3", ""),
            "empty field": (f"{COLUMNS}\n{good.replace('B2', '')}\n", "line 2, column 6", "required"),
            "bad memory": (f"{COLUMNS}\n{good.replace('512 KiB', 'much')}\n", "line 2, column 7", ""),
            "a path as serial": (f"{COLUMNS}\n{good.replace('L1', '../L1')}\n", "line 2, column 1", "serial"),
            "no device": (COLUMNS + "\n", "line 2", ""),
            "UTF-16": ((COLUMNS + "\n" + good + "\n").encode("utf-16"), "", "UTF"),
        }
        folder = world.path("made")
        for name, (text, place, word) in bad.items():
            with self.subTest(name):
                with open(world.path("list.csv"), "wb") as f:
                    f.write(text if isinstance(text, bytes) else text.encode())
                answer = world.keel("issuer", "manufacture", "--csv", world.path("list.csv"), "--devices-dir", folder,
                                    data="maker")
                self.assertEqual(answer.code, 2, answer.text)
                self.assertIn(place, answer.err)
                self.assertIn(word.lower(), answer.err.lower())
                self.assertFalse(os.path.exists(folder) and os.listdir(folder), "nothing half-made")
                listed = world.must("issuer", "list", "--json", data="maker").json["devices"]
                self.assertFalse([one for one in listed if one["serial"] in ("L1", "L2")], listed)
        with open(world.path("list.csv"), "w", encoding="utf-8") as f:
            f.write(f"{COLUMNS}\n{good}\n{second}\n")
        for made, skipped in ((2, 0), (0, 2)):
            answer = world.must("issuer", "manufacture", "--csv", world.path("list.csv"), "--devices-dir", folder,
                                "--json", data="maker").json
            self.assertEqual((len(answer["made"]), len(answer["skipped"])), (made, skipped), answer)
        self.assertEqual(sorted(os.listdir(folder)), ["L1", "L2"])

    def refused_by(self, device, rule, *seen):
        """The device is refused by policy, waits, and `why` names the rule with what was seen and wanted."""
        device.start()
        until(lambda: self.world.why(device.serial)["why"].startswith("refused: "), "the verdict")
        why = self.world.why(device.serial)
        broken = [r for r in why["judgement"]["rules"] if not r["ok"]]
        self.assertTrue(any(rule in r["rule"] for r in broken), broken)
        for word in seen:
            self.assertTrue(any(word in r["seen"] + r["wanted"] + r["why"] for r in broken), broken)
        self.assertNotIn(why["state"], ("bound", "onboarded"))
        self.assertFalse(why["member"])
        device.await_event(event="waiting")
        self.assertIn("NOT MET", self.world.must("verifier", "why", device.serial, data="owner").out)

    def test_2_policy(self):
        """Refused: a manufacturer that isn't trusted, a fact that isn't as wanted. Mended, the same session goes on."""
        maker = self.world.did_of("maker")
        try:
            for policy, rule, seen in (
                    ({"trustedManufacturers": ["did:key:z6MkhaXgBZDvotDkL5257faiztiGiC2QtKLGpbnnEGta2doK"]},
                     "", maker),
                    ({"trustedManufacturers": [maker],
                      "rules": [{"field": "/hardware/secureHardware", "op": "eq", "value": "SE050",
                                 "why": "keys must lie in a chip"}]}, "/hardware/secureHardware", "none")):
                with self.subTest(policy=policy):
                    device, = self.owned_and_claimed(1)
                    self.world.policy(policy)
                    self.refused_by(device, rule, seen)
                    self.world.policy({"trustedManufacturers": [maker]})
                    device.finish()
                    self.onboarded_once(device)
        finally:
            self.world.policy({})
        with open(self.world.path("bad-policy.json"), "w", encoding="utf-8") as f:
            f.write('{"v":1,"rules":[{"field":"x","op":"eq","value":1}]}')
        answer = self.world.keel("verifier", "policy", "set", self.world.path("bad-policy.json"), data="owner")
        self.assertNotEqual(answer.code, 0)
        self.assertIn("rule 1", answer.err)

    def test_3_revoked_by_its_maker(self):
        """Guard: the status check of the hardware credential."""
        good, device = self.owned_and_claimed(2)
        self.world.must("issuer", "revoke", device.serial, "--reason", "stolen from the warehouse", data="maker")
        self.world.verifier.stop()  # it may keep a list for five minutes
        self.world.start_verifier()
        self.refused_by(device, "status")
        good.start().finish()
        self.onboarded_once(good)

    def test_4_broken_http(self):
        """Half requests, oversize, garbage, deep and doubled JSON on every public port; the service goes on."""
        world = self.world
        message = "application/didcomm-encrypted+json"
        services = {
            "registry": (world.registry_line.upstream, "/v1/transactions", "application/json"),
            "verifier": (world.line.upstream, "/didcomm", message),
            "issuer": (world.issuer_line.upstream, "/status/1", "application/json"),
        }
        bodies = {
            "oversize": b"[" + b"0," * 3_000_000 + b"0]",
            "deep": b"[" * 100_000 + b"]" * 100_000,
            "deep objects": b'{"a":' * 5_000 + b"1" + b"}" * 5_000,
            "bad UTF-8": b'{"entries":["\xff\xfe"]}',
            "not JSON": b"\x00\x01\x02",
            "empty": b"",
            "a number": b"1e999",
        }
        self._doubled_names()
        held = []
        for name, (url, path, kind) in services.items():
            target = urllib.parse.urlsplit(url)
            for what, body in bodies.items():
                with self.subTest(service=name, body=what):
                    try:
                        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=30)
                        connection.request("POST", path, body, {"content-type": kind})
                        status = connection.getresponse().status
                        self.assertTrue(400 <= status < 500, status)
                        connection.close()
                    except (BrokenPipeError, ConnectionResetError):
                        self.assertEqual(what, "oversize")  # closed before all was sent
            raw = (b"POST " + path.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-le",
                   b"POST " + path.encode() + b" HTTP/1.1\r\nhost: x\r\ncontent-length: 1000\r\n\r\nhalf",
                   b"GET / HTTP/1.1\r\nhost: x\r\n" + b"a: b\r\n" * 20_000,
                   b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", b"", b"GET")
            for text in raw * 10:  # kept open while the others are asked
                s = socket.create_connection((target.hostname, target.port), timeout=30)
                try:
                    s.sendall(text)
                except OSError:
                    pass  # refused already
                held.append(s)
            for text in (b"GARBAGE\r\n\r\n", b"POST " + path.encode() +
                         b" HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"):
                with self.subTest(service=name, raw=text):
                    with socket.create_connection((target.hostname, target.port), timeout=30) as s:
                        s.sendall(text)
                        answer = s.recv(4096)
                        self.assertTrue(answer == b"" or b" 4" in answer.split(b"\r\n")[0], answer)
        device, = self.owned_and_claimed(1)
        device.start().finish()
        self.onboarded_once(device)
        for s in held:
            s.close()
        for service in (world.registry, world.verifier, world.issuer):
            self.assertIsNone(service.process.poll(), service.name)

    def _doubled_names(self):
        """A device's own hello, which the verifier answers, with one member said twice: refused, in each place."""
        device, = self.owned_and_claimed(1)
        line = self.world.line
        line.record = []
        device.start()
        until(lambda: any(e.path == "/didcomm" and answer[0] == 200 for e, answer in list(line.record)), "a hello")
        device.kill()
        hello = next(e for e, answer in line.record if e.path == "/didcomm" and answer[0] == 200)
        line.record = None
        body = hello.body
        self.assertEqual(hello.forward()[0], 200, "as it is, it is answered again")
        tag = re.search(rb'"tag":"[^"]*"', body).group()
        kid = re.search(rb'"kid":"[^"]*"', body).group()
        doubled = {"tag": body.replace(tag, tag + b"," + tag, 1),
                   "escaped": body.replace(tag, tag + b"," + tag.replace(b"tag", rb"t\u0061g", 1), 1),
                   "kid": body.replace(kid, kid + b"," + kid, 1)}
        for name, bad in doubled.items():
            with self.subTest(doubled=name):
                self.assertNotEqual(bad, body)
                self.assertEqual(hello.forward(bad)[0], 400)
        self.assertEqual(hello.forward()[0], 200)

    def test_5_backdated_with_a_rotated_key(self):
        """The maker's key was stolen: what was anchored from then on doesn't count, what was before does.

        Guard: the issuer's key is judged at the batch's log index (vc/verification.cc, check `issuer`).
        """
        world = self.world
        before, = self.owned_and_claimed(1)
        since = world.must("registry", "status", "--json", data="reg").json["checkpoint"]["size"]
        after, = self.owned_and_claimed(1)
        from harness import BIN, Service, copy_folder
        copy_folder(world.path("maker"), world.path("thief"))
        world.must("issuer", "rotate-key", "--reason", "compromise", "--since", since, data="maker")
        world.verifier.stop()
        world.start_verifier()
        self.refused_by(after, "issuer")
        before.start().finish()
        self.onboarded_once(before)
        # Who has the old key can't have anything anchored any more.
        thief = Service(world, "thief", [BIN + "/keel-issuer", "serve", "--data", world.path("thief"), "--listen",
                                         "127.0.0.1:0"])
        thief.start()
        with self.assertRaises(AssertionError):
            world.manufacture(["stolen-1"], data="thief")
        thief.kill()


if __name__ == "__main__":
    common.main()
