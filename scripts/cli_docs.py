#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keeps the help texts in docs/cli the programs' own.

    scripts/cli_docs.py BIN_DIR [--write]

A page holds a program's help as a fenced block that begins with ```help PROGRAM [SUBCOMMAND...]. Compares each with what
`PROGRAM SUBCOMMAND... --help` says, and says which differ (status 1); with --write it puts the programs' words in.
"""
import pathlib
import re
import subprocess
import sys

PAGES = pathlib.Path(__file__).resolve().parent.parent / "docs" / "cli"
BLOCK = re.compile(r"^```help ([^\n]+)\n(.*?)^```$", re.M | re.S)


def help_of(bin_dir, command):
    program, *rest = command.split()
    run = subprocess.run([bin_dir / program, *rest, "--help"], capture_output=True, text=True, timeout=30, check=False)
    if run.returncode != 0:
        sys.exit(f"cli_docs: `{command} --help` gives status {run.returncode}: {run.stderr.strip()}")
    # No blanks at the ends of lines, whatever the program's formatter does.
    return "\n".join(line.rstrip() for line in run.stdout.strip().splitlines()) + "\n"


def main():
    arguments = [a for a in sys.argv[1:] if a != "--write"]
    if len(arguments) != 1:
        sys.exit(__doc__)
    bin_dir, write = pathlib.Path(arguments[0]), "--write" in sys.argv
    stale, blocks = [], 0
    for page in sorted(PAGES.glob("*.md")):
        text = page.read_text()
        found = BLOCK.findall(text)
        blocks += len(found)
        differing = [command for command, said in found if said != help_of(bin_dir, command)]
        stale += [f"{page.name}: {command}" for command in differing]
        if write and differing:
            page.write_text(BLOCK.sub(lambda m: f"```help {m[1]}\n{help_of(bin_dir, m[1])}```", text))
    if not blocks:
        sys.exit("cli_docs: no page has a help block")
    if stale and not write:
        sys.exit("cli_docs: docs/cli says something else than the programs' --help; scripts/cli_docs.py BIN_DIR --write "
                 "puts it right:\n  " + "\n  ".join(stale))
    print(f"cli_docs: {blocks} help texts, {len(stale)} " + ("replaced" if write else "differ"))


if __name__ == "__main__":
    main()
