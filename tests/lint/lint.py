#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""House rules that a program can check. Run by ctest (label lint) and scripts/check.

Each rule is a function from a tree {path: text} to findings, so that tests/lint/selftest.py can feed each one
a bad sample and see it refused. A line may be excused with a comment `lint-allow: RULE reason`.

  tests/lint/lint.py [RULE...]     all rules by default; exit 1 if any finds something
"""
import fnmatch
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
HERE = "tests/lint/"

EMBEDDED = {"core", "crypto", "ledger", "onboarding"}
MIDDLE = EMBEDDED | {"base", "registry-client", "did"}
BELOW_TOP = MIDDLE | {"didcomm", "vc", "vc-api", "exchange", "custody"}
# What each folder may include besides itself (docs/architecture.md, "Layers").
LAYERS = {
    "core": set(),
    "crypto": {"core"},
    "ledger": {"core", "crypto"},
    "onboarding": {"core", "crypto", "ledger"},
    "device-wallet/include": set(),
    "device-wallet/core": EMBEDDED | {"device-wallet/include", "device-wallet/port"},
    "device-wallet/port": EMBEDDED | {"device-wallet/include"},
    "device-wallet/targets": EMBEDDED | {"device-wallet/include", "device-wallet/core", "device-wallet/port"},
    "base": EMBEDDED,
    "registry-client": EMBEDDED | {"base"},
    "did": EMBEDDED | {"base", "registry-client"},
    "didcomm": MIDDLE,
    "vc": MIDDLE,
    "exchange": MIDDLE | {"vc", "didcomm"},  # docs/decisions/0041-exchange.md
    "vc-api": MIDDLE | {"vc"},  # docs/decisions/0077-the-vc-api-is-a-room-of-its-own.md
    "custody": MIDDLE | {"vc", "didcomm"},  # docs/decisions/0004-custody-uses-didcomm.md
    "registry-node": BELOW_TOP,
    "issuer": BELOW_TOP,
    "verifier": BELOW_TOP,
    "broker-plugin": BELOW_TOP,
    "cli": BELOW_TOP,
    "device-wallet/host": BELOW_TOP | {"device-wallet/include", "device-wallet/core", "device-wallet/port"},
}
ANYTHING = ("tests", "bench", "examples", "cmake")  # may include every folder

HEAVY = ("boost/beast", "boost/asio", "cpprest/", "pplx/", "spdlog/", "CLI/", "valijson/", "toml++/")
CODE = (".h", ".cc", ".c")


def folder_of(path):
    parts = path.split("/")
    if parts[0] == "device-wallet":
        return "/".join(parts[:2]) if len(parts) > 2 else "device-wallet/host"
    return parts[0]


def embedded(path):
    return path.endswith(CODE) and (
        path.startswith(("core/", "ledger/", "onboarding/", "device-wallet/core/"))
        or (path.startswith("crypto/") and not path.startswith(("crypto/hosted/", "crypto/tpm2/", "crypto/pkcs11/"))))


def code_lines(text):
    """Lines with their numbers, comments and string contents blanked (good enough for our own style)."""
    in_block = False
    for number, raw in enumerate(text.splitlines(), 1):
        line = raw
        if in_block:
            end = line.find("*/")
            if end < 0:
                continue
            line, in_block = line[end + 2:], False
        include = re.match(r'\s*#\s*include', line)
        if not include:
            line = re.sub(r'"(?:[^"\\]|\\.)*"', '""', line)
        line = re.sub(r"/\*.*?\*/", " ", line)
        line = re.sub(r"//.*$", "", line)
        start = line.find("/*")
        if start >= 0:
            line, in_block = line[:start], True
        yield number, line, raw


def hosted_lines(text):
    """Numbers of the lines that only a host compiles (#if KEEL_HOSTED, #if defined(__linux__))."""
    hosted, stack = set(), []
    for number, line in enumerate(text.splitlines(), 1):
        directive = re.match(r"\s*#\s*(if|ifdef|ifndef|elif|else|endif)\b\s*(.*)", line)
        if directive:
            word, rest = directive.groups()
            if word in ("if", "ifdef", "ifndef"):
                host = bool(re.match(r"KEEL_HOSTED\b|defined\s*\(?\s*__linux__", rest)) and word != "ifndef"
                stack.append([host, bool(re.match(r"!\s*KEEL_HOSTED\b", rest))])
            elif word in ("else", "elif") and stack:
                stack[-1] = [stack[-1][1] and word == "else", False]
            elif word == "endif" and stack:
                stack.pop()
        if any(level[0] for level in stack):
            hosted.add(number)
    return hosted


def allowed(raw, rule):
    return re.search(r"lint-allow:\s*" + rule + r"\s+\S", raw) is not None


def listed(tree, name):
    """`pattern # reason` lines of an allow-list in tests/lint; a pattern without a reason counts for nothing."""
    entries = []
    for line in tree.get(HERE + name, "").splitlines():
        entry, _, reason = line.partition("#")
        if entry.strip() and reason.strip():
            entries.append(entry.split())
    return entries


def rule_layering(tree):
    out = []
    owner = {}  # library name -> folder, from the CMake files
    for path, text in tree.items():
        if path.endswith("CMakeLists.txt") and folder_of(path) in LAYERS:
            for name in re.findall(r"keel_add_library\s*\(\s*NAME\s+([\w-]+)", text):
                owner[name] = folder_of(path)
                if path == "device-wallet/CMakeLists.txt" or path == "crypto/CMakeLists.txt":
                    owner[name] = None  # several layers in one file: the includes are checked
    known = set(LAYERS)
    for path, text in tree.items():
        folder = folder_of(path)
        if folder in ANYTHING or folder not in known:
            continue
        may = LAYERS[folder] | {folder}
        if path.endswith(CODE):
            for number, line, raw in code_lines(text):
                match = re.match(r'\s*#\s*include\s*"([^"]+)"', line)
                if not match or allowed(raw, "layering"):
                    continue
                target = folder_of(match.group(1))
                if match.group(1).startswith(("tests/", "bench/")):
                    out.append(f"{path}:{number}: product code includes {match.group(1)}")
                elif target in known and target not in may:
                    out.append(f"{path}:{number}: {folder} may not include {match.group(1)} "
                               f"(it may use: {', '.join(sorted(LAYERS[folder])) or 'nothing'})")
                elif embedded(path) and match.group(1).startswith("crypto/hosted/"):
                    out.append(f"{path}:{number}: the embedded subset may not include {match.group(1)}")
        elif path.endswith("CMakeLists.txt"):
            if path == "device-wallet/CMakeLists.txt":
                continue
            for name in re.findall(r"keel::([\w-]+)", text):
                target = owner.get(name)
                if target is not None and target not in may:
                    line = text[:text.index("keel::" + name)].count("\n") + 1
                    out.append(f"{path}:{line}: {folder} may not link keel::{name} (of {target})")
    return out


def rule_cycles(tree):
    graph = {p: [m for m in re.findall(r'^\s*#\s*include\s*"([^"]+)"', t, re.M) if m in tree]
             for p, t in tree.items() if p.endswith(".h")}
    out, state = [], {}

    def visit(path, trail):
        state[path] = 1
        for following in graph.get(path, []):
            if state.get(following) == 1:
                out.append(f"{path}: circular include: {' -> '.join(trail + [path, following])}")
            elif following not in state:
                visit(following, trail + [path])
        state[path] = 2

    for path in sorted(graph):
        if path not in state:
            visit(path, [])
    return out


def rule_heavy(tree):
    """Headers that take many seconds: only in the one or two files that wrap them, never in a header."""
    entries = listed(tree, "heavy_headers.txt")
    out = []
    for path, text in tree.items():
        if not path.endswith(CODE):
            continue
        for number, line, raw in code_lines(text):
            match = re.match(r'\s*#\s*include\s*[<"]([^>"]+)[>"]', line)
            if not match:
                continue
            name = match.group(1)
            if name == "nlohmann/json.hpp" and path.endswith(".h") and folder_of(path) not in ANYTHING and not allowed(raw, "heavy"):
                out.append(f"{path}:{number}: nlohmann/json.hpp in a header; use nlohmann/json_fwd.hpp")
            heavy = next((h for h in HEAVY if name.startswith(h)), None)
            if heavy is None:
                continue
            if path.endswith(".h") and not any(fnmatch.fnmatch(path, e[1]) and e[0] == heavy for e in entries if len(e) == 2):
                out.append(f"{path}:{number}: {name} in a header: include it in one .cc only")
            elif not any(len(e) == 2 and e[0] == heavy and fnmatch.fnmatch(path, e[1]) for e in entries):
                out.append(f"{path}:{number}: {name} is heavy and {path} is not in {HERE}heavy_headers.txt for it")
    return out


def rule_json(tree):
    out = []
    for path, text in tree.items():
        if not path.endswith(CODE) or path == "base/json_strict.cc" or folder_of(path) in ANYTHING:
            continue
        for number, line, raw in code_lines(text):
            if re.search(r"\bjson\s*::\s*(parse|sax_parse|accept|from_cbor|from_msgpack|from_bson|from_ubjson)\b|\bstd::istream\b.*>>.*\bjson\b",
                         line) and not allowed(raw, "json"):
                out.append(f"{path}:{number}: parses JSON by itself; use base/json_strict.h (the one strict parse function)")
    return out


BANNED_HEADERS = {
    "string", "vector", "map", "unordered_map", "set", "unordered_set", "list", "deque", "functional", "memory",
    "iostream", "ostream", "istream", "sstream", "fstream", "iomanip", "thread", "mutex", "shared_mutex", "atomic",
    "future", "condition_variable", "chrono", "filesystem", "regex", "random", "locale", "format", "print", "any",
    "stdexcept", "typeinfo", "cstdio", "stdio.h", "cstdlib", "stdlib.h", "ctime", "time.h", "unistd.h", "malloc.h",
    "nlohmann/json.hpp", "nlohmann/json_fwd.hpp", "fmt/core.h", "fmt/format.h", "openssl/evp.h"}
BANNED_CODE = [
    (r"\.value\s*\(\s*\)", ".value() pulls in abort and the unwinder; check, then use *"),
    (r"\.at\s*\((?!\s*\))", ".at() throws; check the index, then use []"),
    (r"\bsubstr\s*\(", "substr throws; use a span's subspan after a check"),
    (r"\bthrow\b", "exceptions are off"),
    (r"\btry\s*\{", "exceptions are off"),
    (r"\bdynamic_cast\b|\btypeid\b", "RTTI is off"),
    (r"(?<!operator )\bnew\b(?!\s*\()", "no heap"),
    (r"\b(malloc|calloc|realloc|free)\s*\(", "no heap"),
    (r"\bstd::(string|vector|function|map|unique_ptr|shared_ptr|make_unique|make_shared|to_string)\b", "no heap"),
    (r"\b(printf|fprintf|snprintf|sprintf|getenv|time|rand|srand)\s*\(", "no stdio, environment, clock or libc random"),
    (r"\bthread_local\b", "no threads"),
]


def rule_embedded(tree):
    out = []
    for path, text in tree.items():
        if not embedded(path):
            continue
        hosted = hosted_lines(text)
        for number, line, raw in code_lines(text):
            if number in hosted or allowed(raw, "embedded"):
                continue
            match = re.match(r'\s*#\s*include\s*<([^>]+)>', line)
            if match and match.group(1) in BANNED_HEADERS:
                out.append(f"{path}:{number}: <{match.group(1)}> in the embedded subset")
            if re.match(r"\s*#", line):
                continue
            for pattern, why in BANNED_CODE:
                if re.search(pattern, line):
                    out.append(f"{path}:{number}: embedded subset: {why}: {raw.strip()[:80]}")
    return out


def rule_spdx(tree):
    out = []
    for path, text in tree.items():
        head = "\n".join(text.splitlines()[:3])
        code = path.endswith((*CODE, ".py", ".cmake", ".sh")) or path.endswith("CMakeLists.txt") or head.startswith("#!")
        if code and "SPDX-License-Identifier: Apache-2.0" not in head:
            out.append(f"{path}:1: lacks the line `SPDX-License-Identifier: Apache-2.0`")
    return out


def rule_pragma(tree):
    return [f"{p}:1: lacks #pragma once" for p, t in tree.items()
            if p.endswith(".h") and "#pragma once" not in t and not re.search(r"#ifndef\s+KEEL_\w+_H", t)]


SLEEP = r"\bsleep_for\b|\bsleep_until\b|\busleep\s*\(|\bnanosleep\s*\(|(?<![\w.:])sleep\s*\(|\btime\.sleep\b|\basyncio\.sleep\b"


def rule_sleep(tree):
    """Tests wait on conditions. A poll between two looks at a condition may be excused by name."""
    out = []
    for path, text in tree.items():
        if not path.startswith("tests/") or path.startswith(HERE):
            continue
        shell = text.startswith("#!") and re.match(r"#!.*\b(ba)?sh\b", text.splitlines()[0])
        for number, line in enumerate(text.splitlines(), 1):
            if path.endswith((*CODE, ".py")) and re.search(SLEEP, line) and not allowed(line, "sleep"):
                out.append(f"{path}:{number}: a sleep in a test: wait on the condition instead")
            elif shell and re.search(r"(^|[;&|]\s*|\bdo\s+)sleep\s+[\d.]", line.strip()) and not allowed(line, "sleep"):
                out.append(f"{path}:{number}: a sleep in a test: wait on the condition instead")
    return out


WARN_LINES, MAX_LINES = 500, 700


def rule_length(tree):
    entries = listed(tree, "long_files.txt")
    out = []
    for path, text in tree.items():
        if not path.endswith((*CODE, ".py")):
            continue
        lines = text.count("\n")
        if lines > MAX_LINES and not any(fnmatch.fnmatch(path, e[0]) for e in entries):
            out.append(f"{path}:{lines}: more than {MAX_LINES} lines: split it, or list it with a reason in {HERE}long_files.txt")
        elif lines > WARN_LINES:
            print(f"note: {path} has {lines} lines (house limit {WARN_LINES})")
    return out


# Written so that this file does not match itself.
MACHINE = [
    (r"(?<![\w.-])/wo" r"rk/(main|shared|\.)", "a folder of one machine"),
    (r"(?<![\w.$}-])/t" r"mp/", "a fixed temporary folder: use TMPDIR, mktemp or the test's own folder"),
    (r"\.\./sha" r"red\b", "a folder beside the checkout"),
    (r"(?<![\w.-])/(home|root|Users)/[\w.-]+/", "somebody's home folder"),
    (r"deb\.deb" r"ian\.org|archive\.ubu" r"ntu\.com|registry\.np" r"mjs|proxy\.gol" r"ang|files\.pythonho" r"sted",
     "a package registry's host"),
]


def rule_paths(tree):
    out = []
    for path, text in tree.items():
        if path.startswith("tests/vectors/") or path == "LICENSE":
            continue
        for number, line in enumerate(text.splitlines(), 1):
            for pattern, what in MACHINE:
                if re.search(pattern, line) and not allowed(line, "paths"):
                    out.append(f"{path}:{number}: names {what}: {line.strip()[:80]}")
    return out


def rule_links(tree):
    """Relative links between our pages lead somewhere."""
    out = []
    folders = {str(pathlib.PurePosixPath(p).parent) for p in tree}
    for folder in list(folders):
        folders.update(str(parent) for parent in pathlib.PurePosixPath(folder).parents)
    for path, text in tree.items():
        if not path.endswith(".md") or path.startswith("tests/vectors/"):
            continue
        text = re.sub(r"```.*?```", lambda m: "\n" * m.group(0).count("\n"), text, flags=re.S)
        for match in re.finditer(r"(?<!!)\[[^\]\n]*\]\(([^)\s]+)\)", text):
            target = match.group(1).split("#")[0]
            if not target or re.match(r"[a-z]+:", target):
                continue
            full = os.path.normpath(os.path.join(os.path.dirname(path), target))
            if full not in tree and full not in folders:
                line = text[:match.start()].count("\n") + 1
                out.append(f"{path}:{line}: the link to {target} leads nowhere")
    return out


def excused(tree, rule, finding):
    """`rule path words` lines of excuses.txt: findings of that rule in that file that contain the words."""
    return any(len(e) >= 3 and e[0] == rule and finding.startswith(e[1] + ":") and " ".join(e[2:]) in finding
               for e in listed(tree, "excuses.txt"))


RULES = {name[5:]: function for name, function in list(globals().items()) if name.startswith("rule_")}


def read_tree():
    listing = subprocess.run(["git", "-C", str(ROOT), "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
                             capture_output=True)
    if listing.returncode == 0:
        names = [n for n in listing.stdout.decode().split("\0") if n]
    else:  # a source archive without .git
        names = [str(p.relative_to(ROOT)) for p in ROOT.rglob("*") if p.is_file() and "build" not in p.parts]
    tree = {}
    for name in sorted(set(names)):
        try:
            tree[name] = (ROOT / name).read_text(encoding="utf-8")
        except (UnicodeDecodeError, OSError):
            continue  # binary, or removed in the working copy
    return tree


def main():
    wanted = sys.argv[1:] or sorted(RULES)
    for name in wanted:
        if name not in RULES:
            print(f"lint: there is no rule '{name}'; there are: {', '.join(sorted(RULES))}", file=sys.stderr)
            return 2
    tree = read_tree()
    bad = 0
    for name in wanted:
        findings = [f for f in RULES[name](tree) if not excused(tree, name, f)]
        bad += len(findings)
        for finding in findings:
            print(f"{finding} [{name}]")
    print(f"lint: {len(wanted)} rules over {len(tree)} files: {bad} findings")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
