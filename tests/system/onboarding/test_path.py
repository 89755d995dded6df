# SPDX-License-Identifier: Apache-2.0
"""The whole path with real programs, and what happens when one of them dies or is away in the middle of it."""
import threading
import unittest

import common
import proxies
from common import until
from harness import MODELS


class Path(common.WorldTest):
    """Firmware is part of every onboarding here: two models, two bundles, one release each."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.releases = {}
        for i, model in enumerate(MODELS):
            cls.releases[model] = cls.world.release(model, "2.0.0", 2)
            cls.world.profile(model, {"interval": 5 + i, "site": model}, cls.releases[model])

    def test_1_devices_onboard_update_and_are_heard(self):
        devices = self.owned_and_claimed(4)
        listener = self.reading()
        for device in devices:
            device.start("--telemetry-interval", "200", once=False)
        heard = self.hear_firmware(listener, len(devices), "2.0.0")
        bundles = {}
        for device in devices:
            claim = self.onboarded_once(device)
            self.assertIn(claim["member_id"], heard)
            self.assertEqual(device.status()["firmware"], "2.0.0")
            until(lambda d=device: d.status()["rollback_counter"] == 2, "the rollback counter to rise")
            self.assertEqual(self.world.why(device.serial)["facts"]["hardware"]["serial"], device.serial)
            bundles.setdefault(claim["model"], []).append(device.serial)
        self.assertEqual(sorted(len(v) for v in bundles.values()), [2, 2])

    def test_2_killed_in_every_exchange(self):
        """kill -9 before a request leaves and after its answer was given away, for each request of the path.

        Guard: every state is saved before its message is sent (device-wallet/core: StartSession, EndProof...); without
        one of these saves the restarted device starts a second session and the owner holds it as a clone.
        """
        model = MODELS[0]
        for kind in ("lost request", "lost answer"):
            devices = self.owned_and_claimed(11, model)
            for number, device in enumerate(devices, 1):
                with self.subTest(kind=kind, exchange=number):
                    if not self._kill_at(device, number, kind):
                        self.assertGreaterEqual(number, 9, "the path got shorter: is everything still in it?")
                        break

    def _kill_at(self, device, number, kind):
        """False when the path has fewer exchanges."""
        lock, count, shot = threading.Lock(), [0], threading.Event()

        def hook(exchange):
            if exchange.path.startswith(("/v1/r0", "/didcomm", "/pack/", "/fw/")) and \
                    not (exchange.path == "/v1/r0" and len(exchange.body) > 5000):
                with lock:
                    count[0] += 1
                    mine = count[0] == number and not shot.is_set()
                if mine:
                    if kind == "lost answer":
                        exchange.forward()
                    shot.set()
                    device.kill()
                    raise proxies.Drop
            return exchange.forward()

        self.world.line.hook = self.world.registry_line.hook = hook
        device.start()
        until(lambda: shot.is_set() or not device.alive(), lambda: "an end of " + device.serial)
        reached = shot.is_set()
        self.setUp()
        if reached:
            device.run_.wait(30)
            device.start()
        device.finish()
        claim = self.onboarded_once(device)
        # A boot of an image on trial that is cut off counts as a failed trial: back to the old image, and the owner knows.
        running = device.status()["firmware"]
        self.assertTrue(running == "2.0.0" or (running == "1.0.0" and "reverted" in claim["problem"]), claim)
        return reached

    def test_3_killed_at_every_event(self):
        """Four devices at once, each killed the first time that it says each of its steps."""
        devices = self.owned_and_claimed(4)

        def run(device):
            steps = set()

            def at_event(event, process):
                step = (event["event"], event.get("step") or event.get("text"))
                if event["event"] in ("step", "onboarded", "firmware", "telemetry") and step not in steps:
                    steps.add(step)
                    process.kill()

            for _ in range(60):
                device.start(on_event=at_event)
                if device.run_.wait(60) == 0:
                    break
            device.killed_at = steps

        threads = [threading.Thread(target=run, args=(device,)) for device in devices]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        for device in devices:
            self.assertEqual(device.run_.returncode, 0, device.log()[-1500:])
            self.assertGreaterEqual(len(device.killed_at), 8, device.killed_at)
            self.onboarded_once(device)

    def _kill_service(self, service, start, line, wanted):
        """Kills a service when it has answered the n-th request, for each of the first `wanted` requests."""
        devices = self.owned_and_claimed(wanted)
        for number, device in enumerate(devices, 1):
            with self.subTest(service=service.name, exchange=number):
                lock, count, shot = threading.Lock(), [0], threading.Event()

                def hook(exchange):
                    answer = exchange.forward()
                    with lock:
                        count[0] += 1
                        mine = count[0] == number and not shot.is_set()
                        if mine:
                            shot.set()
                    if mine:
                        service.kill()
                        raise proxies.Drop
                    return answer

                line.hook = hook
                device.start()
                until(lambda: (shot.is_set() and service.process.poll() is not None) or not device.alive(), "the kill")
                if not shot.is_set():
                    break
                device.await_event(event="waiting")
                line.hook = None
                start()
                device.finish()
                self.onboarded_once(device)

    def test_4_verifier_killed(self):
        self._kill_service(self.world.verifier, self.world.start_verifier, self.world.line, 8)

    def test_5_registry_killed(self):
        self._kill_service(self.world.registry, self.world.start_registry, self.world.registry_line, 3)

    def test_6_services_away(self):
        """The device waits, says for what, and goes on when they are back."""
        for what, line, words in (("registry", self.world.registry_line, "registry"),
                                  ("verifier", self.world.line, "owner")):
            with self.subTest(away=what):
                device, = self.owned_and_claimed(1)
                upstream, line.upstream = line.upstream, None
                device.start()
                until(lambda: len(device.seen(event="waiting")) >= 2, "two waits")
                self.assertIn("device.waiting", device.log())
                self.assertIn(words, device.seen(event="waiting")[0]["text"])
                self.assertTrue(device.alive())
                line.upstream = upstream
                device.finish()
                self.onboarded_once(device)
        with self.subTest(away="broker"):
            device, = self.owned_and_claimed(1)
            self.world.broker_tap.open = False
            device.start()
            device.await_event(event="waiting", text="broker")
            self.assertEqual(self.world.claimed(device.serial)["state"], "onboarded")
            self.world.broker_tap.open = True
            device.finish()
            self.onboarded_once(device)


if __name__ == "__main__":
    common.main()
