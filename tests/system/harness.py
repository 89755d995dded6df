# SPDX-License-Identifier: Apache-2.0
"""Starts Keel's real programs on loopback, each with a data folder of its own, and stops what it started.

Tests wait for conditions with deadlines (until), never for a while. Between the programs stand recording proxies
(proxies.py): registry, issuer and verifier are known to everybody by their proxy's URL, so a test can cut a line, lie on
it, or kill a device in the middle of an exchange. The programs come from KEEL_BIN, the broker plugin from KEEL_PLUGIN.
"""
import getpass
import json
import os
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time

import proxies

BIN = os.environ.get("KEEL_BIN", "build/dev/bin")
PLUGIN = os.environ.get("KEEL_PLUGIN", os.path.join(os.path.dirname(BIN), "lib", "keel-broker.so"))
PATIENCE = float(os.environ.get("KEEL_PATIENCE", "60"))  # seconds that a condition may take on a busy machine
MODELS = ("keel-sensor-1", "keel-gateway-2")
COLUMNS = "serial,model,microcontroller,operating system,secure hardware,hardware revision,memory,time zone"


def until(condition, what, seconds=None):
    """The condition's first true value; AssertionError with `what` when none came in time."""
    limit = time.monotonic() + (seconds or PATIENCE)
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > limit:
            raise AssertionError("waited in vain for " + (what() if callable(what) else what))
        time.sleep(0.02)  # lint-allow: sleep between two looks at the condition


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Answer:
    """What a command said."""

    def __init__(self, code, out, err):
        self.code, self.out, self.err = code, out, err
        try:
            self.json = json.loads(out) if out.strip() else None
        except ValueError:
            self.json = None

    @property
    def text(self):
        return self.out + self.err


class Service:
    """A long-running program with --ready-fd; its log goes to a file."""

    def __init__(self, world, name, argv, env=None):
        self.name, self.log_path = name, os.path.join(world.dir, name + ".log")
        self.argv, self.env, self.process, self.ready = argv, dict(os.environ, **(env or {})), None, {}
        world.services.append(self)

    def start(self):
        read, write = os.pipe()
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.argv + ["--ready-fd", str(write)], pass_fds=[write], stdout=log,
                                            stderr=log, stdin=subprocess.DEVNULL, env=self.env)
        os.close(write)
        line = b""
        with os.fdopen(read, "rb") as pipe:
            line = pipe.readline()  # end of file when it dies
        if not line:
            raise AssertionError(f"{self.name} did not start: {self.log()[-2000:]}")
        self.ready = json.loads(line)
        return self

    def log(self):
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def kill(self, how=signal.SIGKILL):
        if self.process and self.process.poll() is None:
            self.process.send_signal(how)
            self.process.wait(PATIENCE)

    def stop(self):
        self.kill(signal.SIGTERM)


