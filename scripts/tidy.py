#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Runs clang-tidy on the files changed since the merge base and on a rotating tenth of the rest.

A file that passed is not looked at again until it, a header of ours that it includes, its command or the
configuration changes: stamps are kept under the user's cache folder. Bounded by --seconds; files that
time did not allow are named; they have no stamp, so that a later run takes them. The static analyzer takes
two thirds of the time on hosted code (nlohmann/json), and tests take as long as the product: both are left
to --all; the embedded subset is always analyzed.
"""
import argparse
import concurrent.futures
import hashlib
import json
import os
import pathlib
import re
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "tests" / "lint"))
import lint  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent
NO_ANALYZER = "--checks=-clang-analyzer-*"
LAST_COMMITS = 10  # what "changed" means on the main branch itself


def git(*arguments):
    done = subprocess.run(["git", "-C", str(ROOT), *arguments], capture_output=True, text=True)
    return done.stdout.split() if done.returncode == 0 else []


def changed_files():
    head = git("rev-parse", "HEAD")
    base = git("merge-base", "HEAD", "origin/main")
    if not base or base == head:
        base = git("rev-parse", f"HEAD~{LAST_COMMITS}") or git("rev-list", "--max-parents=0", "HEAD")[:1]
    if not base:
        return set()
    return set(git("diff", "--name-only", base[0]))


def headers_of(path, seen):
    """Our own headers that a file includes, directly or not."""
    try:
        text = (ROOT / path).read_text(encoding="utf-8", errors="replace")
    except OSError:
        return
    for name in re.findall(r'^\s*#\s*include\s+"([^"]+)"', text, re.M):
        if name not in seen and (ROOT / name).is_file():
            seen.add(name)
            headers_of(name, seen)


def key_of(path, command, version):
    digest = hashlib.sha256()
    relative_command = command.replace(str(ROOT), ".")
    for part in (version, relative_command, (ROOT / ".clang-tidy").read_text(encoding="utf-8")):
        digest.update(part.encode() + b"\0")
    files = {path}
    headers_of(path, files)
    for name in sorted(files):
        digest.update(name.encode() + b"\0" + (ROOT / name).read_bytes() + b"\0")
    return digest.hexdigest()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--seconds", type=float, default=360)
    parser.add_argument("--all", action="store_true")
    arguments = parser.parse_args()
    started = time.monotonic()
    end = None if arguments.all else started + arguments.seconds

    with open(pathlib.Path(arguments.build) / "compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    commands = {}
    for entry in entries:
        path = pathlib.Path(entry["file"])
        if path.is_relative_to(ROOT):
            commands[str(path.relative_to(ROOT))] = entry.get("command", "")
    # clang rejects cpprest's headers as C++23 and has nothing to say about a generated file.
    skipped = [path for path in commands if "cpprest" in path]
    for path in skipped:
        del commands[path]

    changed = changed_files()
    version = subprocess.run([arguments.tool, "--version"], capture_output=True, text=True).stdout
    turn = len(git("rev-list", "HEAD")) % 10

    def priority(path):
        if path in changed:
            return 0
        own = set()
        headers_of(path, own)
        if own & changed:
            return 1
        return 2 if int(hashlib.sha256(path.encode()).hexdigest(), 16) % 10 == turn else 3

    ranked = sorted((priority(path), path) for path in commands)
    wanted = [path for rank, path in ranked
              if arguments.all or (rank != 3 and not path.startswith(("tests/", "bench/")))]

    def options_of(path):
        return [] if arguments.all or lint.embedded(path) else [NO_ANALYZER]

    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "keel" / "tidy"
    cache.mkdir(parents=True, exist_ok=True)
    keys = {path: key_of(path, commands[path] + "".join(options_of(path)), version) for path in wanted}
    due = [path for path in wanted if not (cache / keys[path]).exists()]

    def run(path):
        if end is not None and time.monotonic() > end:
            return path, None, ""
        limit = None if end is None else max(30.0, end - time.monotonic() + 60)
        try:
            done = subprocess.run(
                [arguments.tool, "-p", arguments.build, "--quiet", "--extra-arg=-Wno-unknown-warning-option",
                 "--warnings-as-errors=*", *options_of(path), path],
                cwd=ROOT, capture_output=True, text=True, timeout=limit, stdin=subprocess.DEVNULL)
        except subprocess.TimeoutExpired:
            return path, None, ""
        if done.returncode == 0:
            (cache / keys[path]).touch()
        return path, done.returncode, done.stdout + done.stderr

    bad, late = [], []
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for path, code, output in pool.map(run, due):
            if code is None:
                late.append(path)
            elif code != 0:
                bad.append(path)
                print(f"--- {path}\n{output}", flush=True)
    print(f"tidy: {len(wanted)} files chosen, {len(wanted) - len(due)} unchanged since they passed, "
          f"{len(due) - len(late)} checked, {len(bad)} with findings, {time.monotonic() - started:.0f} s")
    if late:
        print(f"tidy: no time for {len(late)} files (scripts/check --all does all): {' '.join(late)}")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
