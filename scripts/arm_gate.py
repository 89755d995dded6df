#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Compiles the embedded subset for a Cortex-M4 and judges the objects (called by scripts/arm-gate)."""
import argparse
import concurrent.futures
import fnmatch
import os
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
# The embedded subset. crypto/*.cc is embedded-safe; crypto/hosted/ is not looked at.
FOLDERS = ["core", "crypto", "crypto/embedded", "ledger", "onboarding", "device-wallet/core"]
FLAGS = ["-std=c++23", "-Os", "-mcpu=cortex-m4", "-mthumb", "-ffunction-sections", "-fdata-sections",
         "-fno-exceptions", "-fno-rtti", "-fno-threadsafe-statics", "-fno-unwind-tables",
         "-fno-asynchronous-unwind-tables", "--specs=nano.specs",
         "-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Wno-missing-field-initializers", "-Werror"]


def run(*command):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True)


def read_symbols(path):
    """Patterns by section: [keel] for our own objects, [linked] for what the libraries then still need."""
    sections, current = {"keel": [], "linked": []}, None
    for line in path.read_text(encoding="utf-8").splitlines():
        line = line.split("#", 1)[0].strip()
        if line.startswith("["):
            current = sections[line.strip("[]")]
        elif line:
            current.append(line)
    return sections


def undefined(path):
    return {line.split()[-1] for line in run("arm-none-eabi-nm", "-u", path).stdout.splitlines() if line.strip()}


def referenced(path):
    """Undefined symbols that a relocation uses: ld -r leaves those of dropped sections in the symbol table."""
    used = set()
    for line in run("arm-none-eabi-objdump", "-r", path).stdout.splitlines():
        parts = line.split()
        if len(parts) == 3 and parts[1].startswith("R_ARM"):
            used.add(parts[2].split("+")[0].split("-0x")[0])
    return undefined(path) & used


def refused(symbols, patterns):
    return sorted(s for s in symbols if not any(fnmatch.fnmatchcase(s, p) for p in patterns))


