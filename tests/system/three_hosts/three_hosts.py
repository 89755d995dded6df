#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Walks docs/deploy.md on three hosts: network namespaces joined by a bridge, addresses other than loopback.

    three_hosts.py BUILD_DIR SOURCE_DIR

Only the page's commands and copies are run; at most 12 commands; no file is edited. Then the devices are powered on and
must all be onboarded and heard. Needs root, or user namespaces (unshare -r); fails, saying so, with neither.
"""
import json
import os
import pathlib
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time

ADDRESS = {"registry": "10.77.0.1", "factory": "10.77.0.2", "site": "10.77.0.3"}
MAX_COMMANDS = 12
DEVICES = 3


def fail(text):
    print("three_hosts: " + text, file=sys.stderr)
    sys.exit(1)


def enter_namespace():
    """Runs this program again in a network namespace of its own, which is the switch between the hosts."""
    unshare = shutil.which("unshare") or fail("unshare (util-linux) is missing")
    flags = ["-n", "-m"] if os.geteuid() == 0 else ["-r", "-n", "-m"]
    if subprocess.run([unshare, *flags, "true"], capture_output=True).returncode != 0:
        fail("can't make network namespaces here: run as root, or allow user namespaces "
             "(sysctl kernel.unprivileged_userns_clone=1)")
    os.environ["KEEL_THREE_HOSTS_INSIDE"] = "1"
    os.execv(unshare, [unshare, *flags, sys.executable, os.path.abspath(__file__), *sys.argv[1:]])


def read_page(path):
    """The page's steps in order: ("run", host, command), ("copy", file, from, to); and the device's command."""
    steps, device = [], None
    for match in re.finditer(r"^```(\w+) ?(\w*)\n(.*?)^```", path.read_text(), re.M | re.S):
        kind, host, body = match.groups()
        lines = [line for line in body.splitlines() if line.strip()]
        if kind == "console":
            steps += [("run", host, line) for line in lines]
        elif kind == "copy":
            steps += [("copy", *line.split()) for line in lines]
        elif kind == "device":
            device = lines[0]
    commands = sum(1 for step in steps if step[0] == "run")
    if not 0 < commands <= MAX_COMMANDS:
        fail(f"the page has {commands} commands, at most {MAX_COMMANDS} are allowed")
    if device is None:
        fail("the page doesn't say what a device runs")
    return steps, device


class Hosts:
    def __init__(self, root, path):
        self.root, self.path = root, path
        self.processes = []
        self.holders = {}
        self.run(["ip", "link", "set", "lo", "up"])
        self.run(["ip", "link", "add", "switch", "type", "bridge"])
        self.run(["ip", "link", "set", "switch", "up"])
        for number, (host, address) in enumerate(ADDRESS.items()):
            (root / host).mkdir()
            # The namespace lives as long as this process: it says a line when it is in it.
            holder = subprocess.Popen(["unshare", "-n", "sh", "-c", "echo in; exec sleep 600"], stdout=subprocess.PIPE,
                                      text=True)
            holder.stdout.readline()
            self.processes.append(holder)
            self.holders[host] = holder.pid
            self.run(["ip", "link", "add", f"port{number}", "type", "veth", "peer", "name", "eth0", "netns", str(holder.pid)])
            self.run(["ip", "link", "set", f"port{number}", "master", "switch", "up"])
            for command in (f"ip addr add {address}/24 dev eth0", "ip link set eth0 up", "ip link set lo up"):
                self.run([*self.enter(host), *command.split()])

    def enter(self, host):
        return ["nsenter", "-t", str(self.holders[host]), "-n"]

    @staticmethod
    def run(command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            fail(f"{shlex.join(command)}: {done.stderr.strip()} (iproute2 is needed)")

    def environment(self):
        return {**os.environ, "PATH": f"{self.path}:{os.environ['PATH']}:/usr/sbin:/sbin", "KEEL_LOG_LEVEL": "info"}

    def start(self, host, command, log):
        with open(self.root / f"{log}.log", "wb") as out:
            process = subprocess.Popen([*self.enter(host), *shlex.split(command)], cwd=self.root / host, stdout=out,
                                       stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, env=self.environment())
        self.processes.append(process)
        return process

    def call(self, host, command, timeout=60):
        return subprocess.run([*self.enter(host), *shlex.split(command)], cwd=self.root / host, capture_output=True,
                              text=True, timeout=timeout, env=self.environment(), stdin=subprocess.DEVNULL)

    def stop(self):
        for process in reversed(self.processes):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
        for process in reversed(self.processes):
            try:
                process.wait(5)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def wait_for(what, seconds, condition):
    until = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > until:
            fail(f"{what}: not within {seconds} s")
        time.sleep(0.1)  # between two looks at the condition


def service_answers(hosts, host, command):
    """A person waits until the service runs before the next command; its `status` says so."""
    words = shlex.split(command)
    if words[0] == "mosquitto":
        probe = f"import socket; socket.create_connection(('{ADDRESS[host]}', 1883), 1)"
        return subprocess.run([*hosts.enter(host), sys.executable, "-c", probe], capture_output=True).returncode == 0
    data = words[words.index("--data") + 1]
    status = hosts.call(host, f"{words[0]} status --data {data} --json")
    if status.returncode != 0:
        return False
    return json.loads(status.stdout).get("ready", True)


def walk(hosts, steps, device_command, source):
    # The one input of the page: the list of what is made.
    rows = (source / "examples" / "devices.csv").read_text().splitlines()
    (hosts.root / "factory" / "devices.csv").write_text("\n".join(rows[:DEVICES + 1]) + "\n")
    serials = [row.split(",")[0] for row in rows[1:DEVICES + 1]]
    for number, step in enumerate(steps):
        if step[0] == "copy":
            _, name, source_host, target = step
            shutil.copy(hosts.root / source_host / name, hosts.root / target / pathlib.Path(name).name)
            continue
        _, host, command = step
        print(f"{host}$ {command}", flush=True)
        if command.endswith("&"):
            command = command[:-1].strip()
            process = hosts.start(host, command, f"{number}-{host}")
            wait_for(f"{command} on {host}", 30,
                     lambda: process.poll() is not None or service_answers(hosts, host, command))
            if process.poll() is not None:
                fail(f"{command} on {host} ended: {(hosts.root / f'{number}-{host}.log').read_text()}")
            continue
        done = hosts.call(host, command)
        if done.returncode != 0:
            fail(f"{command} on {host}: status {done.returncode}: {done.stderr.strip()}")

    # The devices are carried to the site and powered on.
    shutil.move(hosts.root / "factory" / "devices", hosts.root / "site" / "devices")
    running = []
    for serial in serials:
        command = device_command.replace("DEVICE", f"devices/{serial}") + " --once"
        print(f"device {serial}: {command}", flush=True)
        running.append((serial, hosts.start("site", command, f"device-{serial}")))
    for serial, process in running:
        try:
            code = process.wait(90)
        except subprocess.TimeoutExpired:
            code = "still running after 90 s"
        if code != 0:
            fail(f"device {serial}: {code}")
    answer = hosts.call("site", "keel-verifier devices --data owner --json")
    states = {one["serial"]: one["state"] for one in json.loads(answer.stdout)["devices"]}
    if states != {serial: "onboarded" for serial in serials}:
        fail(f"the verifier says {states}")
    for host, program, data in (("registry", "keel-registry", "registry"), ("factory", "keel-issuer", "maker"),
                                ("site", "keel-verifier", "owner")):
        doctor = hosts.call(host, f"{program} doctor --data {data}")
        if doctor.returncode != 0:
            fail(f"{program} doctor: {doctor.stdout}{doctor.stderr}")


def main():
    if len(sys.argv) != 3:
        fail("usage: three_hosts.py BUILD_DIR SOURCE_DIR")
    if os.environ.get("KEEL_THREE_HOSTS_INSIDE") != "1":
        enter_namespace()
    build, source = map(pathlib.Path, sys.argv[1:])
    steps, device = read_page(source / "docs" / "deploy.md")
    with tempfile.TemporaryDirectory(prefix="keel3-") as folder:
        hosts = Hosts(pathlib.Path(folder), build / "bin")
        try:
            walk(hosts, steps, device, source)
        except SystemExit:
            for log in sorted(hosts.root.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)
            raise
        finally:
            hosts.stop()
    print(f"{sum(1 for s in steps if s[0] == 'run')} commands on three hosts, {DEVICES} devices onboarded and heard")


if __name__ == "__main__":
    main()
