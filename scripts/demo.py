"""The running part of demo.sh: starts everything, shows progress, asks the receiver, judges."""
import json
import pathlib
import shutil
import signal
import sys
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

from harness import messages  # noqa: E402 (needs the path above)
from harness.agent import Agent, run  # noqa: E402
from harness.certificates import Certificates  # noqa: E402
from harness.exporter import FakeExporter, Page  # noqa: E402
from harness.pages import KubeStateMetrics  # noqa: E402
from harness.peers import Nginx, NodeExporter, Prometheus  # noqa: E402

TENANT = "tenant-a"
CONFIG = """\
global:
  scrape_interval: 15s
  scrape_timeout: 10s
  external_labels:
    cluster: demo
    tenant: ${{TENANT}}
scrape_configs:
  - job_name: node-exporter
    static_configs:
      - targets: ['{node}']
  - job_name: kube-state-metrics
    static_configs:
      - targets: ['{ksm}']
remote_write:
  - name: central
    url: {url}/api/v1/receive
    tls_config:
      ca_file: {ca}
    queue_config:
      batch_send_deadline: 30s
"""


def say(text: str) -> None:
    print(text, flush=True)


class Demo:
    def __init__(self, folder: pathlib.Path):
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self.folder = folder
        self.parts = []

    def start(self, what: str, part):
        self.parts.append(part)
        if hasattr(part, "start"):
            part.start()
        say(f"   {what}")
        return part

    def start_all(self) -> None:
        say("== start")
        self.node = self.start("node-exporter", NodeExporter(self.folder / "node-exporter"))
        ksm = KubeStateMetrics()
        self.ksm = self.start(
            f"kube-state-metrics: a recorded page of {ksm.series} series, some of which move",
            FakeExporter({"/metrics": lambda n: Page(ksm.page(n), compress=True)}))
        self.prometheus = self.start("prometheus as receiver",
                                     Prometheus(self.folder / "prometheus"))
        certificates = Certificates(self.folder / "tls", "gleaner demo CA")
        self.nginx = self.start(
            "nginx, TLS 1.3 only, with a certificate just made",
            Nginx(self.folder / "nginx",
                  {"/api/v1/receive": f"{self.prometheus.url}/api/v1/write"},
                  certificates.pair("ingress")))
        settings = CONFIG.format(node=self.node.address, ksm=self.ksm.address,
                                 url=self.nginx.url, ca=certificates.ca)
        self.agent = self.start(f"gleaner --tenant {TENANT}",
                                Agent(self.folder / "gleaner", settings, TENANT))

    def stop_all(self) -> None:
        for part in reversed(self.parts):
            part.stop()

    def memory_kib(self) -> dict:
        text = pathlib.Path(f"/proc/{self.agent.process.pid}/status").read_text()
        rows = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
        return {name: int(rows[name].split()[0]) for name in ("VmRSS", "RssAnon", "VmHWM")}

    def watch(self, seconds: int) -> None:
        say(f"== {seconds} s: scrapes every 15 s, a batch every 30 s")
        say("   elapsed    samples in the WAL   acknowledged      pending  requests   resident")
        begin = time.monotonic()
        while True:
            elapsed = time.monotonic() - begin
            if not self.agent.process.running:
                raise AssertionError("gleaner ended:\n" + self.agent.process.log()[-3000:])
            metrics = self.agent.metrics()
            ledger = self.agent.ledger()
            say(f"   {elapsed:5.0f} s {ledger.appended_all:20,.0f} {ledger.acknowledged:14,.0f}"
                f" {ledger.pending:12,.0f} {metrics.sum('gleaner_remote_requests_total'):9,.0f}"
                f" {self.memory_kib()['VmRSS'] / 1024:6.1f} MiB")
            if elapsed >= seconds:
                return
            time.sleep(max(0.0, min(5.0, seconds - elapsed)))

    def arrived(self) -> dict:
        """Job → samples that Prometheus holds, staleness markers included."""
        now = int(time.time() * 1000)
        counts = {}
        for job in ("node-exporter", "kube-state-metrics"):
            series = self.prometheus.read(now - 3600_000, now + 60_000,
                                          (messages.MATCH_EQUAL, "job", job))
            counts[job] = sum(len(samples) for samples in series.values())
        return counts

    def report(self) -> list:
        """Prints what there is to see after the end; the list says what is wrong."""
        wrong = []
        last = self.agent.metrics()
        memory = self.memory_kib()
        self.agent.process.signal(signal.SIGTERM)
        code = self.agent.process.wait(60)
        say(f"== gleaner was asked to end: it sent what was pending and exited with {code}")
        if code != 0:
            wrong.append(f"gleaner exited with {code}")

        say("== what arrived, by PromQL")
        for query in ("up", "count by (job) ({job!=\"\"})",
                      "sum by (job) (count_over_time(up[10m]))",
                      "sum by (job) (sum_over_time(scrape_samples_scraped[10m]))",
                      "count by (job, cluster, tenant) (up)"):
            say(f"   {query}")
            rows = self.prometheus.query(query)
            for labels, value in rows:
                name = ", ".join(f'{k}="{v}"' for k, v in sorted(labels.items())
                                 if k != "__name__")
                say(f"      {{{name}}}  {value:,.0f}")
            if len(rows) != 2:
                wrong.append(f"{query}: {len(rows)} rows, not one per job")
            if query == "up" and any(value != 1 for _, value in rows):
                wrong.append("a target is down")

        wrong += self.ledger(sum(self.arrived().values()))
        self.figures(last, memory)
        return wrong

    def ledger(self, arrived: int) -> list:
        done = run("wal", "status", "--data-dir", self.agent.data, "--tenant", TENANT, "--json")
        books = json.loads(done.stdout)
        (endpoint,) = [e for e in books["endpoints"] if e["name"] == "central"]
        lost = sum(endpoint["lost"].values())
        self.acknowledged = endpoint["acknowledged"]
        say("== the ledger, in samples (gleaner wal status)")
        for name in ("appended", "acknowledged", "unconfirmed", "filtered", "pending"):
            say(f"   {name:<14}{endpoint[name]:>12,}")
        say(f"   {'lost':<14}{lost:>12,}")
        say(f"   {'in Prometheus':<14}{arrived:>12,}   (remote read, staleness markers included)")
        wrong = []
        if endpoint["appended"] != lost + sum(endpoint[name] for name in (
                "acknowledged", "unconfirmed", "filtered", "pending")):
            wrong.append("the ledger does not add up")
        if endpoint["pending"] or lost or endpoint["unconfirmed"]:
            wrong.append("something is pending, unconfirmed or lost")
        if endpoint["acknowledged"] != arrived:
            wrong.append(f"{endpoint['acknowledged']} acknowledged, but {arrived} in Prometheus")
        if arrived == 0:
            wrong.append("nothing arrived")
        return wrong

    def figures(self, last, memory: dict) -> None:
        def ratio(a, b):
            return a / b if b else float("nan")

        wire = last.sum("gleaner_remote_acknowledged_bytes_total")
        appended = last.sum("gleaner_wal_samples_appended_total")
        say("== figures")
        say(f"   resident memory      {memory['VmRSS'] / 1024:.1f} MiB, of it private "
            f"{memory['RssAnon'] / 1024:.1f} MiB; peak {memory['VmHWM'] / 1024:.1f} MiB")
        say(f"   on the wire          "
            f"{ratio(wire, last.sum('gleaner_samples_acknowledged_total')):.2f} bytes "
            "per sample (bodies of requests)")
        say(f"   in the WAL, values   "
            f"{ratio(last.sum('gleaner_wal_block_bytes_total'), appended):.2f} "
            "bytes per sample (blocks)")
        say(f"   in the WAL, labels   "
            f"{ratio(last.sum('gleaner_wal_used_bytes'), last.sum('gleaner_series')):.1f} "
            "bytes per series (stored once; what the log's file holds now)")
        say(f"   written to the disk  "
            f"{ratio(last.sum('gleaner_disk_written_bytes_total'), appended):.2f} bytes per "
            "sample, all in all (a commit writes whole pages)")


def main() -> int:
    seconds = max(60, int(sys.argv[1]))
    demo = Demo(ROOT / "build" / "demo" / "run")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    try:
        demo.start_all()
        demo.watch(seconds)
        wrong = demo.report()
    except (AssertionError, OSError, LookupError, ValueError) as error:
        wrong = [f"{type(error).__name__}: {error}"]
    except KeyboardInterrupt:
        wrong = ["interrupted"]
    finally:
        demo.stop_all()
    say(f"== everything is stopped; logs and data: {demo.folder}")
    if wrong:
        say("verdict: FAILED\n  " + "\n  ".join(wrong))
        return 1
    say("verdict: every sample that gleaner stored has arrived")
    return 0


if __name__ == "__main__":
    sys.exit(main())
