#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""W3C's VC-API with the real programs: keel-issuer issues, keel-verifier verifies, a status is taken back.

Usage: vc_api_test.py BIN. Everything on 127.0.0.1 with ports of the system's choice; every process is stopped by its id.
"""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.error
import urllib.request

BIN = sys.argv[1]
DIR = tempfile.mkdtemp(prefix="keel-vc-api-")
RUNNING = []


def run(program, *args):
    done = subprocess.run([f"{BIN}/{program}", *args], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{program} {' '.join(args)}: {done.returncode}\n{done.stdout}\n{done.stderr}"


def serve(program, role, **environment):
    read, write = os.pipe()
    process = subprocess.Popen([f"{BIN}/{program}", "serve", "--data", f"{DIR}/{role}", "--ready-fd", str(write)],
                               pass_fds=[write], stdin=subprocess.DEVNULL, stderr=open(f"{DIR}/{role}.log", "a"),
                               env={**os.environ, **environment})
    RUNNING.append(process)
    os.close(write)
    with os.fdopen(read) as ready:
        line = ready.readline()
    assert line, f"{program} didn't start: " + open(f"{DIR}/{role}.log").read()
    return json.loads(line)


def post(url, body):
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        assert error.headers["Content-Type"] == "application/problem+json", error.headers
        return error.code, json.load(error)


def main():
    run("keel-registry", "init", "--label", "demo", "--listen", "127.0.0.1:0", "--unprotected-keys", "--data", f"{DIR}/reg")
    registry = serve("keel-registry", "reg")
    run("keel-registry", "descriptor", "-o", f"{DIR}/net.keel", "--data", f"{DIR}/reg")
    for program, role in (("keel-issuer", "maker"), ("keel-verifier", "owner")):
        run(program, "init", "--registry", f"{DIR}/net.keel", "--listen", "127.0.0.1:0", "--unprotected-keys", "--data",
            f"{DIR}/{role}")
    switch = {"KEEL_VC_API_LISTEN": "127.0.0.1:0", "KEEL_REGISTRY": registry["url"]}
    issuer = serve("keel-issuer", "maker", **switch)["vc_api"]
    verifier = serve("keel-verifier", "owner", **switch)["vc_api"]

    credential = {"@context": ["https://www.w3.org/ns/credentials/v2"], "type": ["VerifiableCredential"],
                  "credentialSubject": {"id": "did:example:alice"}}
    for form in ("eddsa-rdfc-2022", "eddsa-jcs-2022", "ecdsa-rdfc-2019", "ecdsa-jcs-2019", "vc+jwt", "vc+cose", "vc+sd-jwt"):
        status, issued = post(f"{issuer}/{form}/credentials/issue",
                              {"credential": credential, "options": {"credentialStatus": {}}})
        assert status == 201, (form, issued)
        status, verdict = post(f"{verifier}/credentials/verify", {"verifiableCredential": issued})
        assert (status, verdict["verified"], verdict["errors"]) == (200, True, []), (form, verdict)

    status, issued = post(f"{issuer}/credentials/issue", {"credential": credential, "options": {"credentialStatus": {}}})
    assert status == 201 and issued["proof"]["cryptosuite"] == "eddsa-rdfc-2022", issued
    entry = {**issued["credentialStatus"], "status": "1"}
    status, changed = post(f"{issuer}/credentials/status", {"credentialStatus": entry})
    assert status == 200, changed
    # The verifier keeps a list for as long as its ttl says: another one, without memory, knows at once.
    status, verdict = post(f"{issuer}/credentials/verify", {"verifiableCredential": issued})
    assert (status, verdict["verified"]) == (400, False) and "revocation: set" in verdict["detail"], verdict
    issued["credentialSubject"]["id"] = "did:example:bob"
    status, verdict = post(f"{verifier}/credentials/verify", {"verifiableCredential": issued})
    assert (status, verdict["type"]) == (400, "https://w3id.org/security#PROOF_VERIFICATION_ERROR"), verdict
    status, refused = post(f"{issuer}/credentials/issue", {"credential": {**credential, "type": ["VerifiableCredential", "X"]}})
    assert status == 400 and "'X'" in refused["detail"], refused
    print("vc_api: issued, verified, revoked")


try:
    main()
finally:
    for one in reversed(RUNNING):
        one.send_signal(signal.SIGTERM)
        one.wait(20)
    shutil.rmtree(DIR, ignore_errors=True)
