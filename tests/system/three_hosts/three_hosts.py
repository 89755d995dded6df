#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Walks docs/deploy.md on three hosts: network namespaces joined by a bridge, addresses other than loopback.

    three_hosts.py BUILD_DIR SOURCE_DIR

Only the page's commands and copies are run, at most 12 commands a host; no file is edited. The devices are powered on
where the page says so and must all be onboarded, run the firmware that their model's profile wants, and be heard by the
application. Needs root, or user namespaces (unshare -r); fails, saying so, with neither.
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
FIRMWARE = {"keel-gateway-2": "2.0.0"}  # what the page's profiles want; other models stay as they are made


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
    """The page's steps in order: ("run", host, command), ("copy", file, from, to), ("device" or "reader", command)."""
    steps = []
    for match in re.finditer(r"^```(\w+) ?(\w*)\n(.*?)^```", path.read_text(), re.M | re.S):
        kind, host, body = match.groups()
        lines = [line for line in body.splitlines() if line.strip()]
        if kind == "console":
            steps += [("run", host, line) for line in lines]
        elif kind == "copy":
            steps += [("copy", *line.split()) for line in lines]
        elif kind in ("device", "reader"):
            steps.append((kind, lines[0]))
    for host in ADDRESS:
        commands = sum(step[:2] == ("run", host) or (step[0] == "reader" and host == "site") for step in steps)
        if not 0 < commands <= MAX_COMMANDS:
            fail(f"the page has {commands} commands on {host}, at most {MAX_COMMANDS} are allowed")
    if [step[0] for step in steps if step[0] in ("device", "reader")] != ["device", "reader"]:
        fail("the page doesn't say what a device runs, or what the application reads with")
    return steps


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
        return subprocess.run([*self.enter(host), "bash", "-c", command], cwd=self.root / host, capture_output=True,
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


def copy(hosts, name, source_host, target):
    source = hosts.root / source_host / name
    place = hosts.root / target / pathlib.Path(name).name
    shutil.copytree(source, place) if source.is_dir() else shutil.copy(source, place)


def run(hosts, number, host, command):
    print(f"{host}$ {command}", flush=True)
    if not command.endswith("&"):
        done = hosts.call(host, command)
        if done.returncode != 0:
            fail(f"{command} on {host}: status {done.returncode}: {done.stderr.strip()}")
        return
    command = command[:-1].strip()
    process = hosts.start(host, command, f"{number}-{host}")
    wait_for(f"{command} on {host}", 30,
             lambda: process.poll() is not None or service_answers(hosts, host, command))
    if process.poll() is not None:
        fail(f"{command} on {host} ended: {(hosts.root / f'{number}-{host}.log').read_text()}")


def fleet(hosts):
    answer = hosts.call("site", "keel-verifier devices --data owner --json")
    return {one["serial"]: one for one in json.loads(answer.stdout)["devices"]} if answer.returncode == 0 else {}


def power_on(hosts, command, serials):
    """The devices are carried to the site. They go on running: the application reads what they send."""
    shutil.move(hosts.root / "factory" / "devices", hosts.root / "site" / "devices")
    running = {}
    for serial in serials:
        line = command.replace("DEVICE", f"devices/{serial}") + " --contact-interval 500 --telemetry-interval 500"
        print(f"device {serial}: {line}", flush=True)
        running[serial] = hosts.start("site", line, f"device-{serial}")

    def done():
        for serial, process in running.items():
            if process.poll() is not None:
                fail(f"device {serial} ended: {(hosts.root / f'device-{serial}.log').read_text()[-3000:]}")
        return all(one["state"] == "onboarded" and one["firmware"] == FIRMWARE.get(one["model"], "1.0.0")
                   for one in fleet(hosts).values()) and set(fleet(hosts)) == set(serials)

    wait_for("all devices onboarded with their firmware", 90, done)


def read(hosts, command):
    print(f"site$ {command}", flush=True)
    done = hosts.call("site", command + " --json --timeout 60", timeout=90)
    if done.returncode != 0:
        fail(f"{command}: status {done.returncode}: {done.stderr.strip()}")
    heard = [json.loads(line) for line in done.stdout.splitlines()]
    members = {one["topic"].split("/")[2] for one in heard}
    wanted = {one["member_id"] for one in fleet(hosts).values()}
    if members != wanted:
        fail(f"the application heard {members}, the fleet is {wanted}")
    return len(heard)


def walk(hosts, steps, source):
    # The inputs of the page: the list of what is made, of both models, and a firmware image.
    rows = (source / "examples" / "devices.csv").read_text().splitlines()
    column = rows[0].split(",").index("model")
    of_model = {}
    for row in rows[1:]:
        of_model.setdefault(row.split(",")[column], []).append(row)
    made = [row for pair in zip(*of_model.values()) for row in pair][:DEVICES]
    if len({row.split(",")[column] for row in made}) < 2:
        fail("examples/devices.csv has one model only")
    (hosts.root / "factory" / "devices.csv").write_text("\n".join([rows[0], *made]) + "\n")
    (hosts.root / "factory" / "image.bin").write_bytes(os.urandom(300_000))
    serials = [row.split(",")[rows[0].split(",").index("serial")] for row in made]
    heard = 0
    for number, (kind, *step) in enumerate(steps):
        if kind == "copy":
            copy(hosts, *step)
        elif kind == "run":
            run(hosts, number, *step)
        elif kind == "device":
            power_on(hosts, step[0], serials)
        else:
            heard = read(hosts, step[0])
    for host, program, data in (("registry", "keel-registry", "registry"), ("factory", "keel-issuer", "maker"),
                                ("site", "keel-verifier", "owner")):
        doctor = hosts.call(host, f"{program} doctor --data {data}")
        if doctor.returncode != 0:
            fail(f"{program} doctor: {doctor.stdout}{doctor.stderr}")
    return heard


def main():
    if len(sys.argv) != 3:
        fail("usage: three_hosts.py BUILD_DIR SOURCE_DIR")
    if os.environ.get("KEEL_THREE_HOSTS_INSIDE") != "1":
        enter_namespace()
    build, source = map(pathlib.Path, sys.argv[1:])
    steps = read_page(source / "docs" / "deploy.md")
    with tempfile.TemporaryDirectory(prefix="keel3-") as folder:
        hosts = Hosts(pathlib.Path(folder), build / "bin")
        try:
            heard = walk(hosts, steps, source)
        except SystemExit:
            for log in sorted(hosts.root.glob("*.log")):
                print(f"--- {log.name}\n{log.read_text()[-3000:]}", file=sys.stderr)
            raise
        finally:
            hosts.stop()
    print(f"{sum(s[0] == 'run' for s in steps)} commands on three hosts, {DEVICES} devices onboarded with their firmware, "
          f"{heard} of their messages read")


if __name__ == "__main__":
    main()
