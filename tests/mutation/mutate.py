#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Takes guards out, one at a time, and shows that the test that is about each of them fails then.

    tests/mutation/mutate.py [--dir DIR] [--only WORDS] [--jobs N] [--list]

guards.py lists the guards: a piece of a source file, what to do with it, and the tests that must fail without it. All guards of
a run are compiled once, in a copy of the tree's last commit under DIR: each becomes a question whether KEEL_MUTANT names it, so
that a run costs one build of the files concerned and then the named tests only. First every named test must pass with all
guards in place; then each guard is taken out alone. By hand and by `scripts/check --all mutation`: not part of every test run.

Exit status: 0 every test failed that had to, 1 a guard went unmissed (or its test doesn't pass anyway), 2 guards.py no longer
fits the sources.
"""
import argparse
import json
import os
import re
import shutil
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
TIMEOUT = 240  # seconds a test may take; with its guard out, hanging is failing

HEADER = """// SPDX-License-Identifier: Apache-2.0
// Written by tests/mutation/mutate.py: whether a guard is taken out in this process.
#pragma once
#include <cstdlib>
inline bool KeelMutant(int number) {
  static const int taken_out = [] {
    const char* text = std::getenv("KEEL_MUTANT");
    return text == nullptr ? -1 : std::atoi(text);
  }();
  return taken_out == number;
}
"""


def run(argv, **more):
    return subprocess.run(argv, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, **more)


def must(argv, **more):
    done = run(argv, **more)
    if done.returncode != 0:
        sys.exit(f"mutate: {' '.join(argv)}: {done.returncode}\n{done.stdout[-9000:]}{done.stderr[-3000:]}")
    return done.stdout


def copy_tree(where):
    """The last commit's files; unchanged ones keep their times, so that a second run builds little."""
    old = os.path.join(where, "tree")
    new = os.path.join(where, "new")
    shutil.rmtree(new, ignore_errors=True)
    os.makedirs(new)
    archive = subprocess.Popen(["git", "-C", ROOT, "archive", "HEAD"], stdout=subprocess.PIPE)
    subprocess.run(["tar", "x", "-C", new], stdin=archive.stdout, check=True)
    if archive.wait() != 0:
        sys.exit("mutate: git archive")
    return old, new


def settle(old, new):
    """Moves what differs from `new` into `old`."""
    os.makedirs(old, exist_ok=True)
    wanted = set()
    for folder, _, files in os.walk(new):
        for name in files:
            path = os.path.relpath(os.path.join(folder, name), new)
            wanted.add(path)
            source, target = os.path.join(new, path), os.path.join(old, path)
            if os.path.lexists(target) and same(source, target):
                continue
            os.makedirs(os.path.dirname(target), exist_ok=True)
            os.replace(source, target)
            if not os.path.islink(target):
                os.utime(target)
    for folder, folders, files in os.walk(old):
        if folder == old and "build" in folders:
            folders.remove("build")
        for name in files:
            if os.path.relpath(os.path.join(folder, name), old) not in wanted:
                os.remove(os.path.join(folder, name))
    shutil.rmtree(new)


def same(a, b):
    if os.path.islink(a) or os.path.islink(b):
        return os.path.islink(a) and os.path.islink(b) and os.readlink(a) == os.readlink(b)
    with open(a, "rb") as f, open(b, "rb") as g:
        return f.read() == g.read()


def squeezed(text):
    return re.sub(r"\s+", " ", text).strip()


def find(text, wanted):
    """Where `wanted` stands, white space aside: clang-format breaks lines where it likes."""
    words = [re.escape(word) for word in squeezed(wanted).split(" ")]
    return [(m.start(), m.end()) for m in re.finditer(r"\s+".join(words), text)]


def put_in(guards, tree):
    """Writes the questions into the sources; gives complaints."""
    complaints, by_file = [], {}
    for number, guard in enumerate(guards):
        by_file.setdefault(guard.file, []).append((number, guard))
    for file, list_ in by_file.items():
        path = os.path.join(tree, file)
        try:
            with open(path, encoding="utf-8") as f:
                text = f.read()
        except OSError as error:
            complaints.append(f"{list_[0][1].name}: {error}")
            continue
        changes = []
        for number, guard in list_:
            places = find(text, guard.old)
            if len(places) != 1:
                complaints.append(f"{guard.name}: {file} has it {len(places)} times: {squeezed(guard.old)[:90]}")
                continue
            start, end = places[0]
            piece = text[start:end]
            if guard.new is None:  # a statement
                changed = f"if (::KeelMutant({number})) {{\n  }} else {{\n{piece}\n}}"
            else:
                changed = f"(::KeelMutant({number}) ? ({guard.new}) : ({piece}))"
            changes.append((start, end, changed))
        changes.sort(reverse=True)
        for before, after in zip(changes[1:], changes):
            if before[1] > after[0]:
                complaints.append(f"{file}: two guards overlap at {text[after[0]:after[0] + 60]}")
        for start, end, changed in changes:
            text = text[:start] + changed + text[end:]
        with open(path, "w", encoding="utf-8") as f:
            f.write('#include "mutant.h"\n' + text)
    with open(os.path.join(tree, "mutant.h"), "w", encoding="utf-8") as f:
        f.write(HEADER)
    return complaints


def command_of(test, tree):
    """"binary:gtest filter" or "file.py Class.test" of tests/system/onboarding."""
    build = os.path.join(tree, "build", "ci")
    if test.split(" ")[0].endswith(".py"):
        file, name = test.split(" ")
        return [sys.executable, "-W", "ignore", os.path.join(tree, "tests", "system", "onboarding", file), name]
    binary, filter_ = test.split(":", 1)
    return [os.path.join(build, "bin", binary), f"--gtest_filter={filter_}", "--gtest_brief=1"]


def passes(test, tree, mutant):
    """(verdict, seconds); the verdict is "passed", "failed", "timeout" or "no test"."""
    build = os.path.join(tree, "build", "ci")
    env = dict(os.environ, KEEL_BIN=os.path.join(build, "bin"), KEEL_PLUGIN=os.path.join(build, "lib", "keel-broker.so"),
               KEEL_PATIENCE="25", PYTHONDONTWRITEBYTECODE="1")
    env.pop("KEEL_MUTANT", None)
    if mutant is not None:
        env["KEEL_MUTANT"] = str(mutant)
    began = time.monotonic()
    try:
        done = run(command_of(test, tree), env=env, timeout=TIMEOUT, cwd=build)
    except subprocess.TimeoutExpired:
        return "timeout", TIMEOUT
    seconds = time.monotonic() - began
    if "0 tests from 0 test suites ran" in done.stdout or "Ran 0 tests" in done.stderr:
        return "no test", seconds
    return ("passed" if done.returncode == 0 else "failed"), seconds


def main():
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("--dir", default=os.path.join(ROOT, "build", "mutation"), help="where to build")
    arguments.add_argument("--only", default="", help="guards whose name has one of these words, between commas")
    arguments.add_argument("--jobs", default="2", help="of the compiler")
    arguments.add_argument("--list", action="store_true", help="check guards.py against the sources, run nothing")
    options = arguments.parse_args()
    sys.path.insert(0, HERE)
    sys.dont_write_bytecode = True
    from guards import GUARDS
    names = [guard.name for guard in GUARDS]
    twice = {name for name in names if names.count(name) > 1}
    if twice:
        sys.exit(f"mutate: two guards of one name: {twice}")
    chosen = [guard for guard in GUARDS if any(word in guard.name for word in options.only.split(","))]

    os.makedirs(options.dir, exist_ok=True)
    old, new = copy_tree(options.dir)
    complaints = put_in(GUARDS, new)
    for complaint in complaints:
        print("mutate: " + complaint, file=sys.stderr)
    if options.list or complaints:
        shutil.rmtree(new)
        if not complaints:
            print(f"{len(GUARDS)} guards, all found")
        return 2 if complaints else 0
    settle(old, new)

    targets = sorted({test.split(":")[0] for guard in chosen for test in guard.tests if ":" in test})
    if any(".py" in test for guard in chosen for test in guard.tests):
        targets += ["keel_programs", "keel-mallory", "keel-ownership"]
    must(["cmake", "--preset", "ci"], cwd=old)
    must(["nice", "ninja", "-C", os.path.join(old, "build", "ci"), "-j", options.jobs, "-k", "0", *targets])

    bad, rows = 0, []
    good = {}
    for test in sorted({test for guard in chosen for test in guard.tests}):
        good[test] = passes(test, old, None)[0]
        if good[test] != "passed":
            bad += 1
            print(f"with every guard in place: {test}: {good[test]}", flush=True)
    for guard in chosen:
        number = GUARDS.index(guard)
        for test in guard.tests:
            verdict, seconds = passes(test, old, number) if good[test] == "passed" else ("not run", 0)
            missed = verdict in ("failed", "timeout")
            bad += not missed and good[test] == "passed"
            rows.append({"guard": guard.name, "file": guard.file, "test": test, "seen": verdict})
            print(f"{'ok  ' if missed else 'BAD '} {guard.name:34} {test}: {verdict} ({seconds:.1f} s)", flush=True)
    with open(os.path.join(options.dir, "seen.json"), "w", encoding="utf-8") as f:
        json.dump(rows, f, indent=1)
    print(f"{len(chosen)} guards taken out, {sum(r['seen'] in ('failed', 'timeout') for r in rows)} of {len(rows)} tests missed theirs")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
