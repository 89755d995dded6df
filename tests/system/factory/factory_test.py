# SPDX-License-Identifier: Apache-2.0
"""Factory to owner with the real programs: registry, issuer, station, devices, two custodians.

Usage: factory_test.py BIN DEVICE CSV. Everything on 127.0.0.1 with ports of the system's choice; every process is stopped by its id.
"""
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request

BIN, DEVICE, CSV = sys.argv[1:4]
DIR = tempfile.mkdtemp(prefix="keel-factory-")
RUNNING = []


def serve(program, *args):
    read, write = os.pipe()
    os.set_inheritable(write, True)
    process = subprocess.Popen([f"{BIN}/{program}", "serve", *args, "--ready-fd", str(write)], pass_fds=[write],
                               stderr=open(f"{DIR}/{program}.log", "a"))
    RUNNING.append(process)
    os.close(write)
    with os.fdopen(read) as ready:
        line = ready.readline()
    assert line, f"{program} didn't start: " + open(f"{DIR}/{program}.log").read()
    return process, json.loads(line)


def stop(process):
    process.send_signal(signal.SIGTERM)
    process.wait(20)
    RUNNING.remove(process)


def run(*argv, want=0):
    done = subprocess.run(argv, capture_output=True, text=True, timeout=120)
    assert done.returncode == want, f"{' '.join(argv)}: exit {done.returncode}, wanted {want}\n{done.stdout}\n{done.stderr}"
    return done


def issuer(*args, want=0):
    return run(f"{BIN}/keel-issuer", *args, "--data", f"{DIR}/maker", want=want)


def ownership(role, *args, want=0):
    out = run(f"{BIN}/keel-ownership", *args, "--data", f"{DIR}/{role}", "--json", want=want)
    return json.loads(out.stdout)


def station(csv, *extra, want=0):
    out = issuer("manufacture", "--csv", csv, "--devices-dir", f"{DIR}/devices", "--device-command", DEVICE, "--json", *extra, want=want)
    return json.loads(out.stdout) if out.stdout else out.stderr


