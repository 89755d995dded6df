#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Types the commands of docs/didcomm-by-hand.md, in order, in an empty folder, and compares what it says comes out.

    by_hand.py BIN_DIR PAGE

A ```console block is typed into one bash; the ```output block behind it has lines that must come, in this order, among
others; `...` stands for anything. The port of the page is replaced by a free one. A command that ends in & listens
somewhere: the next one waits until it does.
"""
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import tempfile

PORT = "8800"
MARK = "--- end of block"


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return str(s.getsockname()[1])


def typed(block, port):
    """The block as bash gets it: its commands, and a wait behind one that listens."""
    lines = []
    for line in block.splitlines():
        lines.append(line)
        if line.endswith("&"):
            lines.append(f"until (exec 3<>/dev/tcp/127.0.0.1/{port}) 2> /dev/null; do kill -0 %1 || exit 1; done")
    return "\n".join(lines + [f"echo '{MARK}'"])


def fits(pattern, line):
    return re.fullmatch(".*".join(map(re.escape, pattern.split("..."))), line) is not None


def main():
    bin_dir, page = pathlib.Path(sys.argv[1]).resolve(), pathlib.Path(sys.argv[2])
    blocks = re.findall(r"^```console\n(.*?)^```\n(?:```output\n(.*?)^```)?", page.read_text(), re.M | re.S)
    if len(blocks) < 5:
        sys.exit(f"by_hand: {page} has {len(blocks)} blocks; is it the right page?")
    port = free_port()
    script = "set -o pipefail\n" + "\n".join(typed(commands.replace(PORT, port), port) for commands, _ in blocks)
    with tempfile.TemporaryDirectory() as folder:
        shell = subprocess.Popen(["bash", "-e", "-c", script], cwd=folder, text=True, stdout=subprocess.PIPE,
                                 stderr=subprocess.STDOUT, stdin=subprocess.DEVNULL, start_new_session=True,
                                 env={**os.environ, "PATH": f"{bin_dir}:{os.environ['PATH']}"})
        try:
            said, _ = shell.communicate(timeout=90)
        finally:
            # Whatever it left running in the session that was made for it.
            for pid in session(shell.pid):
                os.kill(pid, signal.SIGKILL)
        if shell.returncode != 0:
            sys.exit(f"by_hand: the page's commands end with status {shell.returncode}:\n{said[-4000:]}")
    parts = said.split(MARK + "\n")
    for (commands, wanted), part in zip(blocks, parts):
        lines = iter(part.splitlines())
        for pattern in wanted.replace(PORT, port).splitlines():
            if not any(fits(pattern, line) for line in lines):
                sys.exit(f"by_hand: the page says that\n{commands}writes a line\n  {pattern}\nIt writes:\n{part}")
    print(f"by_hand: {len(blocks)} blocks typed")


def session(leader):
    """Processes of the session that this process leads."""
    found = []
    for entry in pathlib.Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and os.getsid(int(entry.name)) == leader:
                found.append(int(entry.name))
        except OSError:
            continue
    return found


if __name__ == "__main__":
    main()
