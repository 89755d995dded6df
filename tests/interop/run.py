#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live interoperability of `keel didcomm` with another implementation, in both directions.

  tests/interop/run.py --peer python|node --keel BIN/keel --make BIN/keel-interop-make --env DIR
                       [unittest arguments]
DIR is where `scripts/setup --for test` put the peers (venv/, node/). Without them the test fails: it is never skipped.
Where a peer is wrong, the test says so and holds to the specification.
"""
import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import time
import unittest

HERE = pathlib.Path(__file__).resolve().parent


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--peer", choices=("python", "node"), required=True)
    parser.add_argument("--keel", required=True)
    parser.add_argument("--env", required=True)
    parser.add_argument("--make", required=True, help="keel-interop-make")
    return parser.parse_known_args()


ARGS, REST = arguments()
VENV = pathlib.Path(ARGS.env) / "venv" / "bin" / "python"
if not VENV.exists() or not (pathlib.Path(ARGS.env) / "node" / "node_modules" / "didcomm-node").exists():
    sys.exit(f"interop: the peers are not in {ARGS.env}: run scripts/setup --for test")
if pathlib.Path(sys.prefix) != VENV.parent.parent:
    os.execv(VENV, [str(VENV), *sys.argv])  # keys are made with the venv's cryptography

import persons  # noqa: E402
from persons import AGREERS, SIGN_ALGS, SIGNERS  # noqa: E402

PYTHON = ARGS.peer == "python"
TYPE = "https://example.org/lunch/1.0/proposal"
ENCS = ("A256CBC-HS512", "XC20P", "A256GCM")
# What a peer can do; the rest is named where it is left out.
AUTH_CURVES = tuple(AGREERS) if PYTHON else ("x25519", "p256")
ANON_CURVES = tuple(AGREERS) if PYTHON else ("x25519", "p256")


def shared(name):
    """Algorithms have another spelling in each implementation."""
    if name is None:
        return None
    text = name.upper().replace("_", "").replace("-", "").replace("+", "")
    return {"ED25519": "EDDSA", "ES256K": "ES256K"}.get(text, text)


class Peer:
    def __init__(self, documents, secrets):
        command = [str(VENV), "-W", "ignore", str(HERE / "peer_python.py")] if PYTHON else \
            ["node", "--no-warnings", str(HERE / "peer_node.cjs")]
        environment = dict(os.environ, KEEL_INTEROP_NODE=str(pathlib.Path(ARGS.env) / "node"))
        self.process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env=environment)
        self.write({"documents": documents, "secrets": secrets})

    def write(self, value):
        self.process.stdin.write(json.dumps(value) + "\n")
        self.process.stdin.flush()

    def ask(self, op, **request):
        self.write(dict(request, op=op))
        line = self.process.stdout.readline()
        if not line:
            raise AssertionError(f"the peer ended ({self.process.wait()}) at {op}")
        return json.loads(line)

    def close(self):
        self.process.stdin.close()
        self.process.wait(timeout=20)
        self.process.stdout.close()


class Interop(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.people = persons.everybody()
        erin, one, two = (cls.people[n] for n in ("erin", "mediator1", "mediator2"))
        keys = [one.kid("agree-x25519"), two.kid("agree-x25519")]
        uri = "http://127.0.0.1:1/didcomm"
        if PYTHON:  # it takes routingKeys beside a string endpoint alone
            erin.services = [{"id": erin.did + "#didcomm", "type": "DIDCommMessaging", "serviceEndpoint": uri,
                              "recipientKeys": [], "routingKeys": keys, "accept": ["didcomm/v2"], "priority": 0}]
        else:
            erin.services = [{"id": erin.did + "#didcomm", "type": "DIDCommMessaging",
                              "serviceEndpoint": {"uri": uri, "accept": ["didcomm/v2"], "routingKeys": keys,
                                                  "routing_keys": keys}}]
        documents = [p.document() for p in cls.people.values()]
        cls.folder = tempfile.TemporaryDirectory(prefix="keel-interop-")
        cls.docs = cls.path("docs.json", documents)
        cls.secrets = {n: cls.path(n + ".json", p.secrets) for n, p in cls.people.items()}
        cls.peer = Peer(documents, [s for p in cls.people.values() for s in p.secrets])
        cls.exchanges = 0
        cls.shortened = 0
        cls.remarks = []

    @classmethod
    def tearDownClass(cls):
        cls.peer.close()
        cls.folder.cleanup()
        if cls.shortened:
            cls.remarks.append(f"{cls.shortened} messages of the peer had a coordinate cut short (RFC 7518 6.2.1.2): refused")
        print(f"interop: {cls.exchanges} messages exchanged with {ARGS.peer}", *cls.remarks, sep="\n  ", file=sys.stderr)

    @classmethod
    def path(cls, name, value):
        path = pathlib.Path(cls.folder.name) / name
        path.write_text(json.dumps(value))
        path.chmod(0o600)
        return str(path)

    # --- our side -----------------------------------------------------------------------------------------------
    def keel(self, verb, who, text, *flags):
        done = subprocess.run([ARGS.keel, "didcomm", verb, "--secrets", self.secrets[who], "--did-docs", self.docs, "--json",
                               *flags], input=text, capture_output=True, text=True, timeout=60)
        return done

    def keel_pack(self, who, message, *flags):
        done = self.keel("pack", who, json.dumps(message), *flags)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.strip()

    def keel_unpack(self, who, packed):
        done = self.keel("unpack", who, packed)
        self.assertEqual(done.returncode, 0, f"{done.stderr}\nof {packed[:600]}")
        type(self).exchanges += 1
        return json.loads(done.stdout)

    def keel_refuses(self, who, packed, *codes):
        done = self.keel("unpack", who, packed)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        code = json.loads(done.stderr)["error"]["code"]
        self.assertIn(code, codes, done.stderr)

    # --- their side ---------------------------------------------------------------------------------------------
    def peer_pack(self, op, message, **request):
        answer = self.peer.ask(op, message=message, **request)
        self.assertNotIn("error", answer)
        return answer["packed"]

    def from_peer(self, receiver, op, message, **request):
        """What the peer packs, unpacked by us. RFC 7518 section 6.2.1.2: a coordinate has the curve's full length. The
        Python peer drops leading zeros (one message in 128 with P-256, three in four with P-521): those we refuse, and
        it packs again."""
        for _ in range(200):
            packed = self.peer_pack(op, message, **request)
            done = self.keel("unpack", receiver, packed)
            if done.returncode == 0:
                self.assertTrue(self.full_length(packed), packed)
                type(self).exchanges += 1
                return json.loads(done.stdout)
            error = json.loads(done.stderr)["error"]
            cut = error["code"] == "malformed" and re.search(r"member [xy] must have (32|48|66) octets", error["message"])
            # Inside another envelope it can't be seen from here.
            self.assertTrue(PYTHON and cut and (not self.full_length(packed) or request.get("protect_sender")),
                            f"{done.stderr}\nof {packed[:600]}")
            type(self).shortened += 1
        self.fail("no message with full coordinates in 200")

    @staticmethod
    def full_length(packed):
        header = json.loads(persons.unb64(json.loads(packed).get("protected", "e30")))  # "e30": {}
        epk = header.get("epk", {})
        size = {"P-256": 32, "P-384": 48, "P-521": 66}.get(epk.get("crv"))
        return size is None or all(len(persons.unb64(epk[name])) == size for name in ("x", "y"))

    def peer_unpack(self, packed):
        answer = self.peer.ask("unpack", packed=packed)
        self.assertNotIn("error", answer, f"of {packed[:600]}")
        type(self).exchanges += 1
        return answer

    # --- both ---------------------------------------------------------------------------------------------------
    def message(self, sender="alice", to="bob", **more):
        message = {"id": os.urandom(8).hex(), "type": TYPE, "from": self.people[sender].did,
                   "to": [self.people[to].did], "created_time": 1700000000, "thid": "t-1", "pthid": "p-1",
                   "body": {"text": "h\u00e9llo \u4f60\u597d", "n": [1, 2.5, None, True]},
                   "attachments": [{"id": "a1", "media_type": "text/plain", "data": {"base64": "aGVsbG8"}}]}
        message.update(more)
        return {k: v for k, v in message.items() if v is not None}

    def same(self, sent, got):
        for name, value in sent.items():
            self.assertEqual(got.get(name), value, name)

    def check_metadata(self, got, encrypted=False, sender=None, signer=None, anonymous=False, anon=None, sign_alg=None):
        self.assertEqual(bool(got.get("encrypted")), encrypted, got)
        self.assertEqual(bool(got.get("authenticated")), sender is not None or signer is not None, got)
        self.assertEqual(bool(got.get("non_repudiation")), signer is not None, got)
        self.assertEqual(bool(got.get("anonymous_sender")), anonymous, got)
        self.assertEqual(got.get("encrypted_from_kid") or got.get("encrypted_from") or None, sender, got)
        self.assertEqual(got.get("sign_from_kid") or got.get("sign_from") or None, signer, got)
        if anon is not None:
            self.assertEqual(shared(got.get("enc_alg_anon")), shared(anon) + "ECDHESA256KW", got)
        if sign_alg is not None:
            self.assertEqual(shared(got.get("sign_alg")), shared(sign_alg), got)

    def both_ways(self, message, flags, op, request, receiver="bob", **metadata):
        """From us to the peer, and from the peer to us; the same metadata at both ends."""
        got = self.peer_unpack(self.keel_pack("alice", message, *flags))
        self.same(message, got["message"])
        self.check_metadata(got["metadata"], **metadata)
        got = self.from_peer(receiver, op, message, **request)
        self.same(message, got["message"])
        self.check_metadata(got["metadata"], **metadata)

    # --- tests --------------------------------------------------------------------------------------------------
    def test_plaintext(self):
        self.both_ways(self.message(), ["--mode", "plaintext"], "plaintext", {})

    def test_signed(self):
        for key in SIGNERS:
            kid = self.people["alice"].kid("sign-" + key)
            with self.subTest(key=key):
                self.both_ways(self.message(), ["--mode", "signed", "--sign-by", kid], "signed", {"sign_by": kid},
                               signer=kid, sign_alg=SIGN_ALGS[key])

    def test_anoncrypt(self):
        for curve in ANON_CURVES:
            for enc in ENCS:
                to = self.people["bob"].kid("agree-" + curve)
                with self.subTest(curve=curve, enc=enc):
                    self.both_ways(self.message(**{"from": None}), ["--mode", "anoncrypt", "--to", to, "--enc", enc],
                                   "encrypted", {"to": to, "enc": enc}, encrypted=True, anonymous=True, anon=enc)

    def test_anoncrypt_to_a_did(self):
        bob = self.people["bob"].did
        self.both_ways(self.message(**{"from": None}), ["--mode", "anoncrypt", "--to", bob], "encrypted", {"to": bob},
                       encrypted=True, anonymous=True)

    def test_authcrypt(self):
        for curve in AUTH_CURVES:
            sender, to = self.people["alice"].kid("agree-" + curve), self.people["bob"].kid("agree-" + curve)
            with self.subTest(curve=curve):
                self.both_ways(self.message(), ["--mode", "authcrypt", "--from", sender, "--to", to], "encrypted",
                               {"from": sender, "to": to}, encrypted=True, sender=sender)

    def test_authcrypt_between_dids(self):
        alice, bob = self.people["alice"], self.people["bob"]
        self.both_ways(self.message(), ["--mode", "authcrypt", "--from", alice.did, "--to", bob.did], "encrypted",
                       {"from": alice.did, "to": bob.did}, encrypted=True, sender=alice.kid("agree-x25519"))

    def test_signed_inside(self):
        alice, to = self.people["alice"], self.people["bob"].kid("agree-x25519")
        sender = alice.kid("agree-x25519")
        for key in SIGNERS:
            kid = alice.kid("sign-" + key)
            with self.subTest(key=key, mode="anoncrypt"):
                self.both_ways(self.message(), ["--mode", "anoncrypt", "--to", to, "--sign-by", kid], "encrypted",
                               {"to": to, "sign_by": kid}, encrypted=True, signer=kid, anonymous=True,
                               sign_alg=SIGN_ALGS[key])
            with self.subTest(key=key, mode="authcrypt"):
                self.both_ways(self.message(), ["--mode", "authcrypt", "--from", sender, "--to", to, "--sign-by", kid],
                               "encrypted", {"from": sender, "to": to, "sign_by": kid}, encrypted=True, sender=sender,
                               signer=kid, sign_alg=SIGN_ALGS[key])

    def test_protected_sender(self):
        for curve in AUTH_CURVES:
            sender, to = self.people["alice"].kid("agree-" + curve), self.people["bob"].kid("agree-" + curve)
            with self.subTest(curve=curve):
                self.both_ways(self.message(), ["--mode", "authcrypt", "--from", sender, "--to", to, "--protect-sender"],
                               "encrypted", {"from": sender, "to": to, "protect_sender": True}, encrypted=True,
                               sender=sender, anonymous=True)

    def test_protected_sender_and_signed(self):
        """anoncrypt(authcrypt(signed)): peers make it, the specification's table doesn't have it; we read it."""
        alice, to = self.people["alice"], self.people["bob"].kid("agree-x25519")
        sender, kid = alice.kid("agree-x25519"), alice.kid("sign-ed25519")
        got = self.keel_unpack("bob", self.peer_pack("encrypted", self.message(), **{
            "from": sender, "to": to, "sign_by": kid, "protect_sender": True}))
        self.check_metadata(got["metadata"], encrypted=True, sender=sender, signer=kid, anonymous=True)

    def test_suites_of_2018_and_2020(self):
        for name in ("dora2018", "dora2020"):
            dora, alice = self.people[name], self.people["alice"]
            mine, hers = alice.kid("agree-x25519"), dora.kid("agree-x25519")
            with self.subTest(name=name, mode="authcrypt"):
                self.both_ways(self.message(to=name), ["--mode", "authcrypt", "--from", mine, "--to", hers], "encrypted",
                               {"from": mine, "to": hers}, receiver=name, encrypted=True, sender=mine)
            with self.subTest(name=name, mode="signed"):
                kid = dora.kid("sign-ed25519")
                got = self.keel_unpack("bob", self.peer_pack("signed", self.message(sender=name), sign_by=kid))
                self.check_metadata(got["metadata"], signer=kid)
                got = self.peer_unpack(self.keel_pack(name, self.message(sender=name), "--mode", "signed", "--sign-by", kid))
                self.check_metadata(got["metadata"], signer=kid)

    # --- forward ------------------------------------------------------------------------------------------------
    def test_forward_from_peer(self):
        """The peer wraps for two mediators; we are both, then the recipient."""
        alice, erin, second = self.people["alice"], self.people["erin"], self.people["mediator2"]
        sent = self.message(to="erin")
        packed = self.peer_pack("encrypted", sent, forward=True, **{"from": alice.did, "to": erin.did})
        # `next` names the second mediator's key, then the recipient: by DID or by its key.
        for mediator, nexts in (("mediator1", (second.did, second.kid("agree-x25519"))),
                                ("mediator2", (erin.did, erin.kid("agree-x25519")))):
            got = self.keel_unpack(mediator, packed)
            self.assertEqual(got["message"]["type"], "https://didcomm.org/routing/2.0/forward")
            self.check_metadata(got["metadata"], encrypted=True, anonymous=True)
            self.assertIn(got["message"]["body"]["next"], nexts)
            packed = json.dumps(got["message"]["attachments"][0]["data"]["json"])
        got = self.keel_unpack("erin", packed)
        self.same(sent, got["message"])
        self.check_metadata(got["metadata"], encrypted=True, sender=alice.kid("agree-x25519"))

    def test_forward_to_peer(self):
        """We wrap; the peer is both mediators, then the recipient."""
        alice, erin, second = self.people["alice"], self.people["erin"], self.people["mediator2"]
        sent = self.message(to="erin")
        packed = self.keel_pack("alice", sent, "--mode", "authcrypt", "--from", alice.did, "--to", erin.did, "--forward")
        for nexts in ((second.did, second.kid("agree-x25519")), (erin.did, erin.kid("agree-x25519"))):
            step = self.peer.ask("forward_step", packed=packed)
            self.assertNotIn("error", step)
            self.assertIn(step["next"], nexts)
            packed = step["packed"]
        got = self.peer_unpack(packed)
        self.same(sent, got["message"])
        self.check_metadata(got["metadata"], encrypted=True, sender=alice.kid("agree-x25519"))

    # --- from_prior ---------------------------------------------------------------------------------------------
    def test_from_prior(self):
        carol, alice, bob = self.people["carol"], self.people["alice"], self.people["bob"]
        issuer = carol.kid("sign-ed25519")
        request = {"from": alice.kid("agree-x25519"), "to": bob.kid("agree-x25519"),
                   "from_prior": {"iss": carol.did, "sub": alice.did, "iat": 1700000000}, "from_prior_kid": issuer}
        got = self.keel_unpack("bob", self.peer_pack("encrypted", self.message(), **request))
        self.assertEqual(got["metadata"]["from_prior_issuer_kid"], issuer)
        made = subprocess.run([ARGS.make, "from-prior", self.secrets["carol"], issuer, carol.did, alice.did],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(made.returncode, 0, made.stderr)
        got = self.peer_unpack(self.keel_pack("alice", self.message(from_prior=made.stdout.strip()), "--mode", "authcrypt",
                                              "--from", alice.did, "--to", bob.did))
        self.assertEqual(got["metadata"]["from_prior_issuer_kid"], issuer)

    # --- where peers are wrong ----------------------------------------------------------------------------------
    def judge(self, who, packed, what, *codes):
        """The specification refuses `packed`; so do we, whatever the peer does."""
        answer = self.peer.ask("unpack", packed=packed)
        self.remarks.append(f"{what}: the peer {'refuses' if 'error' in answer else 'ACCEPTS'}, keel refuses")
        self.keel_refuses(who, packed, *codes)

    def signed_by_hand(self, message, kid):
        """Who signs is not looked at."""
        secret = next(s for p in self.people.values() for s in p.secrets if s["id"] == kid)
        compact = persons.sign_compact(secret["privateKeyJwk"], {"typ": "application/didcomm-signed+json", "alg": "EdDSA",
                                                                 "kid": kid}, message)
        protected, payload, signature = compact.split(".")
        return json.dumps({"payload": payload, "signatures": [
            {"protected": protected, "signature": signature, "header": {"kid": kid}}]})

    def test_signed_by_somebody_else(self):
        """Message Layer Addressing Consistency: the signer's DID is the message's from."""
        message = self.message(sender="bob", typ="application/didcomm-plain+json")
        self.judge("bob", self.signed_by_hand(message, self.people["alice"].kid("sign-ed25519")),
                   "signed by another than `from`", "wrong_sender", "untrusted")
        # What is right is taken, so the refusal was for the signer.
        mine = self.message(typ="application/didcomm-plain+json")
        good = self.signed_by_hand(mine, self.people["alice"].kid("sign-ed25519"))
        self.keel_unpack("bob", good)
        self.peer_unpack(good)

    def test_from_prior_signed_by_somebody_else(self):
        """DID Rotation: the JWT is signed by a key of the prior DID."""
        carol, alice = self.people["carol"], self.people["alice"]
        kid = alice.kid("sign-ed25519")
        secret = next(s for s in alice.secrets if s["id"] == kid)
        jwt = persons.sign_compact(secret["privateKeyJwk"], {"typ": "JWT", "alg": "EdDSA", "kid": kid},
                                   {"iss": carol.did, "sub": alice.did, "iat": 1700000000})
        message = self.message(from_prior=jwt, typ="application/didcomm-plain+json")
        self.judge("bob", self.signed_by_hand(message, kid), "from_prior signed by another than its iss", "wrong_sender",
                   "untrusted")

    # --- HTTP ---------------------------------------------------------------------------------------------------
    def test_posts_to_a_listener(self):
        alice, bob = self.people["alice"], self.people["bob"]
        reader, writer = os.pipe()
        listener = subprocess.Popen(
            [ARGS.keel, "didcomm", "listen", "--listen", "http://127.0.0.1:0/didcomm", "--secrets", self.secrets["bob"],
             "--did-docs", self.docs, "--accept", TYPE.rsplit("/", 1)[0], "--ready-fd", str(writer), "--count", "2"],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, pass_fds=(writer,))
        os.close(writer)
        try:
            with os.fdopen(reader) as ready:
                line = ready.readline()
            self.assertTrue(line, "the listener did not start")
            url = json.loads(line)["uris"][0]
            both = {"from": alice.kid("agree-x25519"), "to": bob.kid("agree-x25519")}
            now = int(time.time())  # what is older than a listener's memory of messages is refused
            ping = self.message(created_time=now, type="https://didcomm.org/trust-ping/2.0/ping", body={"response_requested": True},
                                return_route="all", thid=None, pthid=None, attachments=None)
            answer = self.peer.ask("post", url=url, packed=self.peer_pack("encrypted", ping, **both))
            self.assertEqual(answer.get("status"), 200, answer)
            pong = self.peer_unpack(answer["body"])
            self.assertEqual(pong["message"]["type"], "https://didcomm.org/trust-ping/2.0/ping-response")
            self.assertEqual(pong["message"]["thid"], ping["id"])
            self.check_metadata(pong["metadata"], encrypted=True, sender=bob.kid("agree-x25519"))

            sent = self.message(created_time=now)
            answer = self.peer.ask("post", url=url, packed=self.peer_pack("encrypted", sent, **both))
            self.assertEqual(answer.get("status"), 202, answer)
            out, errors = listener.communicate(timeout=60)
            lines = [json.loads(text) for text in out.splitlines()]
            self.assertEqual([item["message"]["id"] for item in lines], [ping["id"], sent["id"]], errors)
            self.same(sent, lines[1]["message"])
            self.check_metadata(lines[1]["metadata"], encrypted=True, sender=alice.kid("agree-x25519"))
        finally:
            listener.kill()
            listener.communicate()


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *REST], verbosity=2)
