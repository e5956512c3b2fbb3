"""Targets and receivers that say what no HTTP server would: each costs itself alone. The good ones
beside them lose nothing, and the memory stays where it was."""
import gzip
import re
import unittest
import zlib

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.paths import GLEANER
from harness.wire import WireServer

SANITIZED = re.search(rb"__[at]san_init", GLEANER.read_bytes()) is not None
OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain; version=0.0.4\r\n"
LINE = b"a_metric 1\n"
BOUND = 16 << 20  # what the misbehaving may cost, all at once


def bomb() -> bytes:
    """A gigabyte of one line again and again, as gzip: a megabyte."""
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = LINE * 95325
    return b"".join([packer.compress(block) for _ in range(1000)]) + packer.flush()


def answering(*parts, after=None):
    """A target that reads a request, sends these bytes and then does `after`."""
    def talk(wire):
        if wire.request():
            for part in parts:
                wire.send(part)
            if after is not None:
                after(wire)
    return talk


def flooding(head: bytes, data: bytes):
    return answering(head, after=lambda wire: wire.flood(data))


def dripping(data: bytes):
    return answering(after=lambda wire: wire.drip(data))


def hold(wire):
    wire.hold()


def endless_redirects(wire):
    while wire.request():
        wire.send(b"HTTP/1.1 302 Found\r\nLocation: /metrics\r\nContent-Length: 0\r\n\r\n")


