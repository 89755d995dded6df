#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Live interoperability of Data Integrity proofs: @digitalbazaar/vc and its cryptosuites verify ours, and we theirs.

  tests/interop/run_proofs.py --proved BIN/keel-interop-proved --env DIR [unittest arguments]
DIR is where `scripts/setup --for test` put the peers (proofs/). Without them the test fails: it is never skipped.
"""
import argparse
import copy
import pathlib
import sys
import time
import unittest

from desk import Desk, Refused

HERE = pathlib.Path(__file__).resolve().parent
SUITES = [("eddsa-rdfc-2022", "Ed25519"), ("eddsa-jcs-2022", "Ed25519"), ("ecdsa-rdfc-2019", "P-256"),
          ("ecdsa-rdfc-2019", "P-384"), ("ecdsa-jcs-2019", "P-256"), ("ecdsa-jcs-2019", "P-384")]


def arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--proved", required=True, help="keel-interop-proved")
    parser.add_argument("--env", required=True)
    return parser.parse_known_args()


ARGS, REST = arguments()
PEERS = pathlib.Path(ARGS.env) / "proofs"
if not (PEERS / "node_modules" / "@digitalbazaar" / "vc").exists():
    sys.exit(f"interop: the peers are not in {PEERS}: run scripts/setup --for test")
# The peer judges by the clock of the machine.
NOW = int(time.time())


def paper(did, version=2):
    out = {"@context": ["https://www.w3.org/ns/credentials/v2"], "id": "urn:uuid:36245ee9-9074-4b05-a777-febff2e69757",
           "type": ["VerifiableCredential"], "issuer": did,
           "credentialSubject": {"id": "urn:uuid:1a0e4ef5-091f-4060-842e-18e519ab9440", "name": "Zürich \U0001d11e \"x\"",
                                 "description": "A credential\nabout Alice."}}
    if version == 1:
        out["@context"] = ["https://www.w3.org/2018/credentials/v1", "https://w3id.org/security/data-integrity/v2",
                           {"name": "https://schema.org/name", "description": "https://schema.org/description"}]
        out["issuanceDate"] = "2026-01-01T00:00:00Z"
    return out


def fleet(did):
    """Nested nodes without ids, in arrays: what blank node labels are for."""
    boats = [{"type": "Boat", "sails": [{"size": 5.5, "year": 2023}, {"size": 7, "year": 2020}], "maker": name}
             for name in ("Osprey", "Eagle", "Osprey")]
    terms = {name: f"urn:example:{name}" for name in ("Boat", "boats", "sails", "size", "year", "maker")}
    return {**paper(did), "@context": ["https://www.w3.org/ns/credentials/v2", {"@protected": True, **terms}],
            "credentialSubject": {"name": "Jane Doe", "boats": boats}}


class Case(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.keel = Desk([ARGS.proved])
        cls.peer = Desk(["node", "--no-warnings", str(HERE / "peer_proofs.mjs")], KEEL_INTEROP_PROOFS=str(PEERS))

    @classmethod
    def tearDownClass(cls):
        cls.keel.close()
        cls.peer.close()

    def sides(self):
        return (("ours", self.keel, self.peer), ("theirs", self.peer, self.keel))

    def verified(self, judge, suite, document):
        verdict = judge("verify", suite=suite, document=document, now=NOW)
        self.assertTrue(verdict["verified"], verdict["reason"])

    def refused(self, judge, suite, document):
        try:
            self.assertFalse(judge("verify", suite=suite, document=document, now=NOW)["verified"])
        except Refused:
            pass

    def changes(self, secured):
        proof = secured["proof"]["proofValue"]
        for at in (1, len(proof) // 2, len(proof) - 2):
            bad = copy.deepcopy(secured)
            bad["proof"]["proofValue"] = proof[:at] + ("2" if proof[at] != "2" else "3") + proof[at + 1:]
            yield bad
        bad = copy.deepcopy(secured)
        bad["credentialSubject"]["name"] = "Mallory"
        yield bad
        bad = copy.deepcopy(secured)
        bad["proof"]["created"] = "2020-01-01T00:00:00Z"
        yield bad


class Proofs(Case):
    def test_both_ways(self):
        for suite, curve in SUITES:
            for name, maker, judge in self.sides():
                for form in (paper, fleet, lambda did: paper(did, version=1)):
                    # Their JCS suites compare contexts by identity, so that an object in @context never matches.
                    if "jcs" in suite and name == "ours" and form is not paper:
                        continue
                    with self.subTest(suite=suite, curve=curve, maker=name):
                        key = maker("key", curve=curve)
                        secured = maker("issue", suite=suite, did=key["did"], method=key["method"], now=NOW,
                                        document=form(key["did"]))["document"]
                        self.verified(judge, suite, secured)
                        for bad in self.changes(secured):
                            self.refused(judge, suite, bad)


class SelectiveDisclosure(Case):
    def test_issued_derived_and_verified_by_either(self):
        pointers = ["/credentialSubject/boats/0/sails/1", "/credentialSubject/boats/2", "/credentialSubject/name"]
        for issuer_name, issuer, _ in self.sides():
            key = issuer("key", curve="P-256")
            base = issuer("issue", suite="ecdsa-sd-2023", did=key["did"], method=key["method"], now=NOW,
                          mandatory=["/issuer", "/credentialSubject/boats/1/maker"], document=fleet(key["did"]))["document"]
            for holder_name, holder, _ in self.sides():
                derived = holder("derive", suite="ecdsa-sd-2023", document=base, pointers=pointers)["document"]
                self.assertEqual(derived["credentialSubject"]["boats"][0]["sails"], [{"size": 7, "year": 2020}])
                for judge_name, _, judge in self.sides():
                    with self.subTest(issuer=issuer_name, holder=holder_name, maker=judge_name):
                        self.verified(judge, "ecdsa-sd-2023", derived)
                        for bad in self.changes(derived):
                            self.refused(judge, "ecdsa-sd-2023", bad)

    def test_they_derive_the_same(self):
        key = self.keel("key", curve="P-256")
        base = self.keel("issue", suite="ecdsa-sd-2023", did=key["did"], method=key["method"], now=NOW,
                         document=fleet(key["did"]))["document"]
        for pointers in (["/credentialSubject"], ["/credentialSubject/boats/1/sails"], ["/credentialSubject/boats/0/maker"]):
            ours, theirs = (side("derive", suite="ecdsa-sd-2023", document=base, pointers=pointers)["document"]
                            for side in (self.keel, self.peer))
            self.assertEqual(ours, theirs)


if __name__ == "__main__":
    unittest.main(argv=[sys.argv[0], *REST], verbosity=1)