class Device:
    """A device's folder, and the program on it."""

    def __init__(self, world, serial, folder):
        self.world, self.serial, self.folder, self.run_ = world, serial, folder, None
        self.events, self.changed = [], threading.Condition()
        self.log_path = folder.rstrip("/") + ".log"

    def start(self, *more, once=True, on_event=None, backoff=(100, 400)):
        read, write = os.pipe()
        argv = [BIN + "/keel-device", "run", "--data", self.folder, "--events-fd", str(write), "--backoff-min",
                str(backoff[0]), "--backoff-max", str(backoff[1]), *more] + (["--once"] if once else [])
        with open(self.log_path, "ab") as log:
            process = subprocess.Popen(argv, pass_fds=[write], stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        os.close(write)
        self.run_ = process
        self.world.devices_running.append(process)
        threading.Thread(target=self._read, args=(read, process, on_event), daemon=True).start()
        return self

    def _read(self, fd, process, on_event):
        with os.fdopen(fd, "rb") as pipe:
            for line in pipe:
                try:
                    event = json.loads(line)
                except ValueError:
                    continue  # cut off by a kill
                if on_event:
                    on_event(event, process)
                with self.changed:
                    self.events.append(event)
                    self.changed.notify_all()
        with self.changed:
            self.changed.notify_all()

    def seen(self, **wanted):
        with self.changed:
            return [e for e in self.events
                    if all(str(v) in str(e.get(k, "")) if k in ("text", "code") else e.get(k) == v
                           for k, v in wanted.items())]

    def await_event(self, seconds=None, **wanted):
        return until(lambda: self.seen(**wanted), lambda: f"{wanted} of {self.serial}; its log ends: {self.log()[-1500:]}",
                     seconds)

    def alive(self):
        return self.run_ is not None and self.run_.poll() is None

    def kill(self, how=signal.SIGKILL):
        if self.alive():
            self.run_.send_signal(how)
        if self.run_:
            self.run_.wait(PATIENCE)

    def finish(self, seconds=None):
        """Waits until `--once` is fulfilled."""
        try:
            code = self.run_.wait(seconds or PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.serial} did not finish: {self.log()[-2500:]}") from None
        if code != 0:
            raise AssertionError(f"{self.serial} ended with {code}: {self.log()[-2500:]}")
        return self

    def log(self):
        if not os.path.exists(self.log_path):
            return ""
        with open(self.log_path, encoding="utf-8", errors="replace") as f:
            return f.read()

    def status(self):
        return self.world.keel("device", "status", "--json", data=self.folder).json

    def copy(self, name):
        """The same flash a second time."""
        folder = os.path.join(self.world.dir, "copies", name)
        copy_folder(self.folder, folder)
        return Device(self.world, self.serial, folder)


def copy_folder(source, target):
    """A copy without sockets and locks, as a thief or a backup makes it."""
    def skip(folder, names):
        return [n for n in names if not (os.path.isfile(p := os.path.join(folder, n)) or os.path.isdir(p))
                or n in ("LOCK", "lock", ".lock")]
    shutil.copytree(source, target, ignore=skip)


class World:
    """Registry, issuer, distributor, owner's verifier, broker; devices by name of who holds them."""

    def __init__(self, broker=True, issuer_config=""):
        self.dir = tempfile.mkdtemp(prefix="keel-system-")
        self.services, self.devices_running, self.taps, self.devices, self.packages = [], [], [], {}, 0
        self.dids = {}
        try:
            self._start(broker, issuer_config)
        except BaseException:
            self.close()
            raise

    def close(self):
        for process in self.devices_running:
            if process.poll() is None:
                process.kill()
                process.wait()
        for service in reversed(self.services):
            service.kill(signal.SIGTERM if service.name != "broker" else signal.SIGKILL)
        for tap in self.taps:
            tap.close()
        if os.environ.get("KEEL_KEEP"):
            print("kept: " + self.dir)
        else:
            shutil.rmtree(self.dir, ignore_errors=True)

    def path(self, *names):
        return os.path.join(self.dir, *names)

    def http_proxy(self):
        self.taps.append(proxies.HttpProxy())
        return self.taps[-1]

    # Commands ---------------------------------------------------------------------------------------------------------
    def keel(self, program, *args, data=None, seconds=120):
        argv = [f"{BIN}/keel-{program}", *map(str, args)]
        if data is not None:
            argv += ["--data", data if data.startswith("/") else self.path(data)]
        done = subprocess.run(argv, capture_output=True, timeout=seconds, cwd=self.dir, stdin=subprocess.DEVNULL)
        return Answer(done.returncode, done.stdout.decode(errors="replace"), done.stderr.decode(errors="replace"))

    def tool(self, *argv, stdin=b"", seconds=60):
        """Octets that a program of BIN writes for these on its standard input: the toolbox, and keel-mallory."""
        done = subprocess.run([f"{BIN}/{argv[0]}", *map(str, argv[1:])], input=stdin, capture_output=True,
                              timeout=seconds, cwd=self.dir)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(map(str, argv))}: {done.returncode}: {done.stderr.decode(errors='replace')}")
        return done.stdout

    def must(self, program, *args, data=None):
        answer = self.keel(program, *args, data=data)
        if answer.code != 0:
            raise AssertionError(f"keel-{program} {' '.join(map(str, args))}: {answer.code}: {answer.text}")
        return answer

    def did_of(self, role):
        with open(self.path(role, "identity.json"), encoding="utf-8") as f:
            return json.load(f)["did"]

    # Parts ------------------------------------------------------------------------------------------------------------
    def _start(self, broker, issuer_config):
        self.registry_line, self.issuer_line, self.line = self.http_proxy(), self.http_proxy(), self.http_proxy()
        self.must("registry", "init", "--label", "demo", "--listen", "127.0.0.1:0", "--public-url",
                  self.registry_line.url, "--unprotected-keys", data="reg")
        self.registry = Service(self, "registry", [BIN + "/keel-registry", "serve", "--data", self.path("reg"),
                                                   "--listen", "127.0.0.1:0"], {"KEEL_QUOTA_ADDRESS_SPENDS": "100000"})
        self.start_registry()
        self.must("registry", "descriptor", "-o", self.path("net.keel"), data="reg")
        net = ("--registry", self.path("net.keel"))
        self.must("issuer", "init", *net, "--name", "Maker GmbH", "--vendor", "maker.example", "--unprotected-keys",
                  "--listen", "127.0.0.1:0", "--public-url", self.issuer_line.url, data="maker")
        if issuer_config:
            self.set_config("maker/issuer.toml", issuer_config)
        self.must("registry", "sponsor", "add", "--identity", self.path("maker", "identity.json"), data="reg")
        self.issuer = Service(self, "issuer", [BIN + "/keel-issuer", "serve", "--data", self.path("maker")])
        self.start_issuer()
        self.must("ownership", "init", *net, "--unprotected-keys", data="dist")
        self.must("verifier", "init", *net, "--listen", "127.0.0.1:0", "--public-url", self.line.url, "--unprotected-keys",
                  data="owner")
        for role in ("dist", "owner"):
            self.must("registry", "sponsor", "add", "--identity", self.path(role, "identity.json"), data="reg")
        self.verifier = Service(self, "owner", [BIN + "/keel-verifier", "serve", "--data", self.path("owner")])
        self.start_verifier()
        until(lambda: self.keel("issuer", "doctor", data="maker").code == 0, "the issuer's doctor")
        if broker:
            self.start_broker()

    def set_config(self, file, text):
        """Replaces settings (`name = value` lines) of a TOML file."""
        with open(self.path(file), encoding="utf-8") as f:
            lines = f.read().splitlines()
        names = [line.split("=")[0].strip() for line in text.splitlines()]
        kept = [line for line in lines if line.split("=")[0].strip() not in names]
        with open(self.path(file), "w", encoding="utf-8") as f:
            f.write("\n".join(text.splitlines() + kept) + "\n")

    def start_registry(self):
        self.registry_line.upstream = self.registry.start().ready["url"]

    def start_issuer(self):
        self.issuer.start()
        with open(self.path("maker", "port"), encoding="utf-8") as f:
            self.issuer_line.upstream = "http://127.0.0.1:" + f.read().strip()

    def start_verifier(self):
        self.verifier.start()
        self.line.upstream = "http://127.0.0.1:" + listening_port(self.verifier.process.pid)

    def start_broker(self):
        self.broker_port = free_port()
        with open(self.path("mosquitto.conf"), "w", encoding="utf-8") as f:
            f.write(f"listener {self.broker_port} 127.0.0.1\nuser {getpass.getuser()}\nallow_anonymous false\n"
                    f"plugin {PLUGIN}\nplugin_opt_members_file {self.path('owner', 'members.jsonl')}\n")
        self.broker = Broker(self)
        self.broker.start()
        self.broker_tap = proxies.Tap(self.broker_port)
        self.taps.append(self.broker_tap)
        self.must("verifier", "broker", "set", f"127.0.0.1:{self.broker_tap.port}", data="owner")

    # Devices ----------------------------------------------------------------------------------------------------------
    def manufacture(self, serials, data="maker", model=None, more=()):
        """Makes devices; gives them as a list. They are held by the maker. `more`: the station's options."""
        self.packages += 1
        csv, folder = self.path(f"devices-{self.packages}.csv"), self.path(f"devices-{self.packages}")
        with open(csv, "w", encoding="utf-8") as f:
            f.write(COLUMNS + "\n")
            for i, serial in enumerate(serials):
                f.write(f"{serial},{model or MODELS[i % 2]},STM32U5,Zephyr 3.7,none,B2,512 KiB,Europe/Vienna\n")
        answer = self.keel("issuer", "manufacture", "--csv", csv, "--devices-dir", folder, "--json", *more,
                           data=data)
        if answer.code != 0:
            raise AssertionError("manufacture: " + answer.text)
        for made in answer.json["made"]:
            self.dids[made["serial"]] = made["did"]
        return [Device(self, serial, os.path.join(folder, serial)) for serial in serials]

    def request(self, taker, count):
        self.packages += 1
        file = self.path(f"request-{self.packages}")
        self.must("ownership", "request", "--count", count, "-o", file, data=taker)
        return file

    def transfer(self, giver, request, serials, *more):
        """A package file and the command's answer."""
        self.packages += 1
        file = self.path(f"package-{self.packages}")
        which = [word for serial in serials for word in ("--serial", serial)]
        return file, self.keel("ownership", "transfer", "--request", request, *which, "-o", file, "--json", *more,
                               data=giver)

    def sell(self, giver, taker, serials, *more):
        request = self.request(taker, len(serials))
        file, answer = self.transfer(giver, request, serials, *more)
        if answer.code != 0:
            raise AssertionError(f"transfer {giver} to {taker}: {answer.text}")
        self.must("ownership", "import", file, *more, data=taker)

    def owned(self, serials, model=None):
        """Devices that went maker, distributor, owner; not claimed."""
        devices = self.manufacture(serials, model=model)
        self.sell("maker", "dist", serials)
        self.sell("dist", "owner", serials)
        return devices

    def claim(self, serials, data="owner"):
        self.must("verifier", "claim", *[w for s in serials for w in ("--serial", s)], data=data)
        self.await_published(serials, data)

    def await_published(self, serials, data="owner"):
        until(lambda: all(self.claimed(s, data)["published"] for s in serials), "published invitations")

    def claimed(self, serial, data="owner"):
        for device in self.must("verifier", "devices", "--json", data=data).json["devices"]:
            if device["serial"] == serial:
                return device
        return None

    def why(self, serial, data="owner"):
        return self.must("verifier", "why", serial, "--json", data=data).json

    def policy(self, value):
        with open(self.path("policy.json"), "w", encoding="utf-8") as f:
            json.dump(dict({"v": 1}, **value), f)
        self.must("verifier", "policy", "set", self.path("policy.json"), data="owner")

    def release(self, model, version, sequence, size=200_000):
        """Signs an image, imports it; gives its id."""
        image, folder = self.path("image"), self.path(f"release-{model}-{version}")
        with open(image, "wb") as f:
            f.write(os.urandom(size))
        self.must("issuer", "firmware", "release", "--file", image, "--model", model, "--version", version,
                  "--sequence", sequence, "-o", folder, data="maker")
        return self.must("verifier", "firmware", "import", folder, "--json", data="owner").json["id"]

    def profile(self, model, config, firmware=None):
        with open(self.path("profile.json"), "w", encoding="utf-8") as f:
            json.dump(config, f)
        self.must("verifier", "profile", "set", model, "--config", self.path("profile.json"),
                  *(["--firmware", firmware] if firmware else []), data="owner")