TARGETS = {
    "silent": hold,
    "silent_after_the_request": answering(after=hold),
    "hangs_up": lambda wire: None,
    "hangs_up_after_the_request": answering(),
    "reset": lambda wire: wire.reset(),
    "reset_in_the_body": answering(OK + b"Content-Length: 100\r\n\r\n" + LINE,
                                   after=lambda wire: wire.reset()),
    "endless_status": flooding(b"HTTP/1.1 200 ", b"O"),
    "endless_head": flooding(OK, b"X-More: and more\r\n"),
    "endless_header": flooding(OK + b"X-More: ", b"m"),
    "endless_continue": flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless_body": flooding(OK + b"\r\n", b"# nothing but comments\n"),
    "endless_line": flooding(OK + b"\r\n", b"x"),
    "endless_labels": flooding(OK + b"\r\na{", b'l="v",'),
    "endless_value": flooding(OK + b'\r\na{l="', b"v"),
    "endless_number": flooding(OK + b"\r\na ", b"1"),
    "endless_blanks": flooding(OK + b"\r\na ", b" "),
    "endless_empty_lines": flooding(OK + b"\r\n", b"\n"),
    "endless_metadata": flooding(OK + b"\r\n# HELP a ", b"h"),
    "endless_trailers": flooding(OK + b"Transfer-Encoding: chunked\r\n\r\n0\r\n", b"X-T: t\r\n"),
    "endless_chunk_size": flooding(OK + b"Transfer-Encoding: chunked\r\n\r\n", b"0"),
    "endless_chunk_extension": flooding(OK + b"Transfer-Encoding: chunked\r\n\r\n1;", b"x"),
    "endless_redirects": endless_redirects,
    "drips_its_head": dripping(OK + b"Content-Length: 11\r\n\r\n" + LINE),
    "drips_its_body": answering(OK + b"Content-Length: 1100\r\n\r\n",
                                after=lambda wire: wire.drip(LINE * 100)),
    "too_long": answering(OK + b"Content-Length: 99999999999999999999999\r\n\r\n" + LINE, after=hold),
    "negative_length": answering(OK + b"Content-Length: -1\r\n\r\n" + LINE),
    "two_lengths": answering(OK + b"Content-Length: 11\r\nContent-Length: 5\r\n\r\n" + LINE),
    "less_than_its_length": answering(OK + b"Content-Length: 100\r\n\r\n" + LINE),
    "chunk_of_half_the_world": answering(
        OK + b"Transfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n" + LINE, after=hold),
    "chunk_of_no_number": answering(OK + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n" + LINE),
    "cut_in_a_chunk": answering(OK + b"Transfer-Encoding: chunked\r\n\r\n40\r\n" + LINE),
    "no_http": answering(b"SSH-2.0-OpenSSH_9.2p1\r\n"),
    "no_such_status": answering(b"HTTP/1.1 999999 ?\r\n\r\n"),
    "zeros": answering(bytes(4096)),
    "tls_alert": answering(b"\x15\x03\x03\x00\x02\x02\x28"),
    "nul_in_its_head": answering(b"HTTP/1.1 200 OK\r\nContent-\0Type: text/plain\r\n\r\n" + LINE),
    "broken_gzip": answering(OK + b"Content-Encoding: gzip\r\nContent-Length: 40\r\n\r\n",
                             gzip.compress(LINE * 50)[:20] + bytes(20)),
    "gzip_cut": answering(OK + b"Content-Encoding: gzip\r\n\r\n", gzip.compress(LINE * 50)[:20]),
}


def after_a_good_one(talk):
    """The first answer is good, and the connection is kept: it is no longer libcurl's."""
    def both(wire):
        if wire.request():
            wire.send(OK + b"Content-Length: %d\r\n\r\n" % len(LINE) + LINE)
            talk(wire)
    return both


def memory(agent) -> float:
    return agent.metrics().sum("gleaner_memory_anonymous_bytes")


class Targets(Case):
    def check(self, talks: dict, settings=None):
        good = self.exporter(lambda n: pages.gauges(100, n))
        receiver = self.receiver()
        servers = {name: self.stopped(WireServer(talk)) for name, talk in talks.items()}
        agent = self.agent(config([job("good", good.address)], [endpoint(receiver.url)]))
        self.wait(lambda: receiver.total() > 300, "the good target's samples")
        before = memory(agent)
        most = before
        agent.write(config([job("good", good.address)] +
                           [job(name, server.address) for name, server in servers.items()],
                           [endpoint(receiver.url)]))
        agent.reload()

        def seen():
            nonlocal most
            most = max(most, memory(agent))
            return [name for name, server in servers.items() if server.connections < 2]
        self.wait_for_none(seen, "targets that were not asked twice", 120)
        if not SANITIZED:  # a sanitizer's own memory is no part of the agent's
            self.assertLess(most - before, BOUND)
        targets = {t["labels"]["job"]: t for t in agent.api("targets")["activeTargets"]}
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(receiver)
        self.assertEqual("up", targets["good"]["health"], targets["good"])
        return targets

    def test_each_costs_itself_alone(self):
        bombed = bomb()
        targets = self.check({**TARGETS, "bomb": answering(
            OK + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(bombed), bombed)})
        for name, target in targets.items():
            with self.subTest(name=name):
                self.assertEqual("up" if name == "good" else "down", target["health"], target)
                self.assertEqual(name == "good", target["lastError"] == "", target)

    def test_on_a_kept_connection(self):
        self.check({name: after_a_good_one(talk) for name, talk in TARGETS.items()})


RECEIVERS = {
    "silent": hold,
    "never_reads": hold,
    "hangs_up": lambda wire: None,
    "reset": lambda wire: wire.reset(),
    "hangs_up_after_the_head": answering(),
    "endless_continue": flooding(b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
    "endless_head": flooding(b"HTTP/1.1 500 No\r\n", b"X-More: and more\r\n"),
    "endless_refusal": flooding(b"HTTP/1.1 500 No\r\n\r\n", b"because "),
    "endless_trailers": flooding(
        b"HTTP/1.1 503 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n", b"X-T: t\r\n"),
    "drips": dripping(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 100\r\n\r\n" + b"x" * 100),
    "no_http": answering(b"220 mail.example ESMTP\r\n"),
    "tls_alert": answering(b"\x15\x03\x03\x00\x02\x02\x28"),
    "waits_for_ages": answering(b"HTTP/1.1 503 No\r\nRetry-After: 99999999999999999999\r\n"
                                b"Content-Length: 0\r\n\r\n"),
    "waits_since_ages": answering(b"HTTP/1.1 429 No\r\nRetry-After: -5\r\n"
                                  b"Content-Length: 0\r\n\r\n"),
    "dates_from_nowhere": answering(b"HTTP/1.1 503 No\r\nDate: Thu, 99 Foo 99999 99:99:99 GMT\r\n"
                                    b"Retry-After: Thu, 99 Foo 99999 99:99:99 GMT\r\n"
                                    b"Content-Length: 0\r\n\r\n"),
}


class Receivers(Case):
    def test_each_holds_up_itself_alone(self):
        """What none of them took is pending for it, and for it alone; the good one has it all."""
        target = self.exporter(lambda n: pages.gauges(300, n))
        good = self.receiver()
        servers = {name: self.stopped(WireServer(talk)) for name, talk in RECEIVERS.items()}
        agent = self.agent(config(
            [job("good", target.address)],
            [endpoint(good.url, name="good")] +
            [endpoint(server.url, name=name, remote_timeout="2s")
             for name, server in servers.items()]))
        self.wait(lambda: all(s.connections for s in servers.values()) and
                  good.total() > 1200, "every one", 120)
        agent.wait_drained("good")
        for name in RECEIVERS:
            with self.subTest(name=name):
                ledger = agent.ledger(name)
                ledger.check()
                self.assertEqual((0, 0), (ledger.acknowledged, ledger.lost), str(ledger))
                self.assertGreater(ledger.pending, 600)
        if not SANITIZED:
            self.assertLess(memory(agent), 3 * BOUND)
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(good)


if __name__ == "__main__":
    unittest.main()
