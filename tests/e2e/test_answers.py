"""What the sender does with each answer: the table of remote-write answers, row by row."""
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.receiver import Answer

HTML = "<html><body>Please log in</body></html>"


class Answers(Case):
    def start(self, script, series: int = 20, **settings):
        self.receiver_ = self.receiver(script)
        self.exporter_ = self.exporter(lambda n: pages.gauges(series, n))
        self.settings = config([job("a", self.exporter_.address)],
                               [endpoint(self.receiver_.url, name="central", **settings)])
        return self.agent(self.settings)

    def finish(self, agent, lost: int = 0):
        """Everything stored has arrived (but what is lost), in order, each sample once."""
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual(lost, ledger.lost)
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)
        self.assertEqual(len(self.receiver_.samples(name="up")), 1)
        return ledger

    def test_hold_until_a_reload(self):
        """401, 403, 404, a redirect nobody may follow, and a proxy's 400: nothing is dropped."""
        answers = (Answer(401), Answer(403), Answer(404),
                   Answer(301, headers={"Location": "http://127.0.0.1:1/"}),
                   Answer(400, HTML, "text/html"),
                   Answer(200, HTML, "text/html", store=False))  # a captive portal
        for answer in answers:
            with self.subTest(answer.status):
                agent = self.start(lambda n, request: answer)
                self.wait(lambda: self.receiver_.count() > 0, "the first request")
                have = self.exporter_.count()
                self.wait(lambda: self.exporter_.count() >= have + 4, "scrapes that go on")
                ledger = agent.ledger("central")
                ledger.check()
                self.assertEqual((0, 0, 0),
                                 (ledger.lost, ledger.acknowledged, ledger.unconfirmed))
                self.assertEqual(200, self.ready(agent))
                self.receiver_.script = None
                agent.reload()  # a held endpoint probes at once
                self.wait(lambda: agent.ledger("central").acknowledged > 0, "the probe")
                self.finish(agent)
                self.assertEqual(0, self.receiver_.repeated)

    def ready(self, agent) -> int:
        agent.wait_ready()
        return 200

    def test_server_errors_and_throttling_are_retried(self):
        """503, 500, 408 and 429 with and without Retry-After: the same samples come again."""
        script = [Answer(503), Answer(500, "oops\n"), Answer(429, headers={"Retry-After": "1"}),
                  Answer(408), Answer(503, headers={"Retry-After": "1"}), Answer(502, HTML,
                                                                                "text/html")]
        agent = self.start(lambda n, request: script[n] if n < len(script) else None)
        self.wait(lambda: self.receiver_.count() > len(script) + 1, "retries")
        requests = self.receiver_.seen()
        first = {labels: samples[0] for labels, samples in requests[0].series}
        for request in requests[:len(script) + 1]:
            again = {labels: samples[0] for labels, samples in request.series}
            self.assertEqual(first, {k: again.get(k) for k in first})
        for n in (2, 4):  # the receiver's wish, not ours: not before
            self.assertGreater(requests[n + 1].time - requests[n].time, 0.95)
        self.finish(agent)

    def test_connection_cut(self):
        agent = self.start(lambda n, request: Answer(reset=True, store=False) if n < 3 else None)
        self.wait(lambda: self.receiver_.count() > 4, "retries")
        self.finish(agent)

    def test_repeat_of_a_request_that_was_taken(self):
        """Stored, but the answer got lost: the repeat is refused, and that is not a loss."""
        def script(n, request):
            if n == 0:
                return Answer(reset=True, store=True)
            return Answer(409, "out of order sample\n", store=False) if n == 1 else None
        agent = self.start(script)
        self.wait(lambda: agent.ledger("central").acknowledged > 0, "batches after it")
        ledger = self.finish(agent)
        self.assertGreater(ledger.unconfirmed, 0)
        # What was settled is there; what was scraped since the ledger was read as well.
        self.assertLessEqual(ledger.acknowledged + ledger.unconfirmed, self.receiver_.total())

    def test_413_splits(self):
        limit = 1500
        agent = self.start(lambda n, request: Answer(413, HTML, "text/html")
                           if request.size > limit else None, series=300)
        self.wait(lambda: agent.ledger("central").acknowledged > 1000, "smaller requests")
        # The smaller bound is remembered.
        have = self.receiver_.count()
        self.wait(lambda: self.receiver_.count() >= have + 6, "further requests")
        late = [r.answer.status for r in self.receiver_.seen()[have:]]
        self.assertLess(late.count(413), len(late) / 2)
        self.finish(agent)

    def refused(self, status: int):
        """Requests with one poisoned series are refused; all the others arrive."""
        def script(n, request):
            poisoned = any(("index", "7") in labels for labels, _ in request.series)
            return Answer(status, "invalid sample\n") if poisoned else None
        agent = self.start(script)
        self.wait(lambda: agent.ledger("central").lost > 0
                  and agent.ledger("central").acknowledged > 0, "the refusal to be settled")
        self.wait(lambda: len(self.receiver_.samples(name="test_gauge")) == 19, "the others")
        agent.wait_drained("central")
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)
        others = self.receiver_.samples(name="test_gauge")
        ticks = {t for s in self.receiver_.samples(name="up").values() for t in s}
        for labels, samples in others.items():
            self.assertEqual(ticks, set(samples), labels)
        self.assertIn("invalid sample", agent.process.log())

    def test_400_is_halved(self):
        self.refused(400)

    def test_422_is_halved(self):
        self.refused(422)

    def test_409_is_halved(self):
        self.refused(409)

    def test_redirect_that_keeps_the_method(self):
        target = self.receiver()
        agent = self.start(lambda n, request: Answer(
            308, headers={"Location": target.url}, store=False))
        self.wait(lambda: target.samples(name="test_gauge"), "samples behind the redirect")
        ledger = agent.wait_drained("central")
        self.assertEqual(0, ledger.lost)
        self.assertEqual([], target.faults)
        self.assertEqual(0, agent.stop())

    def test_two_endpoints_do_not_hold_each_other(self):
        down = self.receiver(lambda n, request: Answer(503))
        up = self.receiver()
        exporter = self.exporter(lambda n: pages.gauges(5, n))
        agent = self.agent(config([job("a", exporter.address)],
                                  [endpoint(down.url, name="down"), endpoint(up.url, name="up")]))
        self.wait(lambda: agent.ledger("up").acknowledged > 50, "the endpoint that is up")
        ledger = agent.ledger("down")
        ledger.check()
        self.assertEqual(0, ledger.acknowledged)
        self.assertGreater(ledger.pending, 50)
        down.script = None
        agent.wait_drained("down")
        self.assertEqual(0, agent.stop())
        self.assertEqual(up.samples().keys(), down.samples().keys())

    def test_write_relabeling_is_counted_as_filtered(self):
        agent = self.start(None, write_relabel_configs=[
            {"source_labels": ["index"], "regex": "1.*", "action": "drop"}])
        self.wait(lambda: self.receiver_.samples(name="test_gauge"), "samples")
        ledger = self.finish(agent)
        self.assertGreater(ledger.filtered, 0)
        self.assertEqual(9, len(self.receiver_.samples(name="test_gauge")))


if __name__ == "__main__":
    unittest.main()
