#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every header of the product compiles alone (-fsyntax-only); embedded headers also with exceptions and RTTI off.

A header that passed is not compiled again until it or a header of ours that it includes changes.
  tests/lint/headers.py --compiler g++ --cache FOLDER [HEADER...]
"""
import argparse
import concurrent.futures
import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import lint  # noqa: E402

FLAGS = ["-std=c++23", "-fsyntax-only", "-Wall", "-Wextra", "-DBOOST_ASIO_DISABLE_CO_AWAIT"]


def own_headers(tree, path, seen):
    for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', tree[path], re.M):
        if name in tree and name not in seen:
            seen.add(name)
            own_headers(tree, name, seen)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--cache", required=True, type=pathlib.Path)
    parser.add_argument("--root", type=pathlib.Path, default=lint.ROOT)
    parser.add_argument("headers", nargs="*")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    root = arguments.root.resolve()
    if arguments.root == lint.ROOT:
        tree = lint.read_tree()
    else:
        tree = {str(p.relative_to(root)): p.read_text(encoding="utf-8") for p in root.rglob("*.h")}
    heavy = {entry[1] for entry in lint.listed(tree, "heavy_headers.txt") if len(entry) == 2}
    headers = arguments.headers or [p for p in tree if p.endswith(".h") and p not in heavy
                                    and not p.startswith(("build/", "tests/", "bench/"))]  # those stand in one .cc or two
    version = subprocess.run([arguments.compiler, "--version"], capture_output=True, text=True).stdout

    def check(path):
        flags = FLAGS + (["-fno-exceptions", "-fno-rtti"] if lint.embedded(path) else [])
        seen = {path}
        own_headers(tree, path, seen)
        digest = hashlib.sha256("\0".join([version, *flags, *(n + "\0" + tree[n] for n in sorted(seen))]).encode())
        stamp = arguments.cache / digest.hexdigest()
        if stamp.exists():
            return path, True, ""
        with tempfile.NamedTemporaryFile("w", suffix=".cc") as unit:
            unit.write(f'#include "{path}"\n')
            unit.flush()
            done = subprocess.run([arguments.compiler, *flags, f"-I{root}", f"-I{root}/device-wallet/include", unit.name], capture_output=True, text=True)
        if done.returncode == 0:
            stamp.touch()
        return path, done.returncode == 0, done.stderr

    bad = 0
    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for path, good, output in pool.map(check, headers):
            if not good:
                bad += 1
                print(f"{path}: does not compile alone\n{output}")
    print(f"headers: {len(headers)} checked, {bad} do not compile alone")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