def main():
    run(f"{BIN}/keel-registry", "init", "--data", f"{DIR}/registry", "--listen", "127.0.0.1:0", "--unprotected-keys")
    registry, ready = serve("keel-registry", "--data", f"{DIR}/registry")
    run(f"{BIN}/keel-registry", "descriptor", "--data", f"{DIR}/registry", "-o", f"{DIR}/net.keel")

    # A service that isn't running says how to start it.
    issuer("init", "--registry", f"{DIR}/net.keel", "--name", "Maker", "--unprotected-keys")
    assert "keel-issuer serve" in issuer("status", want=3).stderr
    assert "already" in issuer("init", "--registry", f"{DIR}/net.keel", "--unprotected-keys", want=2).stderr
    run(f"{BIN}/keel-registry", "sponsor", "add", "--identity", f"{DIR}/maker/identity.json", "--data", f"{DIR}/registry")
    service, ready = serve("keel-issuer", "--data", f"{DIR}/maker")
    url = ready["url"]
    for role in ("shop", "owner"):
        run(f"{BIN}/keel-ownership", "init", "--data", f"{DIR}/{role}", "--registry", f"{DIR}/net.keel", "--unprotected-keys")
    run(f"{BIN}/keel-registry", "sponsor", "add", "--identity", f"{DIR}/shop/identity.json", "--data", f"{DIR}/registry")

    # Bad lists: line and column named, nothing made.
    lines = open(CSV).read().splitlines()
    for name, text, says in (("dup", lines + [lines[1]], "is on line 2 already"), ("column", [line.split(",", 1)[1] for line in lines], "'serial' is missing")):
        with open(f"{DIR}/{name}.csv", "w") as f:
            f.write("\n".join(text) + "\n")
        error = issuer("manufacture", "--csv", f"{DIR}/{name}.csv", "--devices-dir", f"{DIR}/devices", "--device-command", DEVICE, want=2).stderr
        assert says in error and f"{name}.csv line" in error, error
    with open(f"{DIR}/utf8.csv", "wb") as f:
        f.write(("\n".join(lines[:3]) + "\n").encode().replace(b"Zephyr", b"Z\xff").replace(b"Debian", b"D\xff"))
    assert "line 2, column 4" in issuer("manufacture", "--csv", f"{DIR}/utf8.csv", "--devices-dir", f"{DIR}/devices", "--device-command", DEVICE, want=2).stderr
    assert not os.path.exists(f"{DIR}/devices")

    # The station is killed at random moments, then the issuer too; the next whole run finishes everything, once.
    seed = random.randrange(1 << 30)
    chance = random.Random(seed)
    print("seed", seed)
    command = [f"{BIN}/keel-issuer", "manufacture", "--data", f"{DIR}/maker", "--csv", CSV, "--devices-dir", f"{DIR}/devices", "--device-command", DEVICE, "--parallel", "5"]
    for cut in range(6):
        read, write = os.pipe()
        os.set_inheritable(write, True)
        cutting = subprocess.Popen([*command, "--events-fd", str(write)], pass_fds=[write], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(write)
        with os.fdopen(read) as events:
            for _ in range(chance.randrange(1, 12)):
                if not events.readline():
                    break
            if cut % 2:
                service.kill()
            cutting.kill()
            cutting.wait()
        if cut % 2:
            service.wait()
            RUNNING.remove(service)
            service, ready = serve("keel-issuer", "--data", f"{DIR}/maker")
            assert ready["url"] == url, "the status list's URL moved"
    count = len(lines) - 1
    result = station(CSV)
    assert not result["failed"], result["failed"]
    assert len(result["made"]) + len(result["skipped"]) == count, result
    held = ownership("maker", "list")["devices"]
    assert len(held) == count and len({d["did"] for d in held}) == count and len({d["serial"] for d in held}) == count
    assert all(d["state"] == "held" for d in held)
    assert len(station(CSV)["skipped"]) == count

    # Maker -> shop -> owner. The maker's verbs run in its service; the others' here.
    def passes(giver, receiver, *which):
        ownership(receiver, "request", "--count", str(count), "-o", f"{DIR}/{receiver}.request")
        given = ownership(giver, "transfer", "--request", f"{DIR}/{receiver}.request", "-o", f"{DIR}/{giver}.package", *which)
        taken = ownership(receiver, "import", f"{DIR}/{giver}.package")
        assert len(taken["imported"]) == len(given["given"]) and not taken["refused"], taken
        return len(taken["imported"])

    assert passes("maker", "shop", "--all") == count
    assert passes("shop", "owner", "--model", "keel-sensor-1") == 14
    assert {d["links"] for d in ownership("owner", "list")["devices"]} == {2}

    # Revoking takes effect at once, and the list outlives a restart.
    before = urllib.request.urlopen(url + "/status/1", timeout=10).read()
    issuer("revoke", "KS1-2600001")
    after = urllib.request.urlopen(url + "/status/1", timeout=10).read()
    assert before != after
    stop(service)
    service, ready = serve("keel-issuer", "--data", f"{DIR}/maker")
    assert urllib.request.urlopen(url + "/status/1", timeout=10).read() == after
    assert urllib.request.urlopen(url + "/readyz", timeout=10).status == 200
    issuer("doctor")

    # A release, twice the same, and a lower sequence number.
    with open(f"{DIR}/image", "wb") as f:
        f.write(os.urandom(200_000))
    for _ in range(2):
        issuer("firmware", "release", "--file", f"{DIR}/image", "--model", "keel-sensor-1", "--version", "2.0.0", "--sequence", "5", "-o", f"{DIR}/release")
    assert sorted(os.listdir(f"{DIR}/release")) == ["firmware.bin", "manifest.cbor", "release.json"]
    low = issuer("firmware", "release", "--file", f"{DIR}/image", "--model", "keel-sensor-1", "--version", "1.0.0", "--sequence", "4", "-o", f"{DIR}/low", want=1)
    assert "not above 5" in low.stderr and not os.path.exists(f"{DIR}/low")
    issuer("rotate-key")
    issuer("doctor")
    assert len(ownership("shop", "list")["devices"]) == count


try:
    main()
    print("ok")
finally:
    for process in RUNNING:
        process.kill()
        process.wait()
    shutil.rmtree(DIR, ignore_errors=True)
