#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Shows that each rule and gate refuses a bad sample and passes the good one beside it."""
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import lint  # noqa: E402

SPDX = "// SPDX-License-Identifier: Apache-2.0\n"


def run(*command, **options):
    return subprocess.run([str(c) for c in command], capture_output=True, text=True, **options)


class Rules(unittest.TestCase):
    def refuses(self, rule, tree, *needles):
        findings = lint.RULES[rule](tree)
        self.assertTrue(findings, f"{rule} let it pass: {tree}")
        for needle in needles:
            self.assertIn(needle, " ".join(findings))

    def passes(self, rule, tree):
        self.assertEqual(lint.RULES[rule](tree), [])

    def test_every_rule_has_a_bad_sample_here(self):
        text = pathlib.Path(__file__).read_text(encoding="utf-8")
        for rule in lint.RULES:
            self.assertIn(f'self.refuses("{rule}"', text)

    def test_layering(self):
        self.refuses("layering", {"core/a.h": '#include "did/did.h"\n'}, "core/a.h:1", "did/did.h")
        self.refuses("layering", {"vc/a.cc": '#include "didcomm/message.h"\n'})
        self.refuses("layering", {"didcomm/a.cc": '#include "vc/credential.h"\n'})
        self.refuses("layering", {"issuer/a.cc": '#include "verifier/policy.h"\n'})
        self.refuses("layering", {"ledger/a.cc": '#include "base/log.h"\n'})
        self.refuses("layering", {"crypto/embedded/a.cc": '#include "crypto/hosted/jwk.h"\n'})
        self.refuses("layering", {"ledger/a.cc": '#include "crypto/hosted/jwk.h"\n'})
        self.refuses("layering", {"device-wallet/core/a.cc": '#include "base/log.h"\n'})
        self.refuses("layering", {"did/a.cc": '#include "tests/fakes/clock.h"\n'})
        self.refuses("layering", {"base/CMakeLists.txt": "keel_add_library(NAME base DEPS keel::did)\n",
                                  "did/CMakeLists.txt": "keel_add_library(NAME did DEPS keel::base)\n"}, "keel::did")
        self.passes("layering", {"vc/a.cc": '#include "did/did.h"\n#include "core/result.h"\n#include "vc/b.h"\n'})
        self.passes("layering", {"base/a.cc": '#include "crypto/hosted/jwk.h"\n// #include "did/did.h"\n'})
        self.passes("layering", {"tests/unit/core/a_test.cc": '#include "verifier/policy.h"\n'})

    def test_cycles(self):
        self.refuses("cycles", {"core/a.h": '#include "core/b.h"\n', "core/b.h": '#include "core/a.h"\n'}, "circular")
        self.passes("cycles", {"core/a.h": '#include "core/b.h"\n', "core/b.h": ""})

    def test_heavy(self):
        bad = {"cli/a.cc": "#include <CLI/CLI.hpp>\n"}
        self.refuses("heavy", bad, "CLI/CLI.hpp")
        self.refuses("heavy", {"base/net/a.cc": "#include <boost/beast/http.hpp>\n"})
        self.refuses("heavy", {"base/a.h": "#include <nlohmann/json.hpp>\n"}, "json_fwd")
        self.refuses("heavy", {"base/a.h": "#include <spdlog/spdlog.h>\n"})
        self.refuses("heavy", {**bad, "tests/lint/heavy_headers.txt": "CLI/ cli/a.cc\n"})  # no reason
        self.passes("heavy", {**bad, "tests/lint/heavy_headers.txt": "CLI/ cli/a.cc  # wraps it\n"})
        self.passes("heavy", {"base/a.cc": "#include <nlohmann/json.hpp>\n", "base/a.h": "#include <nlohmann/json_fwd.hpp>\n"})

    def test_json(self):
        self.refuses("json", {"did/a.cc": "auto j = nlohmann::json::parse(text);\n"}, "json_strict")
        self.refuses("json", {"vc/a.cc": "auto j = json::from_cbor(text);\n"})
        self.passes("json", {"base/json_strict.cc": "json::parse(x);\n", "did/a.cc": "// never json::parse\nParseJson(x);\n"})

    def test_embedded(self):
        self.refuses("embedded", {"core/a.cc": "#include <vector>\n"}, "<vector>")
        self.refuses("embedded", {"ledger/a.cc": "return r.value();\n"}, ".value()")
        self.refuses("embedded", {"ledger/a.cc": "return r.at(3);\n"})
        self.refuses("embedded", {"onboarding/a.cc": "auto s = view.substr(1);\n"})
        self.refuses("embedded", {"device-wallet/core/a.cc": "auto* p = new int;\n"})
        self.refuses("embedded", {"crypto/embedded/a.cc": "throw 1;\n"})
        self.refuses("embedded", {"crypto/a.h": "std::string name;\n"})
        self.refuses("embedded", {"core/a.cc": "#if KEEL_HOSTED\n#else\nstd::string s;\n#endif\n"})
        self.refuses("embedded", {"core/a.cc": "#if KEEL_HOSTED\n#endif\nstd::string s;\n"})
        self.refuses("embedded", {"core/a.cc": "#ifdef OTHER\nstd::string s;\n#endif\n"})
        self.passes("embedded", {"core/a.cc": "#if KEEL_HOSTED\n#include <string>\nstd::string s;\n#endif\nx = w.at();\n"})
        self.passes("embedded", {"core/a.cc": "#if !KEEL_HOSTED\nint s;\n#else\nstd::string s;\n#endif\n"})
        self.passes("embedded", {"crypto/hosted/a.cc": "#include <vector>\nstd::string s;\n",
                                 "core/a.cc": "#include <array>\n// new in C++23: r.value()\nnew (place) int;\nreturn *r;\n"})

    def test_spdx(self):
        self.refuses("spdx", {"core/a.cc": "int a;\n"})
        self.refuses("spdx", {"scripts/x": "#!/bin/sh\necho\n"})
        self.passes("spdx", {"core/a.cc": SPDX, "scripts/x": "#!/bin/sh\n# SPDX-License-Identifier: Apache-2.0\n", "a.md": "x"})

    def test_pragma(self):
        self.refuses("pragma", {"core/a.h": SPDX + "int a;\n"})
        self.passes("pragma", {"core/a.h": SPDX + "#pragma once\n", "device-wallet/include/k.h": "#ifndef KEEL_WALLET_H\n"})

    def test_sleep(self):
        self.refuses("sleep", {"tests/a_test.cc": "std::this_thread::sleep_for(1s);\n"})
        self.refuses("sleep", {"tests/system/a.py": "time.sleep(1)\n"})
        self.refuses("sleep", {"tests/a_test.cc": "usleep(10);\n"})
        self.refuses("sleep", {"tests/system/a": "#!/bin/bash\nsleep 1\n"})
        self.passes("sleep", {"tests/a.cc": "WaitFor(condition);  // never sleeps\n", "base/a.cc": "sleep_for(x);\n",
                              "tests/b.py": "time.sleep(0.01)  # lint-allow: sleep between two looks at the port\n"})

    def test_length(self):
        self.refuses("length", {"did/a.cc": "\n" * 701})
        self.passes("length", {"did/a.cc": "\n" * 701, "tests/lint/long_files.txt": "did/a.cc  # a table\n"})
        self.passes("length", {"did/a.cc": "\n" * 400, "did/b.md": "\n" * 900})

    def test_paths(self):
        self.refuses("paths", {"README.md": "see /wo" "rk/main/x\n"})
        self.refuses("paths", {"a.cc": 'Open("/t' 'mp/x");\n'})
        self.refuses("paths", {"a.md": "../sha" "red/design.md\n"})
        self.refuses("paths", {"scripts/x": "deb https://deb.deb" "ian.org/debian\n"})
        self.passes("paths", {"a.md": "network/main, ./tmp/x, $DIR/tmp/x\n"})

    def test_links(self):
        self.refuses("links", {"docs/a.md": "[b](b.md)\n"}, "b.md")
        self.passes("links", {"docs/a.md": "[b](b.md#x) [c](../core) [d](https://e)\n", "docs/b.md": "", "core/a.h": ""})


    def test_excuses(self):
        finding = "core/a.cc:3: embedded subset: .at() throws: x.at(i)"
        for line, good in [("embedded core/a.cc x.at(i)  # bounded\n", True), ("embedded core/a.cc x.at(i)\n", False),
                           ("embedded core/b.cc x.at(i)  # bounded\n", False), ("json core/a.cc x.at(i)  # b\n", False),
                           ("embedded core/a.cc  # everything\n", False)]:
            self.assertEqual(lint.excused({"tests/lint/excuses.txt": line}, "embedded", finding), good, line)


