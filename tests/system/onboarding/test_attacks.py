# SPDX-License-Identifier: Apache-2.0
"""Who sits on the line: replays, spliced handshakes, a lying registry, old status lists, a registry from a backup."""
import os
import shutil
import threading
import unittest
import urllib.error
import urllib.request

import common
import proxies
from common import until
from harness import copy_folder


def flipped(octets, at):
    return octets[:at] + bytes([octets[at] ^ 1]) + octets[at + 1:]


class Attacks(common.WorldTest):
    def test_1_replayed_messages(self):
        """Every message of an onboarding is sent again, twice, by somebody who recorded it: nothing changes."""
        device, = self.owned_and_claimed(1)
        self.world.line.record = []
        device.start("--contact-interval", "200", once=False)
        until(lambda: sum(e.path == "/didcomm" for e, _ in list(self.world.line.record)) >= 6, "some contacts")
        device.kill()
        recorded, self.world.line.record = self.world.line.record, None
        before = self.world.claimed(device.serial)
        for _ in range(2):
            for exchange, (status, _, answer) in recorded:
                if exchange.path == "/didcomm":
                    again = exchange.forward()
                    self.assertIn(again[0], (200, 400, 403), again)
                elif exchange.path.startswith("/pack/"):
                    self.assertIn(exchange.forward()[0], (200, 404))
        after = self.world.claimed(device.serial)
        for name in ("state", "generation", "member", "member_id", "firmware"):
            self.assertEqual(before[name], after[name], name)
        self.onboarded_once(device)
        count = len(device.events)
        device.start("--contact-interval", "200", once=False)  # the real device is not put out by it
        until(lambda: any(e.get("step") == "dormant" for e in device.events[count:]), "the next contact")

    def test_2_answers_of_another_session(self):
        """Two devices get each other's answers: M2, pack, M4, M6. Each drops it and comes through, once.

        Guards: kid, skid and `from`/`to` of the envelope, thid, the pack's own key; then nonce, aud, th of the proof.
        """
        for number, name in enumerate(("owner proof", "pack", "provision", "ack"), 1):
            with self.subTest(swapped=name):
                devices = self.owned_and_claimed(2)
                lock, turn, kept = threading.Lock(), threading.Barrier(2), {}
                self.world.line.hook = self._swapping(number, lock, turn, kept)
                for device in devices:
                    device.start()
                for device in devices:
                    device.finish()
                    self.onboarded_once(device)
                self.assertEqual(len(kept), 2, "both answers were swapped")

    @staticmethod
    def _swapping(number, lock, turn, kept):
        kinds = {1: ("/didcomm", 0), 2: ("/pack/", 0), 3: ("/didcomm", 1), 4: ("/didcomm", 2)}
        prefix, _ = kinds[number]
        rounds, state = kinds[number][1], {"seen": 0}

        def hook(exchange):
            answer = exchange.forward()
            if not exchange.path.startswith(prefix):
                return answer
            with lock:
                # Exchanges of two devices come in pairs only as long as they keep step: the barrier below makes them.
                mine = state["seen"]
                state["seen"] += 1
            if mine // 2 > rounds:
                return answer
            try:
                turn.wait(20)
                if mine // 2 < rounds:
                    return answer
                with lock:
                    kept[mine % 2] = answer
                turn.wait(20)
                return kept[1 - mine % 2]
            except threading.BrokenBarrierError:
                return answer

        return hook

    def test_3_an_old_session_again(self):
        """A device that is set back to its factory state gets the answers that an earlier session of it got."""
        device, = self.owned_and_claimed(1)
        fresh = device.copy(device.serial + "-before")
        self.world.line.record = []
        device.start()
        until(lambda: any(e.path.startswith("/pack/") for e, _ in list(self.world.line.record)), "M2 and the pack")
        device.kill()
        recorded, self.world.line.record = list(self.world.line.record), None
        queue = [answer for _, answer in recorded]

        def hook(exchange):
            return queue.pop(0) if queue else exchange.forward()

        self.world.line.hook = hook
        fresh.start()
        fresh.await_event(event="refused")
        self.assertNotIn("owner", [e.get("step") for e in fresh.events])
        self.assertNotEqual(self.world.claimed(device.serial)["state"], "onboarded")

    def test_4_lying_registry_to_the_device(self):
        """Wrong signatures, an old answer, a cut-off one, noise in front: the device refuses and asks again."""
        world = self.world
        old = []

        def first(exchange):
            answer = exchange.forward()
            if exchange.path == "/v1/r0" and answer[0] == 200:
                old.append(answer)
            return answer

        lies = {
            "time signature": lambda a: flipped(a, 40),
            "time": lambda a: flipped(a, 8),
            "cut off": lambda a: a[:60],
            "nothing": lambda a: b"",
            "garbage": lambda a: os.urandom(2000),
            "old answer": lambda a: old[0][2],
            "endless": lambda a: a + b"\x7f\x04\x00" + bytes(1024) * 200,
        }
        device, = self.owned_and_claimed(1)
        world.registry_line.hook = first
        device.start().finish()
        self.assertTrue(old)
        device, = self.owned_and_claimed(1)
        for name, lie in lies.items():
            with self.subTest(lie=name):
                def hook(exchange, lie=lie):
                    status, kind, body = exchange.forward()
                    return (status, kind, lie(body)) if exchange.path == "/v1/r0" else (status, kind, body)

                world.registry_line.hook = hook
                count = len(device.events)
                device.start()
                until(lambda: any(e["event"] == "waiting" for e in device.events[count:]), "a wait")
                self.assertNotIn("hello", [e.get("step") for e in device.events])
                device.kill()
        world.registry_line.hook = None
        device.start().finish()
        self.onboarded_once(device)

    def test_5_lying_registry_to_the_verifier(self):
        """Altered proofs, an old answer, an error page: the verifier gives no proof to a device, and says why."""
        world = self.world
        device, = self.owned_and_claimed(1)

        def lie(how):
            def hook(exchange):
                status, kind, body = exchange.forward()
                if exchange.path.startswith(("/v1/proofs", "/v1/map", "/v1/checkpoint", "/v1/did")) and status == 200:
                    return status, kind, how(body)
                return status, kind, body
            return hook

        for name, how in (("altered", lambda b: b.replace(b"A", b"B", 3) if b[:1] == b"{" else flipped(b, len(b) // 2)),
                          ("empty", lambda b: b"{}"),
                          ("an error page", lambda b: b"<html>oops</html>")):
            with self.subTest(lie=name):
                world.registry_line.hook = lie(how)
                count = len(device.events)
                device.start()
                until(lambda: any(e["event"] in ("waiting", "refused") for e in device.events[count:]), "a wait")
                self.assertEqual(world.claimed(device.serial)["state"], "claimed")
                self.assertNotIn("proof", [e.get("step") for e in device.events])
                self.assertNotEqual(world.keel("verifier", "doctor", data="owner").code, 0)
                device.kill()
        world.registry_line.hook = None
        device.start().finish()
        self.onboarded_once(device)

    def test_6_altered_pack(self):
        """One bit of each part of the pack: refused, the right one is taken afterwards."""
        device, = self.owned_and_claimed(1)
        for part in (0.02, 0.3, 0.6, 0.98):
            with self.subTest(at=part):
                def hook(exchange, part=part):
                    status, kind, body = exchange.forward()
                    if exchange.path.startswith("/pack/") and body:
                        body = flipped(body, int(len(body) * part))
                    return status, kind, body

                self.world.line.hook = hook
                count = len(device.events)
                device.start()
                until(lambda: any(e["event"] == "refused" for e in device.events[count:]), "a refusal")
                self.assertNotIn("proof", [e.get("step") for e in device.events])
                device.kill()
        self.world.line.hook = None
        device.start().finish()
        self.onboarded_once(device)

    def test_7_status_list_that_can_not_be_had_or_is_old(self):
        """Could not be checked is not good: the device waits; an old list doesn't hide a revocation.

        Guards: ListStatusChecker compares with the anchored version and fails closed.
        """
        world = self.world
        device, revoked = self.owned_and_claimed(2)
        old = {}

        def remember(exchange):
            old[exchange.path] = exchange.forward()
            return old[exchange.path]

        def away(exchange):
            raise proxies.Drop

        world.verifier.stop()  # forgets the list that it may have
        world.start_verifier()
        world.issuer_line.hook = away
        device.start()
        device.await_event(event="waiting")
        until(lambda: "could not be checked" in world.why(device.serial)["why"], "what `why` says")
        self.assertEqual(world.claimed(device.serial)["state"], "claimed")
        world.issuer_line.hook = remember
        device.finish()
        self.onboarded_once(device)

        world.must("issuer", "revoke", revoked.serial, data="maker")
        world.verifier.stop()
        world.start_verifier()
        world.issuer_line.hook = lambda exchange: old.get(exchange.path) or exchange.forward()
        revoked.start()
        revoked.await_event(event="waiting")
        until(lambda: "could not be checked" in world.why(revoked.serial)["why"], "what `why` says")
        self.assertNotEqual(world.claimed(revoked.serial)["state"], "onboarded")
        world.issuer_line.hook = None
        until(lambda: "refused: " in world.why(revoked.serial)["why"], "the verdict by the new list")
        self.assertNotEqual(world.claimed(revoked.serial)["state"], "onboarded")
        bad = [rule for rule in world.why(revoked.serial)["judgement"]["rules"] if not rule["ok"]]
        self.assertTrue(any("status" in rule["rule"] for rule in bad), bad)
        self.assertTrue(any(rule["ok"] for rule in world.why(revoked.serial)["judgement"]["rules"]))

    def test_8_registry_from_an_old_backup(self):
        """A member that is put back to an old ledger signs nothing, says so, and works again with the right one."""
        world = self.world
        world.registry.stop()
        ledger, backup, right = world.path("reg", "ledger"), world.path("backup"), world.path("right")
        copy_folder(ledger, backup)
        world.start_registry()
        device, = self.owned_and_claimed(1)
        world.registry.stop()
        shutil.move(ledger, right)
        copy_folder(backup, ledger)
        world.start_registry()
        with self.assertRaises(urllib.error.HTTPError) as ready:
            urllib.request.urlopen(world.registry_line.upstream + "/readyz", timeout=30)
        self.assertEqual(ready.exception.code, 503)
        self.assertIn("old backup", ready.exception.read().decode())
        ready.exception.close()
        device.start()
        device.await_event(event="waiting")
        self.assertNotEqual(world.claimed(device.serial)["state"], "onboarded")
        world.registry.stop()
        shutil.rmtree(ledger)
        shutil.move(right, ledger)
        world.start_registry()
        device.finish()
        self.onboarded_once(device)


if __name__ == "__main__":
    common.main()
