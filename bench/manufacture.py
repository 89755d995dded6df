#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Real manufactures: keel-registry, keel-issuer and a station, each device a keel-device process of its own.

    bench/manufacture.py BIN_DIR [--devices N] [--parallel P]

Prints devices a second by the clock, and what a device costs of CPU in each program: that hardly depends on what else
the machine does.
"""
import argparse
import json
import os
import resource
import signal
import subprocess
import tempfile
import time

TICK = os.sysconf("SC_CLK_TCK")


def cpu_of(pid):
    with open(f"/proc/{pid}/stat", encoding="ascii") as f:
        fields = f.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def main():
    arguments = argparse.ArgumentParser()
    arguments.add_argument("bin")
    arguments.add_argument("--devices", type=int, default=200)
    arguments.add_argument("--parallel", type=int, default=64)
    options = arguments.parse_args()
    bin_dir = os.path.abspath(options.bin)
    running = []
    with tempfile.TemporaryDirectory(prefix="keel-bench-") as folder:
        def run(*argv):
            done = subprocess.run([f"{bin_dir}/{argv[0]}", *argv[1:]], cwd=folder, capture_output=True, text=True)
            if done.returncode != 0:
                raise SystemExit(f"{' '.join(argv)}: {done.returncode}: {done.stderr}")
            return done.stdout

        def serve(program, data):
            read, write = os.pipe()
            process = subprocess.Popen([f"{bin_dir}/{program}", "serve", "--data", data, "--ready-fd", str(write)],
                                       cwd=folder, pass_fds=[write], stderr=subprocess.DEVNULL)
            running.append(process)
            os.close(write)
            with os.fdopen(read) as ready:
                if not ready.readline():
                    raise SystemExit(f"{program} didn't start")
            return process

        try:
            run("keel-registry", "init", "--data", "registry", "--listen", "127.0.0.1:0", "--unprotected-keys")
            registry = serve("keel-registry", "registry")
            run("keel-registry", "descriptor", "--data", "registry", "-o", "net.keel")
            run("keel-issuer", "init", "--data", "maker", "--registry", "net.keel", "--unprotected-keys")
            run("keel-registry", "sponsor", "add", "--data", "registry", "--identity", "maker/identity.json")
            issuer = serve("keel-issuer", "maker")
            before = [cpu_of(p.pid) for p in (registry, issuer)]
            children = resource.getrusage(resource.RUSAGE_CHILDREN)
            start = time.monotonic()
            answer = run("keel-issuer", "manufacture", "--data", "maker", "--count", str(options.devices), "--devices-dir",
                         "devices", "--parallel", str(options.parallel), "--json")
            seconds = time.monotonic() - start
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            spent = [cpu_of(p.pid) - b for p, b in zip((registry, issuer), before)]
        finally:
            for process in reversed(running):
                process.send_signal(signal.SIGTERM)
                process.wait(30)
    made = len(json.loads(answer)["made"])
    station = after.ru_utime + after.ru_stime - children.ru_utime - children.ru_stime
    print(f"{made} devices in {seconds:.1f} s: {made / seconds:.0f} a second, {options.parallel} at once, "
          f"load {os.getloadavg()[0]:.0f}")
    for name, value in (("registry", spent[0]), ("issuer", spent[1]), ("station and devices", station)):
        print(f"  CPU at the {name}: {value * 1000 / made:.1f} ms a device")


if __name__ == "__main__":
    main()