class Gates(unittest.TestCase):
    """The gates that run compilers or scripts, on samples in a folder of their own."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.root = pathlib.Path(self.folder.name)
        self.addCleanup(self.folder.cleanup)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def headers(self):
        return run(sys.executable, HERE / "headers.py", "--root", self.root, "--cache", self.root / "cache")

    def test_header_that_needs_another(self):
        self.write("core/a.h", SPDX + "#pragma once\n#include <cstdint>\nstd::uint8_t A();\n")
        self.assertEqual(self.headers().returncode, 0)
        self.write("core/b.h", SPDX + "#pragma once\nstd::string_view B();\n")
        done = self.headers()
        self.assertEqual(done.returncode, 1)
        self.assertIn("core/b.h: does not compile alone", done.stdout)

    def arm(self):
        deps = lint.ROOT / "build/arm-deps"
        if not (deps / "lib/libsodium.a").exists():
            self.skipTest("the target's libraries are not built (scripts/arm-gate --fetch)")
        return run(sys.executable, lint.ROOT / "scripts/arm_gate.py", "--deps", deps, "--out", self.root / "out",
                   "--root", self.root)

    def test_arm_gate(self):
        self.write("core/a.cc", "#include <cstdint>\nextern \"C\" void* memcpy(void*, const void*, unsigned);\n"
                                "void A(void* a, const void* b, unsigned n) { memcpy(a, b, n); }\n"
                                "std::uint64_t B(std::uint64_t a, std::uint64_t b) { return a / b; }\n")
        done = self.arm()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        for name, text, needle in [
            ("heap", "void* F(int n) { return new char[n]; }\n", "_Znaj"),
            ("expected", "#include <expected>\nint F(std::expected<int, int> e) { return e.value(); }\n", "abort"),
            ("stdio", "#include <cstdio>\nvoid F() { std::puts(\"x\"); }\n", "puts"),
            ("global", "int counter = 3;\nint F() { return ++counter; }\n", "mutable global"),
            ("dynamic", "int G();\nconst int kX = G();\nint F() { return kX; }\n", "dynamic initialization"),
            ("float", "double F(double a, double b) { return a * b; }\n", "__aeabi_dmul"),
        ]:
            with self.subTest(name):
                sample = self.write(f"core/{name}.cc", text)
                done = self.arm()
                self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
                self.assertIn(needle, done.stdout)
                sample.unlink()

    def setup_with(self, **programs):
        """scripts/setup with a PATH of stand-ins: nothing is installed, and nothing can be."""
        tools = self.root / "bin"
        tools.mkdir()
        for name in ("bash", "env", "dirname", "cat", "rm", "tee", "chmod", "grep", "sed"):
            os.symlink(subprocess.check_output(["sh", "-c", f"command -v {name}"], text=True).strip(), tools / name)
        for name, body in programs.items():
            path = self.write(f"bin/{name.replace('_', '-')}", "#!/usr/bin/env bash\n" + body + "\n")
            path.chmod(0o755)
        return run(tools / "bash", lint.ROOT / "scripts/setup", "--for", "quickstart", env={"PATH": str(tools)},
                   stdin=subprocess.DEVNULL)

    def test_setup_without_root_or_sudo(self):
        done = self.setup_with(apt_get="echo installed something >&2; exit 9", dpkg_query="exit 1",
                               apt_cache="exit 0", id="echo 1000")
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("neither root nor may use sudo", done.stderr)
        self.assertIn("libsodium-dev", done.stderr)
        self.assertNotIn("installed something", done.stderr)

    def test_setup_on_another_system(self):
        done = self.setup_with(id="echo 0")
        self.assertEqual(done.returncode, 2)
        self.assertIn("no apt-get", done.stderr)

    def test_setup_with_everything_there_needs_no_root(self):
        done = self.setup_with(apt_get="exit 9", dpkg_query="printf installed", apt_cache="exit 9", id="echo 1000")
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_setup_says_which_package_failed(self):
        done = self.setup_with(apt_get='case "$*" in *install*) exit 100;; esac', dpkg_query="exit 1",
                               apt_cache="exit 0", id="echo 0")
        self.assertEqual(done.returncode, 1)
        self.assertIn("could not install", done.stderr)

    def test_setup_refuses_an_unknown_level(self):
        done = run("bash", lint.ROOT / "scripts/setup", "--for", "nothing")
        self.assertEqual(done.returncode, 2)

    def test_scripts_parse(self):
        for script in ("setup", "quickstart", "test", "check", "fresh", "arm-gate"):
            self.assertEqual(run("bash", "-n", lint.ROOT / "scripts" / script).returncode, 0, script)
        self.assertEqual(run("bash", "-n", lint.ROOT / ".ci/run").returncode, 0)


if __name__ == "__main__":
    unittest.main()
