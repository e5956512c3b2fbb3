"""Twenty targets of all kinds at once, with a reload and a slow receiver: what runs under the
thread sanitizer too. Everything stored arrives, and no target delays another."""
import copy
import unittest

from harness import messages, pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.exporter import Page
from harness.receiver import Answer

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}


class ManyTargets(Case):
    def pages(self) -> dict:
        """Path → page: ten good ones, five that change, five bad ones."""
        ksm = pages.KubeStateMetrics(2500, churn=3)
        out = {f"/good/{i}": lambda n, i=i: Page(pages.gauges(30 + i, n), compress=i % 2 == 0)
               for i in range(9)}
        out["/good/9"] = lambda n: Page(ksm.page(n), compress=True)
        for i in range(5):
            out[f"/churn/{i}"] = lambda n, i=i: "".join(
                f'c{{index="{k}"}} {n}\n' for k in range(60) if (k + n + i) % 4)
        out["/bad/0"] = lambda n: Page("a 1\n", delay=600)
        out["/bad/1"] = lambda n: Page("a 1\n" * 1000, cut_at=100)
        out["/bad/2"] = lambda n: Page("a{ 1\n")
        out["/bad/3"] = lambda n: Page("a 1\n", status=503)
        out["/bad/4"] = lambda n: Page("a 1\n" if n % 2 else "b 2\nz{\n")
        return out

    def test_twenty_targets(self):
        receiver = self.receiver(lambda n, request: Answer(503) if n % 5 == 3
                                 else Answer(delay=0.1))
        exporter = self.exporter(self.pages())
        recorder = self.recorder(exporter.address)
        jobs = [job(path[1:].replace("/", "-"),
                    recorder.address if path.startswith(("/good", "/churn")) else exporter.address,
                    metrics_path=path) for path in self.pages()]
        settings = config(jobs, [endpoint(receiver.url, name="central")], "2s")
        agent = self.agent(settings)
        good = [p for p in self.pages() if p.startswith(("/good", "/churn"))]

        def scraped(times):
            counts = {}
            for scrape in recorder.recorded():
                counts[scrape.path] = counts.get(scrape.path, 0) + 1
            return all(counts.get(path, 0) >= times for path in good)
        self.wait(lambda: scraped(3), "three scrapes of each", 120)
        changed = copy.deepcopy(settings)
        changed["scrape_configs"][0]["sample_limit"] = 100000  # keeps its series
        changed["remote_write"][0]["headers"] = {"X-Site": "here"}
        agent.write(changed)
        agent.reload()
        self.wait(lambda: scraped(8), "eight scrapes of each", 120)
        agent.metrics()
        self.assertEqual(20, len(agent.api("targets")["activeTargets"]))
        receiver.script = None
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(receiver)
        self.check(receiver, recorder, good)
        for i in range(4):
            (up,) = receiver.samples(name="up", job=f"bad-{i}").values()
            self.assertEqual({0}, set(up.values()))
        (up,) = receiver.samples(name="up", job="bad-4").values()
        self.assertEqual({0, messages.bits_of(1)}, set(up.values()))

    def check(self, receiver, recorder, good) -> None:
        whole = recorder.recorded()
        for path in good:
            recorder.scrapes = [s for s in whole if s.path == path]
            name = path[1:].replace("/", "-")
            found = receiver.samples(job=name)
            expected, missing = self.expected(
                recorder, {"job": name, "instance": recorder.address}, EXTERNAL, found, 2000)
            self.assertLessEqual(len(missing), 1, path)  # under way at the end
            self.assert_holds(expected, found)


if __name__ == "__main__":
    unittest.main()