def who_needs(symbol, objects):
    return [str(source) for source, obj in objects.items() if symbol in undefined(obj)]


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--deps", required=True, type=pathlib.Path)
    parser.add_argument("--out", required=True, type=pathlib.Path)
    parser.add_argument("--symbols", type=pathlib.Path, default=ROOT / "tests/lint/arm_symbols.txt")
    parser.add_argument("--folders", nargs="*", default=FOLDERS, help="relative to --root")
    parser.add_argument("--root", type=pathlib.Path, default=ROOT)
    arguments = parser.parse_args()
    root = arguments.root.resolve()
    arguments.out.mkdir(parents=True, exist_ok=True)
    allowed = read_symbols(arguments.symbols)
    errors = []

    sources = {folder: sorted((root / folder).glob("*.cc")) for folder in arguments.folders}
    every = [source for files in sources.values() for source in files]
    if not every:
        print("arm-gate: no embedded sources yet")
        return 0

    launcher = []
    if run("sh", "-c", "command -v ccache").returncode == 0:
        launcher = ["env", f"CCACHE_BASEDIR={root}", "CCACHE_NOHASHDIR=1", "ccache"]

    def object_of(source):
        name = str(source.relative_to(root)).replace("/", "_")
        return arguments.out / (name + ".o")

    def compile_one(source):
        # From the root and by relative names, so that a fresh clone elsewhere finds ccache's result.
        return source, subprocess.run(
            [*launcher, "arm-none-eabi-g++", *FLAGS, "-I.", "-Idevice-wallet/include", "-isystem", str(arguments.deps / "include"), "-c",
             str(source.relative_to(root)), "-o", str(object_of(source))],
            cwd=root, capture_output=True, text=True)

    with concurrent.futures.ThreadPoolExecutor(max_workers=os.cpu_count() or 2) as pool:
        for source, done in pool.map(compile_one, every):
            if done.returncode != 0:
                errors.append(f"{source.relative_to(root)} does not compile for the Cortex-M4:\n{done.stdout}{done.stderr}")
    if errors:
        print("\n".join(errors))
        print(f"arm-gate: {len(errors)} files do not compile")
        return 1

    objects = {source.relative_to(root): object_of(source) for source in every}
    for source, obj in objects.items():
        sections = run("arm-none-eabi-size", "-A", obj).stdout
        for line in sections.splitlines():
            parts = line.split()
            if len(parts) < 2 or not parts[1].isdigit() or int(parts[1]) == 0:
                continue
            if parts[0].startswith((".init_array", ".ctors", ".fini_array")):
                errors.append(f"{source}: {parts[0]}: dynamic initialization; make the constant constexpr/constinit")
            if parts[0].startswith((".data", ".bss", ".tbss", ".tdata")):
                errors.append(f"{source}: {parts[0]} of {parts[1]} B: a mutable global; the subset allows none")

    whole = arguments.out / "keel.o"
    done = run("arm-none-eabi-ld", "-r", "-o", whole, *objects.values())
    if done.returncode != 0:
        print(done.stderr)
        return 1
    for symbol in refused(undefined(whole), allowed["keel"]):
        errors.append(f"undefined symbol {symbol}, needed by {', '.join(who_needs(symbol, objects))}: not in "
                      f"{arguments.symbols.name} [keel]")

    # With the libraries in, keeping all that is ours and of theirs only what ours reaches: what is still
    # undefined then is what a target's port and C library must supply.
    linked = arguments.out / "linked.o"
    exported = [line.split()[-1] for line in run("arm-none-eabi-nm", "--defined-only", "-g", whole).stdout.splitlines()]
    roots = arguments.out / "roots.txt"
    roots.write_text("".join(f"-u {symbol}\n" for symbol in exported), encoding="utf-8")
    port = arguments.out / "port.o"
    run("arm-none-eabi-gcc", "-c", "-Os", "-mcpu=cortex-m4", "-mthumb", "-ffunction-sections",
        ROOT / "scripts/arm_port_stub.c", "-o", port)
    done = run("arm-none-eabi-ld", "-r", "--gc-sections", f"@{roots}", "-o", linked, whole, port, "--start-group",
               arguments.deps / "lib/libsodium.a", arguments.deps / "lib/libbearssl.a", "--end-group")
    if done.returncode != 0:
        errors.append("linking with libsodium and BearSSL failed: " + done.stderr.strip())
    else:
        own = undefined(whole)
        for symbol in refused(referenced(linked) - own, allowed["linked"]):
            errors.append(f"undefined symbol {symbol} after linking with libsodium and BearSSL: not in "
                          f"{arguments.symbols.name} [linked]")
        for symbol in sorted(referenced(linked) & own):
            if symbol.startswith(("crypto_", "sodium_", "br_")):
                errors.append(f"undefined symbol {symbol}: neither libsodium (minimal build) nor BearSSL has it")

    print(f"{'folder':<22}{'files':>6}{'text':>9}{'data':>7}{'bss':>7}")
    total = [0, 0, 0, 0]
    for folder, files in sources.items():
        if not files:
            continue
        row = [len(files), 0, 0, 0]
        for line in run("arm-none-eabi-size", *[object_of(f) for f in files]).stdout.splitlines()[1:]:
            for i, number in enumerate(line.split()[:3]):
                row[i + 1] += int(number)
        total = [a + b for a, b in zip(total, row)]
        print(f"{folder:<22}{row[0]:>6}{row[1]:>9}{row[2]:>7}{row[3]:>7}")
    print(f"{'unlinked, ours':<22}{total[0]:>6}{total[1]:>9}{total[2]:>7}{total[3]:>7}")
    if done.returncode == 0:
        text, data, bss = run("arm-none-eabi-size", linked).stdout.splitlines()[1].split()[:3]
        print(f"{'with the libraries':<28}{text:>9}{data:>7}{bss:>7}  (of theirs only what ours uses)")
    if errors:
        print("\n".join(errors))
        print(f"arm-gate: FAILED with {len(errors)} findings")
        return 1
    print("arm-gate: passed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
