#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes cases.json: the specifications of the SD-JWT draft's examples as JSON, with tokens for each made by the
reference implementation (PyPI sd-jwt 0.10.4). Run by hand; no build or test does.

  generate.py FOLDER-OF-EXAMPLES > cases.json

Each case comes twice: as specified, and (`vc`) with typ dc+sd-jwt and a vct, as an SD-JWT VC. The examples of the JSON
serialization are made in the compact form: the implementation's is that of an earlier draft.
"""
import json
import pathlib
import sys

from sd_jwt.common import SDObj
from sd_jwt.holder import SDJWTHolder
from sd_jwt.issuer import SDJWTIssuer
from sd_jwt.utils.demo_utils import get_jwk, load_yaml_settings
from sd_jwt.utils.yaml_specification import load_yaml_specification, remove_sdobj_wrappers
from sd_jwt.verifier import SDJWTVerifier

KB_IAT = 1_683_000_100  # the reference takes the clock's; ours are to be the same each time


def token(name):
    return name.replace("~", "~0").replace("/", "~1")


def concealed(value, at=""):
    """Pointers of the claims that are tagged !sd, the outer ones first."""
    if isinstance(value, SDObj):
        return [at] + concealed(value.value, at)
    if isinstance(value, dict):
        out = []
        for key, inner in value.items():
            name = key.value if isinstance(key, SDObj) else key
            here = at + "/" + token(name)
            out += ([here] if isinstance(key, SDObj) else []) + concealed(inner, here)
        return out
    if isinstance(value, list):
        return [p for i, inner in enumerate(value) for p in concealed(inner, f"{at}/{i}")]
    return []


def tokens(settings, case, claims, header):
    keys = get_jwk(settings["key_settings"], True, settings["random_seed"])
    bind = bool(case.get("key_binding"))
    nonce, aud = settings["key_binding_nonce"], settings["identifiers"]["verifier"]
    SDJWTIssuer.unsafe_randomness = True
    issuer = SDJWTIssuer(claims, keys["issuer_key"], keys["holder_key"] if bind else None,
                         add_decoy_claims=bool(case.get("add_decoy_claims")), extra_header_parameters=header)
    holder = SDJWTHolder(issuer.sd_jwt_issuance)
    holder.create_presentation(case["holder_disclosed_claims"], nonce if bind else None, aud if bind else None,
                               keys["holder_key"] if bind else None)
    verifier = SDJWTVerifier(holder.sd_jwt_presentation, lambda *_: keys["issuer_public_key"], aud if bind else None,
                             nonce if bind else None)
    return {"issued": issuer.sd_jwt_issuance, "presented": holder.sd_jwt_presentation,
            "verified": verifier.get_verified_payload()}


def main(root):
    import sd_jwt.holder
    sd_jwt.holder.time = lambda: KB_IAT
    settings = load_yaml_settings(root / "settings.yml")
    settings["key_settings"]["issuer_key"] = settings["key_settings"]["issuer_keys"][0]
    out = {"issuer": settings["key_settings"]["issuer_key"], "holder": settings["key_settings"]["holder_key"],
           "nonce": settings["key_binding_nonce"], "audience": settings["identifiers"]["verifier"],
           "iat": KB_IAT, "cases": []}
    for path in sorted(root.glob("*/specification.yml")):
        case = load_yaml_specification(path)
        if "cnf" in case["user_claims"]:
            case["key_binding"] = False
        claims = {}
        if case.get("include_default_claims", True):
            claims = {"iss": settings["identifiers"]["issuer"], "iat": settings["iat"], "exp": settings["exp"]}
        claims.update(case["user_claims"])
        vc = {"vct": "https://example.com/" + path.parent.name, **claims}
        vc.setdefault("iss", settings["identifiers"]["issuer"])
        plain = tokens(settings, case, dict(claims), case.get("extra_header_parameters", {}))
        out["cases"].append({
            "name": path.parent.name, "claims": remove_sdobj_wrappers(claims), "concealed": concealed(claims),
            "decoys": bool(case.get("add_decoy_claims")), "key_binding": bool(case.get("key_binding")), **plain,
            "vc": tokens(settings, case, vc, {"typ": "dc+sd-jwt"})})
    json.dump(out, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main(pathlib.Path(sys.argv[1]))
