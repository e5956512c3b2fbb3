"""node-exporter and a 5,000-series kube-state-metrics page through nginx with TLS 1.3 into a real
Prometheus and a real VictoriaMetrics. The recording proxies are the truth."""
import math
import time
import unittest

from harness import messages, truth
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.certificates import Certificates
from harness.exporter import FakeExporter, Page
from harness.pages import KubeStateMetrics
from harness.paths import fetch_peers
from harness.peers import Nginx, NodeExporter, Prometheus, VictoriaMetrics

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}
INTERVAL_MS = 2000  # a scrape under a sanitizer beside four servers should not run into its timeout


class RealReceivers(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def start(self):
        self.prometheus = self.started(Prometheus(self.work / "prometheus"))
        self.victoria = self.started(VictoriaMetrics(self.work / "victoria"))
        certificates = Certificates(self.work / "tls")
        nginx = self.started(Nginx(self.work / "nginx",
                                   {"/prometheus": f"{self.prometheus.url}/api/v1/write",
                                    "/victoria": f"{self.victoria.url}/api/v1/write"},
                                   certificates.pair("ingress")))
        node = self.started(NodeExporter(self.work / "node"))
        ksm = KubeStateMetrics(5000, churn=2)
        # One scrape fails: then every series gets its marker.
        pages = self.stopped(FakeExporter(
            {"/metrics": lambda n: Page(ksm.page(n), compress=True,
                                        status=500 if n == 7 else 200)}))
        self.node = self.recorder(node.address)
        self.ksm = self.recorder(pages.address)
        tls = {"ca_file": str(certificates.ca)}
        return self.agent(config(
            [job("node-exporter", self.node.address), job("kube-state-metrics", self.ksm.address)],
            [endpoint(f"{nginx.url}/prometheus", name="prometheus", tls_config=tls),
             endpoint(f"{nginx.url}/victoria", name="victoria", tls_config=tls)],
            f"{INTERVAL_MS}ms"))

    def test_every_sample_arrives(self):
        agent = self.start()
        self.wait(lambda: min(len(self.node.recorded()), len(self.ksm.recorded())) >= 12,
                  "twelve scrapes of each", 180)
        for name in ("prometheus", "victoria"):
            self.wait(lambda: agent.ledger(name).acknowledged > 0, f"{name} to have samples")
            agent.ledger(name).check()
        self.assertEqual(0, agent.stop())
        self.assertNotIn("level=error", agent.process.log())

        now = int(time.time() * 1000)
        found = self.prometheus.read(now - 3600_000, now + 3600_000)
        expected = {}
        for recorder, name in ((self.node, "node-exporter"), (self.ksm, "kube-state-metrics")):
            labels = {"job": name, "instance": recorder.address}
            samples, missing = self.expected(recorder, labels, EXTERNAL, found, INTERVAL_MS)
            self.assertLessEqual(len(missing), 1)  # under way at the end
            expected.update(samples)
        self.assertGreater(len(expected), 5300)
        self.assert_holds(expected, found)
        self.assertGreater(sum(messages.STALE in s.values() for s in expected.values()), 4990)
        self.compare_victoria(expected)

    def compare_victoria(self, expected: dict) -> None:
        """To 12 digits; NaN and markers excepted (the export shows both as null)."""
        found = self.victoria.export()
        wrong = []
        for labels, samples in expected.items():
            have = dict(found.get(labels, ()))
            for time_ms, bits in samples.items():
                got = have.get(time_ms)
                if bits == truth.ANY:
                    good = isinstance(got, (int, float))
                elif bits in (messages.STALE, messages.NAN):
                    good = not isinstance(got, (int, float)) or math.isnan(got)
                else:
                    good = (isinstance(got, (int, float))
                            and math.isclose(got, messages.float_of(bits), rel_tol=5e-13))
                if not good:
                    wrong.append(f"{dict(labels)} at {time_ms}: {got!r}, not "
                                 f"{bits if bits == truth.ANY else messages.float_of(bits)!r}")
        more = set(found) - set(expected)
        self.assertEqual(([], set()), (wrong[:10], more), f"{len(wrong)} wrong")


if __name__ == "__main__":
    unittest.main()
