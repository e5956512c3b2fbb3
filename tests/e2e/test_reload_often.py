"""Reloads without end, of whatever a file may become: what stays goes on bit for bit, nothing is
left behind, and a kill in the midst of them costs what a kill always costs."""
import json
import os
import random
import shutil
import threading
import unittest

from harness import messages, pages
from harness.agent import config, endpoint, job
from harness.case import Case

EXTERNAL = {"cluster": "test", "tenant": "tenant-a"}
BAD = ("scrape_configs: [", "nonsense: 1\n", "scrape_configs:\n- job_name: kept\n- job_name: kept\n",
       "global: {scrape_interval: 5s, scrape_timeout: 10s}\n", "[]\n", "\0", "remote_write: [{}]\n",
       "scrape_config_files: [nothing.yml]\nrule_files: [x.yml]\n")


class ReloadOften(Case):
    RELOADS = 40
    KILLS = 3
    IDLE_CONNECTIONS = 16 + 4  # of targets that are gone, kept for a while: fetch.c; and of probes

    def start(self, **options):
        self.central = self.receiver()
        self.second = self.receiver()
        self.kept = self.recorder(self.exporter(lambda n: pages.gauges(20, n)).address)
        self.others = [self.exporter(lambda n, k=k: pages.gauges(5 + k, n, f"gauge_{k}"))
                       for k in range(3)]
        self.agent_ = self.agent(self.whole([], []), **options)
        return self.agent_

    def whole(self, jobs, endpoints):
        """What is never changed, and more."""
        return config([job("kept", self.kept.address), *jobs],
                      [endpoint(self.central.url, name="central"), *endpoints])

    def one_of_the_others(self, dice):
        target = dice.choice(self.others).address
        name = dice.choice(("a", "b", "c"))
        return {**job(name, target), **dice.choice((
            {}, {"scrape_interval": "2s"}, {"sample_limit": 3}, {"honor_labels": True},
            {"relabel_configs": [{"target_label": "zone", "replacement": dice.choice("xyz")}]},
            {"relabel_configs": [{"action": "drop", "source_labels": ["__address__"],
                                  "regex": ".*"}]},
            {"metric_relabel_configs": [{"action": "labeldrop", "regex": "n.*"}]},
            {"metric_relabel_configs": [{"source_labels": ["__name__"], "regex": "up|gauge_1.*",
                                         "action": "keep"}]},
            {"file_sd_configs": [{"files": ["targets-*.json"]}]},
            {"dns_sd_configs": [{"names": ["localhost"], "type": "A", "port": 9}]},
            {"http_sd_configs": [{"url": f"http://{target}/metrics"}]}))}

    def any_settings(self, dice):
        if dice.random() < 0.2:
            return dice.choice(BAD)
        jobs = {j["job_name"]: j for j in (self.one_of_the_others(dice)
                                           for _ in range(dice.randrange(4)))}
        queue = dice.choice(({}, {"max_samples_per_send": 50}, {"batch_send_deadline": "1s"}))
        more = dice.choice(({}, {"headers": {"X-Site": dice.choice("xy")}}, {"queue_config": queue},
                            {"write_relabel_configs": [{"target_label": "w",
                                                        "replacement": dice.choice("xy")}]}))
        second = endpoint(self.second.url, name="second", **more)
        return self.whole(list(jobs.values()), [second] * dice.randrange(2))

    def put(self, settings) -> None:
        """As editors and kubelets do: half a file may well be a whole one with fewer jobs."""
        path = self.agent_.config_path
        new = path.with_suffix(".new")
        new.write_text(settings if isinstance(settings, str) else json.dumps(settings))
        os.replace(new, path)

    def open_files(self) -> int:
        return len(os.listdir(f"/proc/{self.agent_.process.child.pid}/fd"))

    def settle(self, settings):
        """This file holds; all before it are done with."""
        before = self.agent_.metrics().value(
            "prometheus_config_last_reload_success_timestamp_seconds")
        self.put(settings)
        self.agent_.reload()
        self.wait(lambda: self.agent_.metrics().value(
            "prometheus_config_last_reload_success_timestamp_seconds") > before, "the reload")
        self.wait(lambda: [t["labels"]["job"] for t in self.agent_.api("targets")["activeTargets"]]
                  == ["kept"], "the other jobs to go")

    def missing(self):
        """Recorded scrapes of the kept target that the receiver does not have."""
        found = self.central.samples(job="kept")
        expected, missing = self.expected(self.kept, {"job": "kept", "instance": self.kept.address},
                                          EXTERNAL, found)
        self.assert_holds(expected, found)
        self.assertFalse([s for s in found.values() if messages.STALE in s.values()])
        return missing

    def scrapes(self, more: int) -> None:
        have = len(self.kept.recorded())
        self.wait(lambda: len(self.kept.recorded()) >= have + more, f"{more} scrapes")

    def test_whatever_the_file_becomes(self):
        agent = self.start()
        dice = random.Random(4)
        self.scrapes(2)
        before = self.open_files()
        for _ in range(self.RELOADS):
            self.put(self.any_settings(dice))
            for _ in range(dice.randrange(1, 6)):
                agent.reload()
            if dice.random() < 0.3:
                self.scrapes(1)
        self.settle(self.whole([], []))
        self.scrapes(3)
        self.wait(lambda: self.open_files() <= before + self.IDLE_CONNECTIONS,
                  "what was opened to be closed")
        self.assertEqual(0, agent.stop())
        self.assertLessEqual(len(self.missing()), 1)  # under way at the end
        self.assertEqual(0, sum(agent.books()["endpoints"]["central"]["lost"].values()))
        self.assert_no_faults(self.central)
        self.assert_no_faults(self.second)

    def test_killed_in_the_midst(self):
        agent = self.start()
        dice = random.Random(5)
        for _ in range(self.KILLS):
            ending = threading.Event()

            def storm():
                while not ending.is_set():
                    self.put(self.any_settings(dice))
                    agent.reload()
                    ending.wait(dice.random() / 20)
            self.scrapes(2)
            thread = threading.Thread(target=storm)
            thread.start()
            ending.wait(1 + dice.random())
            agent.kill()
            ending.set()
            thread.join()
            self.put(self.whole([], []))
            agent.start()
        self.settle(self.whole([], []))
        self.scrapes(2)
        agent.wait_drained("central")
        self.assertEqual(0, agent.stop())
        # per kill: the page under way, and what was not on disk (every 500 ms) when it came
        self.assertLessEqual(len(self.missing()), 3 * self.KILLS + 1)
        self.assert_no_faults(self.central)
        self.assert_no_faults(self.second)

    def test_a_mounted_config_map(self):
        """Its files are links through ..data, which is turned to another folder; with --config.file
        as a link, and with a file that it includes."""
        self.start(flags=("--config.auto-reload-interval=1s",))
        agent = self.agent_
        folder = agent.config_path.parent
        agent.stop()

        def publish(version, jobs, files):
            new = folder / f"..{version}"
            new.mkdir()
            agent_yml = {**self.whole(jobs, []), "scrape_config_files": ["more-*.yml"]}
            for name, settings in {"agent.yml": agent_yml, **files}.items():
                (new / name).write_text(json.dumps(settings))
            (folder / "..tmp").symlink_to(new.name)
            os.replace(folder / "..tmp", folder / "..data")
            for old in folder.glob("..[0-9]*"):
                if old != new:
                    shutil.rmtree(old)

        def pools(want):
            self.wait(lambda: agent.api("scrape_pools")["scrapePools"] == want, f"{want}")

        agent.config_path.unlink()
        more = {"scrape_configs": [job("more", self.others[1].address)]}
        publish(1, [], {"more-1.yml": more})
        for name in ("agent.yml", "more-1.yml"):
            (folder / name).symlink_to(f"..data/{name}")
        agent.start()
        pools(["kept", "more"])
        publish(2, [job("a", self.others[0].address)], {"more-1.yml": more})
        pools(["a", "kept", "more"])
        more["scrape_configs"][0]["job_name"] = "other"
        publish(3, [job("a", self.others[0].address)], {"more-1.yml": more})
        pools(["a", "kept", "other"])
        self.assertEqual(2, agent.process.log().count("configuration reloaded"))
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
