#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types README's "By hand" into one bash, as it stands, in a folder that has examples/devices.csv and a file named IMAGE.

    readme_by_hand.py BUILD_DIR SOURCE_DIR

Ports are replaced by free ones, the programs' folder by BUILD_DIR/bin. Behind a command that ends in & stands what a
person does: look until it is there. The reader ends after a message. In the end the device must be onboarded with the
firmware that its profile wants, and the application must have read what it sent.
"""
import os
import pathlib
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile

from by_hand import session

PORTS = ("7800", "8443", "1883")
DEVICE = "KG2-2600001"


def free_ports(count):
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [str(s.getsockname()[1]) for s in sockets]
    for s in sockets:
        s.close()
    return ports


def until(condition, what):
    return (f"for i in $(seq 600); do {condition} > /dev/null 2>&1 && break; kill -0 $! || {{ echo '{what} ended'; exit 1; }}; "
            f"sleep 0.1; done; {condition} > /dev/null || {{ echo 'not there: {what}'; exit 1; }}")


def script(block, ports, bin_dir):
    for old, new in zip(PORTS, ports):
        block = block.replace(":" + old, ":" + new)
    lines, services = [], 0
    for line in block.replace("$PWD/build/release/bin", str(bin_dir)).splitlines():
        command = line.split("#")[0].strip() if not line.startswith("#") else ""
        if command.startswith("keel telemetry read"):
            line += " --count 1 --timeout 60"
        lines += [f"echo {shlex.quote('$ ' + line)}", line] if command else []
        if command.endswith("&"):
            services += 1
            name = command.split()[0]
            if name == "mosquitto":
                lines.append(until(f"(exec 3<>/dev/tcp/127.0.0.1/{ports[2]})", "mosquitto"))
            elif name == "keel-device":
                seen = f'[[ "$(keel-verifier devices --data owner)" =~ {DEVICE}.*onboarded.*2\\.0\\.0 ]]'
                lines.append(until(seen, f"{DEVICE} onboarded with its firmware"))
            else:
                data = re.search(r"--data (\S+)", command).group(1)
                lines.append(until(f"{name} status --data {data}", command))
    if services != 5:
        sys.exit(f"readme_by_hand: {services} commands that end in &, 5 are known: is it the right block?")
    return "\n".join(lines)


def main():
    build, source = (pathlib.Path(word).resolve() for word in sys.argv[1:3])
    text = (source / "README.md").read_text()
    block = re.search(r"^## By hand\n.*?^```\n(.*?)^```", text, re.M | re.S).group(1)
    commands = script(block, free_ports(len(PORTS)), build / "bin")
    with tempfile.TemporaryDirectory(prefix="keel-readme-") as name:
        folder = pathlib.Path(name)
        (folder / "examples").mkdir()
        shutil.copy(source / "examples" / "devices.csv", folder / "examples")
        (folder / "IMAGE").write_bytes(os.urandom(200_000))
        with open(folder / "said", "w+b") as said:
            shell = subprocess.Popen(["bash", "-e", "-c", commands], cwd=folder, stdout=said, stderr=subprocess.STDOUT,
                                     stdin=subprocess.DEVNULL, start_new_session=True,
                                     env={**os.environ, "KEEL_LOG_LEVEL": "warn",
                                          "PATH": f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin"})
            try:
                code = shell.wait(timeout=110)
            except subprocess.TimeoutExpired:
                code = "still running after 110 s"
            finally:
                # Whatever it left running in the session that was made for it.
                for pid in session(shell.pid):
                    os.kill(pid, signal.SIGKILL)
            said.seek(0)
            words = said.read().decode(errors="replace")
    if code != 0:
        sys.exit(f"readme_by_hand: the commands end with status {code}:\n{words[-6000:]}")
    read = words.rpartition("$ keel telemetry read")[2]
    if not re.search(r'"keel/[^/"]+/[^/"]+/telemetry"\s+\{.*"2\.0\.0"', read):
        sys.exit(f"readme_by_hand: the application read no telemetry of the new firmware:\n{read}")
    print(f"readme_by_hand: {len(block.splitlines())} lines typed, {DEVICE} onboarded, updated and heard")


if __name__ == "__main__":
    main()
