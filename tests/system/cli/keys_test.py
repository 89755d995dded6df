#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Keys lie without a passphrase only when that was said: `init` of every role, with nothing to ask a person at.

    keys_test.py BIN_DIR
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

BIN = pathlib.Path(sys.argv[1]).resolve()


def run(folder, *argv):
    """In a session of its own: without a terminal, whoever starts the test."""
    return subprocess.run([str(BIN / argv[0]), *argv[1:]], cwd=folder, capture_output=True, text=True, timeout=60,
                          stdin=subprocess.DEVNULL, start_new_session=True)


def main():
    with tempfile.TemporaryDirectory(prefix="keel-keys-") as name:
        folder = pathlib.Path(name)
        secret = folder / "passphrase"
        secret.write_text("correct horse battery staple\n")
        secret.chmod(0o600)
        net = ("--registry", "net.keel")
        roles = {
            "registry": (("keel-registry", "init", "--public-url", "http://127.0.0.1:9"), "root-keys/epoch-0.keys"),
            "maker": (("keel-issuer", "init", *net), "keys.keel"),
            "shop": (("keel-ownership", "init", *net), "keys.keel"),
            "owner": (("keel-verifier", "init", *net, "--listen", "127.0.0.1:0"), "keys.keel"),
        }
        for role, (command, keys) in roles.items():
            refused = run(folder, *command, "--data", role)
            assert refused.returncode == 2, (role, refused)
            assert "--unprotected-keys" in refused.stderr and "--passphrase-file" in refused.stderr, refused.stderr
            assert not (folder / role).exists(), f"{role}: something was made"
            both = run(folder, *command, "--data", role, "--unprotected-keys", "--passphrase-file", "passphrase")
            assert both.returncode == 2 and "exclude each other" in both.stderr, both
            assert not (folder / role).exists(), f"{role}: something was made"

            guarded = run(folder, *command, "--data", role, "--passphrase-file", "passphrase", "--json")
            assert guarded.returncode == 0, guarded
            assert json.loads(guarded.stdout)["protected"] is True
            assert (folder / role / keys).exists() and not (folder / role / (keys + ".key")).exists(), role
            open_ = run(folder, *command, "--data", role + "-open", "--unprotected-keys", "--json")
            assert open_.returncode == 0, open_
            assert json.loads(open_.stdout)["protected"] is False
            key = folder / (role + "-open") / (keys + ".key")
            assert key.exists() and os.stat(key).st_mode & 0o077 == 0, role
            if role == "registry":
                done = run(folder, "keel-registry", "descriptor", "--data", role, "-o", "net.keel")
                assert done.returncode == 0, done

        # What was set up with a passphrase opens with it alone.
        ask = ("keel-ownership", "list", "--data", "shop")
        assert run(folder, *ask).returncode == 2
        assert "--passphrase-file" in run(folder, *ask).stderr
        # The registry of this test doesn't run: what comes after the keys is out of reach.
        assert run(folder, *ask, "--passphrase-file", "passphrase").returncode in (0, 3)
        (folder / "other").write_text("another\n")
        (folder / "other").chmod(0o600)
        wrong = run(folder, *ask, "--passphrase-file", "other")
        assert wrong.returncode not in (0, 3) and "passphrase" in wrong.stderr, wrong
    print(f"keys_test: {len(roles)} roles")


if __name__ == "__main__":
    main()