class Broker(Service):
    """mosquitto has no ready line: ready is when it takes connections."""

    def __init__(self, world):
        program = shutil.which("mosquitto") or "/usr/sbin/mosquitto"
        super().__init__(world, "broker", [program, "-c", world.path("mosquitto.conf")])
        self.port = world.broker_port

    def start(self):
        with open(self.log_path, "ab") as log:
            self.process = subprocess.Popen(self.argv, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        until(self._open, lambda: "the broker: " + self.log()[-800:])
        return self

    def _open(self):
        with socket.socket() as s:
            return s.connect_ex(("127.0.0.1", self.port)) == 0


def listening_port(pid):
    """The TCP port that a process listens on (its ready line names the public URL, which is the proxy's)."""
    inodes = set()
    for fd in os.listdir(f"/proc/{pid}/fd"):
        try:
            target = os.readlink(f"/proc/{pid}/fd/{fd}")
        except OSError:
            continue
        if target.startswith("socket:["):
            inodes.add(target[8:-1])
    with open(f"/proc/{pid}/net/tcp", encoding="ascii") as f:
        for line in f.readlines()[1:]:
            words = line.split()
            if words[3] == "0A" and words[9] in inodes:
                return str(int(words[1].split(":")[1], 16))
    raise AssertionError(f"process {pid} listens nowhere")
