#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live interoperability of secured credentials: jose, @sd-jwt/sd-jwt-vc and @auth0/cose read ours, and we theirs.

  tests/interop/run_credentials.py --sealed BIN/keel-interop-sealed --env DIR [unittest arguments]
DIR is where `scripts/setup --for test` put the peers (credentials/). Without them the test fails: it is never skipped.
Where a peer is wrong, the test says so and holds to the specification.
"""
import argparse
import json
import pathlib
import sys
import unittest

from desk import Desk, Refused

HERE = pathlib.Path(__file__).resolve().parent
NOW = 1_790_000_000
OWNER, NONCE = "https://owner.example", "n-0815"


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--sealed", required=True, help="keel-interop-sealed")
    parser.add_argument("--env", required=True)
    return parser.parse_known_args()


ARGS, REST = arguments()
PEERS = pathlib.Path(ARGS.env) / "credentials"
if not (PEERS / "node_modules" / "@sd-jwt" / "sd-jwt-vc").exists():
    sys.exit(f"interop: the peers are not in {PEERS}: run scripts/setup --for test")


def public(jwk):
    return {name: value for name, value in jwk.items() if name != "d"}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keel = Desk([ARGS.sealed])
        cls.peer = Desk(["node", "--no-warnings", str(HERE / "peer_credentials.mjs")],
                        KEEL_INTEROP_CREDENTIALS=str(PEERS))

    @classmethod
    def tearDownClass(cls):
        cls.keel.close()
        cls.peer.close()

    def issuer(self, alg):
        key = self.peer("key", alg=alg)["key"]
        return key, self.keel("did", key=public(key))

    def changed(self, token):
        """The token with one character of each of its parts changed, each time another."""
        start = 0
        for at, char in enumerate(token + "~"):
            if char not in "~.":
                continue
            if at > start:
                middle = (start + at) // 2
                yield token[:middle] + ("A" if token[middle] != "A" else "B") + token[middle + 1:]
            start = at + 1


class SdJwt(Case):
    def claims(self, did):
        return {"iss": did, "vct": "https://example.com/device", "iat": NOW - 10, "exp": NOW + 1000, "model": "M1",
                "serial": "S-17", "firmware": {"version": "1.2", "digest": "abc"}, "ports": ["uart", "can", "eth"]}

    def test_ours_to_theirs(self):
        for alg in ("EdDSA", "ES256", "ES384", "ES256K"):
            for hash_name in ("sha-256", "sha-384", "sha-512"):
                with self.subTest(alg=alg, hash=hash_name):
                    key, names = self.issuer(alg)
                    holder = self.peer("key", alg="ES256")["key"]
                    issued = self.keel("sd_jwt_issue", claims=self.claims(names["did"]), key=key, kid=names["kid"],
                                       holder=public(holder), hash=hash_name, decoys=2,
                                       concealed=["/model", "/serial", "/firmware", "/firmware/digest", "/ports/0"])
                    shown = self.keel("sd_jwt_present", token=issued["token"], reveal=["/model", "/firmware/digest"],
                                      key=holder, audience=OWNER, nonce=NONCE, iat=NOW)["token"]
                    theirs = dict(key=public(key), alg=alg, holderAlg="ES256", now=NOW, nonce=NONCE, hash=hash_name)
                    got = self.peer("sd_jwt_verify", token=shown, **theirs)
                    self.assertEqual(got["kb"]["aud"], OWNER)
                    document = got["document"]
                    self.assertEqual(document["firmware"], {"version": "1.2", "digest": "abc"})
                    self.assertEqual(document["model"], "M1")
                    self.assertNotIn("serial", document)
                    self.assertEqual(document["ports"], ["can", "eth"])
                    everything = self.peer("sd_jwt_verify", token=issued["token"],
                                           **{**theirs, "nonce": None})["document"]
                    del everything["cnf"]
                    self.assertEqual(everything, self.claims(names["did"]))
                    with self.assertRaises(Refused):
                        self.peer("sd_jwt_verify", token=shown, **{**theirs, "nonce": "another"})
                    for bad in self.changed(shown):
                        with self.assertRaises(Refused):
                            self.peer("sd_jwt_verify", token=bad, **theirs)

    def test_they_present_what_we_issued(self):
        key, names = self.issuer("EdDSA")
        holder = self.peer("key", alg="EdDSA")["key"]
        issued = self.keel("sd_jwt_issue", claims=self.claims(names["did"]), key=key, kid=names["kid"],
                           holder=public(holder), concealed=["/model", "/serial", "/firmware/digest", "/ports/2"])
        shown = self.peer("sd_jwt_present", token=issued["token"], frame={"serial": True, "ports": {"2": True}},
                          holderKey=holder, holderAlg="EdDSA", key=public(key), alg="EdDSA", audience=OWNER,
                          nonce=NONCE, iat=NOW)["token"]
        got = self.keel("sd_jwt_verify", token=shown, now=NOW, audience=OWNER, nonce=NONCE)
        self.assertTrue(got["verified"], got["reason"])
        self.assertEqual(got["document"]["serial"], "S-17")
        self.assertEqual(got["document"]["ports"], ["uart", "can", "eth"])
        self.assertNotIn("model", got["document"])
        self.assertNotIn("digest", got["document"]["firmware"])

    def theirs(self, alg="ES256", holder_alg="EdDSA", **more):
        key, names = self.issuer(alg)
        holder = self.peer("key", alg=holder_alg)["key"]
        claims = {**self.claims(names["did"]), "cnf": {"jwk": public(holder)}, **more.pop("claims", {})}
        frame = {"_sd": ["model", "serial", "firmware"], "_sd_decoy": 2, "firmware": {"_sd": ["digest"]},
                 "ports": {"_sd": [0, 2]}}
        issued = self.peer("sd_jwt_issue", claims=claims, frame=frame, key=key, alg=alg,
                           header={"kid": more.pop("kid", names["kid"])}, **more)["token"]
        return key, holder, claims, issued

    def test_theirs_to_ours(self):
        for alg in ("EdDSA", "ES256", "ES384", "ES256K"):
            for hash_name in ("sha-256", "sha-384", "sha-512"):
                with self.subTest(alg=alg, hash=hash_name):
                    key, holder, claims, issued = self.theirs(alg, hash=hash_name)
                    got = self.keel("sd_jwt_verify", token=issued, now=NOW)
                    self.assertTrue(got["verified"], got["reason"])
                    self.assertEqual(got["document"], claims)
                    shown = self.peer("sd_jwt_present", token=issued, frame={"model": True, "ports": {"2": True}},
                                      holderKey=holder, holderAlg="EdDSA", key=public(key), alg=alg, audience=OWNER,
                                      nonce=NONCE, iat=NOW, hash=hash_name)["token"]
                    got = self.keel("sd_jwt_verify", token=shown, now=NOW, audience=OWNER, nonce=NONCE)
                    self.assertTrue(got["verified"], got["reason"])
                    self.assertEqual(got["document"]["ports"], ["can", "eth"])
                    self.assertNotIn("firmware", got["document"])
                    for bad in self.changed(shown):
                        self.assertFalse(self.keel("sd_jwt_verify", token=bad, now=NOW, audience=OWNER,
                                                   nonce=NONCE)["verified"])
                    self.assertFalse(self.keel("sd_jwt_verify", token=shown, now=NOW, audience=OWNER,
                                               nonce="another")["verified"])
                    self.assertFalse(self.keel("sd_jwt_verify", token=shown, now=NOW, audience="https://other.example",
                                               nonce=NONCE)["verified"])

    def test_we_present_what_they_issued(self):
        key, holder, _, issued = self.theirs("ES256")
        shown = self.keel("sd_jwt_present", token=issued, reveal=["/firmware/digest"], key=holder, audience=OWNER,
                          nonce=NONCE, iat=NOW)["token"]
        got = self.peer("sd_jwt_verify", token=shown, key=public(key), alg="ES256", holderAlg="EdDSA", now=NOW,
                        nonce=NONCE)
        self.assertEqual(got["document"]["firmware"], {"version": "1.2", "digest": "abc"})
        self.assertNotIn("model", got["document"])

    def test_json_serialization(self):
        key, holder, claims, issued = self.theirs("ES384")
        shown = self.peer("sd_jwt_present", token=issued, frame={"model": True}, holderKey=holder, holderAlg="EdDSA",
                          key=public(key), alg="ES384", audience=OWNER, nonce=NONCE, iat=NOW)["token"]
        forms = self.peer("sd_jwt_json", token=shown)
        for name in ("flattened", "general"):
            with self.subTest(form=name):
                got = self.keel("sd_jwt_verify", token=json.dumps(forms[name]), now=NOW, audience=OWNER, nonce=NONCE)
                self.assertTrue(got["verified"], got["reason"])
                self.assertEqual(got["document"]["model"], "M1")

    def test_an_issuer_on_the_web(self):
        key, _, _, issued = self.theirs("ES256", claims={"iss": "https://issuer.example"}, kid="key-1")
        with self.assertRaises(Refused) as refused:
            self.keel("sd_jwt_verify", token=issued, now=NOW)
        self.assertIn("--key", str(refused.exception))
        self.assertTrue(self.keel("sd_jwt_verify", token=issued, now=NOW, given=[public(key)])["verified"])
        other = self.peer("key", alg="ES256")["key"]
        self.assertFalse(self.keel("sd_jwt_verify", token=issued, now=NOW, given=[public(other)])["verified"])


class W3c(Case):
    def credential(self, did):
        return {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"],
                "issuer": did, "validFrom": "2020-01-01T00:00:00Z",
                "credentialSubject": {"id": "did:example:device", "name": "Räksmörgås"}}

    def test_jwt(self):
        for alg in ("EdDSA", "ES256", "ES384"):  # jose 6 has ES256K no more
            with self.subTest(alg=alg):
                key, names = self.issuer(alg)
                credential = self.credential(names["did"])
                ours = self.keel("jwt_issue", credential=credential, key=key, kid=names["kid"])["token"]
                got = self.peer("jwt_verify", token=ours, key=key, alg=alg)
                self.assertEqual(got["document"], credential)
                self.assertEqual(got["header"], {"alg": alg, "kid": names["kid"], "typ": "vc+jwt", "cty": "vc"})
                header = {"alg": alg, "kid": names["kid"], "typ": "vc+jwt", "cty": "vc"}
                theirs = self.peer("jwt_issue", credential=credential, key=key, alg=alg, header=header)["token"]
                got = self.keel("jwt_verify", token=theirs, now=NOW)
                self.assertTrue(got["verified"], got["reason"])
                self.assertEqual(got["document"], credential)
                for bad in self.changed(ours):
                    with self.assertRaises(Refused):
                        self.peer("jwt_verify", token=bad, key=key, alg=alg)
                for bad in self.changed(theirs):
                    self.assertFalse(self.keel("jwt_verify", token=bad, now=NOW)["verified"])

    def test_sd_jwt(self):
        key, names = self.issuer("ES256")
        credential = self.credential(names["did"])
        issued = self.keel("sd_jwt_issue", claims=credential, key=key, kid=names["kid"], typ="vc+sd-jwt",
                           concealed=["/credentialSubject/name", "/credentialSubject/id"])["token"]
        got = self.keel("sd_jwt_verify", token=issued, now=NOW)
        self.assertTrue(got["verified"], got["reason"])
        self.assertEqual(got["document"], credential)

    def test_cose(self):
        for alg in ("EdDSA", "ES256", "ES384"):
            with self.subTest(alg=alg):
                key, names = self.issuer(alg)
                credential = self.credential(names["did"])
                ours = self.keel("cose_issue", credential=credential, key=key, kid=names["kid"])["token"]
                got = self.peer("cose_verify", token=ours, key=key, alg=alg)
                self.assertEqual(got, {"document": credential, "kid": names["kid"], "typ": "application/vc+cose"})
                theirs = self.peer("cose_issue", credential=credential, key=key, alg=alg, kid=names["kid"])["token"]
                got = self.keel("cose_verify", token=theirs, now=NOW)
                self.assertTrue(got["verified"], got["reason"])
                self.assertEqual(got["document"], credential)
                other, _ = self.issuer(alg)
                with self.assertRaises(Refused):
                    self.peer("cose_verify", token=ours, key=other, alg=alg)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *REST], verbosity=1)
