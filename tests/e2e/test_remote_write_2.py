"""Remote Write 2.0: to a Prometheus 3 that takes nothing else, every sample bit for bit; to
receivers that do not know it, by 1.0; restarts and reloads between the two. (Kills in mid-drain:
test_backlog.)"""
import time
import unittest

from harness import messages, paths
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.pages import KubeStateMetrics
from harness.exporter import FakeExporter, Page
from harness.peers import NodeExporter, Prometheus, VictoriaMetrics
from harness.receiver import WRITTEN, Answer

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}
INTERVAL_MS = 2000
MESSAGE_1 = "prometheus.WriteRequest"
MESSAGE_2 = "io.prometheus.write.v2.Request"


def later_prometheus(folder, *accepted) -> Prometheus:
    flags = [f"--web.remote-write-receiver.accepted-protobuf-messages={m}" for m in accepted]
    return Prometheus(folder, *flags, program=paths.PEERS / "later/usr/bin/prometheus")


class RemoteWrite2(Case):
    @classmethod
    def setUpClass(cls):
        paths.fetch_peers()

    def targets(self) -> list:
        node = self.started(NodeExporter(self.work / "node"))
        ksm = KubeStateMetrics(1500, churn=2)
        # One scrape fails: then every series gets its marker.
        pages = self.stopped(FakeExporter(
            {"/metrics": lambda n: Page(ksm.page(n), compress=True,
                                        status=500 if n == 5 else 200)}))
        self.recorders = {"node-exporter": self.recorder(node.address),
                          "kube-state-metrics": self.recorder(pages.address)}
        return [job(name, recorder.address) for name, recorder in self.recorders.items()]

    def scrapes(self, more: int) -> None:
        have = {name: len(r.recorded()) for name, r in self.recorders.items()}
        self.wait(lambda: all(len(r.recorded()) >= have[name] + more
                              for name, r in self.recorders.items()), f"{more} scrapes", 180)

    def check(self, found: dict) -> None:
        expected = {}
        for name, recorder in self.recorders.items():
            labels = {"job": name, "instance": recorder.address}
            samples, missing = self.expected(recorder, labels, EXTERNAL, found, INTERVAL_MS)
            self.assertLessEqual(len(missing), 1)  # under way at the end
            expected.update(samples)
        self.assertGreater(len(expected), 1800)
        self.assertGreater(sum(messages.STALE in s.values() for s in expected.values()), 1490)
        self.assert_holds(expected, found)

    def read(self, prometheus: Prometheus) -> dict:
        now = int(time.time() * 1000)
        return prometheus.read(now - 3600_000, now + 3600_000)

    def test_every_sample_arrives(self):
        prometheus = self.started(later_prometheus(self.work / "prometheus", MESSAGE_2))
        agent = self.agent(config(
            self.targets(), [endpoint(f"{prometheus.url}/api/v1/write", name="central",
                                      protobuf_message=MESSAGE_2)], f"{INTERVAL_MS}ms"))
        self.scrapes(9)
        agent.wait_drained("central").check()
        self.assertEqual(2, agent.metrics().sum("gleaner_remote_protocol_version"))
        self.assertEqual(0, agent.metrics().sum("gleaner_remote_fallbacks_total"))
        self.assertEqual(0, agent.metrics().sum("gleaner_remote_requests_refused_total"))
        self.assertEqual(0, agent.stop())
        self.assertNotIn("endpoint=central err=", agent.process.log())
        self.check(self.read(prometheus))
        self.assertEqual(0, prometheus.own("prometheus_tsdb_out_of_order_samples_total"))

    def test_receivers_of_1_get_1(self):
        old = self.started(Prometheus(self.work / "old"))
        later = self.started(later_prometheus(self.work / "later", MESSAGE_1))
        victoria = self.started(VictoriaMetrics(self.work / "victoria"))
        exporter = self.exporter(lambda n: "".join(f'v{{i="{i}"}} {n}\n' for i in range(300)))
        ends = {"old": old, "later": later, "victoria": victoria}
        agent = self.agent(config(
            [job("a", exporter.address)],
            [endpoint(f"{peer.url}/api/v1/write", name=name, protobuf_message=MESSAGE_2)
             for name, peer in ends.items()]))
        for name in ends:
            self.wait(lambda: agent.ledger(name).acknowledged > 1500, f"{name} to have samples")
        metrics = agent.metrics()
        for name in ends:
            ledger = agent.ledger(name)
            ledger.check()
            self.assertEqual((0, 0), (ledger.lost, ledger.unconfirmed), name)
            self.assertEqual(1, metrics.sum("gleaner_remote_protocol_version", remote_name=name))
            self.assertEqual(1, metrics.sum("gleaner_remote_fallbacks_total", remote_name=name))
        self.assertEqual(0, agent.stop())
        self.assertEqual(3, agent.process.log().count("does not take Remote Write 2.0"))
        samples = [self.read(peer) for peer in (old, later)]
        for found in samples:
            series = [s for k, s in found.items() if ("__name__", "v") in k]
            self.assertEqual(300, len(series))
            # one after the other, none left out
            self.assertEqual(1, len({tuple(messages.float_of(b) for _, b in s[:-1])
                                     for s in series}))
            values = [messages.float_of(b) for _, b in series[0][:-1]]
            self.assertEqual([values[0] + i for i in range(len(values))], values)
        self.assertEqual(300, len(victoria.export('{__name__="v"}')))

    # ---- a receiver by script ----

    def pending_window(self, message: str):
        """A receiver that fails, and an agent with a window under way."""
        self.receiver_ = self.receiver(lambda n, request: Answer(503))
        self.exporter_ = self.exporter(lambda n: f"v {n}\nw {n}\n")
        agent = self.agent(self.settings(message))
        self.wait(lambda: self.receiver_.count() >= 2, "requests")
        return agent

    def settings(self, message: str) -> dict:
        return config([job("a", self.exporter_.address)],
                      [endpoint(self.receiver_.url, name="central", protobuf_message=message)])

    def versions(self) -> list:
        return [request.version for request in self.receiver_.seen()]

    def check_values(self, agent) -> None:
        agent.wait_drained("central").check()
        ledger = agent.ledger("central")
        self.assertEqual((0, 0), (ledger.lost, ledger.unconfirmed))
        self.assertEqual(0, agent.stop())
        (samples,) = self.receiver_.samples(name="v").values()
        values = [messages.float_of(b) for _, b in sorted(samples.items())
                  if b not in (messages.STALE,)]
        self.assertEqual(sorted(set(values)), values)
        self.assertEqual(0, self.receiver_.repeated)
        self.assert_no_faults(self.receiver_)

    def test_restart_between_the_two_with_a_window_pending(self):
        for first, second in ((MESSAGE_2, MESSAGE_1), (MESSAGE_1, MESSAGE_2)):
            agent = self.pending_window(first)
            self.assertEqual({2 if first == MESSAGE_2 else 1}, set(self.versions()))
            before = self.receiver_.seen()[0].series
            agent.kill()
            agent.write(self.settings(second))
            have = self.receiver_.count()
            agent.start()
            self.wait(lambda: self.receiver_.count() > have, "a request")
            # the same samples, as the other message
            again = self.receiver_.seen()[have]
            self.assertEqual(2 if second == MESSAGE_2 else 1, again.version)
            self.assertEqual(before, again.series)
            self.receiver_.script = None
            self.check_values(agent)

    def test_reload_that_changes_the_message(self):
        for first, second in ((MESSAGE_2, MESSAGE_1), (MESSAGE_1, MESSAGE_2)):
            agent = self.pending_window(first)
            agent.write(self.settings(second))
            agent.reload()
            self.wait(lambda: self.versions()[-1] == (2 if second == MESSAGE_2 else 1),
                      "the other message")
            self.assertEqual(self.receiver_.seen()[0].series, self.receiver_.seen()[-1].series)
            self.receiver_.script = None
            self.check_values(agent)
            self.assertNotIn("sending 1.0", agent.process.log())

    def test_receiver_that_takes_it_and_keeps_nothing(self):
        """As Thanos 0.41; it is asked again after a reload, and then it is another one."""
        self.receiver_ = self.receiver()
        self.receiver_.only_1 = True
        self.exporter_ = self.exporter(lambda n: f"v {n}\n")
        agent = self.agent(self.settings(MESSAGE_2))
        self.wait(lambda: self.receiver_.total() > 20, "samples")
        self.assertEqual(1, self.versions().count(2))
        self.receiver_.only_1 = False
        have = self.receiver_.count()
        agent.reload()
        self.wait(lambda: self.receiver_.count() >= have + 3, "more requests")
        self.assertEqual({2}, set(self.versions()[have + 1:]))
        self.check_values(agent)
        self.assertEqual(1, agent.process.log().count("sending 1.0"))
        self.assertEqual(1, agent.process.log().count("the receiver takes Remote Write 2.0"))

    def test_some_of_a_request_is_written(self):
        """The receiver says how many: so many are lost, none is sent again."""
        def script(n, request):
            if n != 1:
                return None
            return Answer(400, "out of bounds\n", headers={WRITTEN: str(request.samples - 3)},
                          store=True)
        self.receiver_ = self.receiver(script)
        self.exporter_ = self.exporter(lambda n: "".join(f'v{{i="{i}"}} {n}\n' for i in range(50)))
        agent = self.agent(self.settings(MESSAGE_2))
        self.wait(lambda: self.receiver_.count() >= 4, "requests")
        ledger = agent.wait_drained("central")
        ledger.check()
        self.assertEqual((3, 0), (ledger.lost, ledger.unconfirmed))
        self.assertEqual({2}, set(self.versions()))
        self.assertEqual(0, agent.stop())
        self.assertEqual(0, self.receiver_.repeated)
        self.assertIn("it took", agent.process.log())


if __name__ == "__main__":
    unittest.main()
