"""The agent under test: one tenant, folders of its own, its endpoints and its ledger."""
import json
import os
import pathlib
import re
import signal
import subprocess
import urllib.error

from .exposition import Metrics
from .paths import GLEANER
from .peers import get
from .processes import Process, free_port
from .waiting import wait_until

SANITIZER = re.compile(r"(ERROR: (Address|Leak)Sanitizer|WARNING: ThreadSanitizer|runtime error:"
                       r"|Assertion .* failed).*")


def run(*arguments, seconds: float = 60, **options) -> subprocess.CompletedProcess:
    """One run of the binary to its end; stdout and stderr as text."""
    done = subprocess.run([str(GLEANER), *[str(a) for a in arguments]], capture_output=True,
                          text=True, timeout=seconds, stdin=subprocess.DEVNULL, **options)
    if SANITIZER.search(done.stderr):
        raise AssertionError(f"gleaner {arguments}:\n{done.stderr}")
    return done


def job(name: str, *targets: str, **settings) -> dict:
    """One entry of scrape_configs with static targets."""
    return {"job_name": name, **settings, "static_configs": [{"targets": list(targets)}]}


def endpoint(url: str, **settings) -> dict:
    """One entry of remote_write with times for tests: batches every 2 s, short backoff."""
    queue = {"batch_send_deadline": "2s", "min_backoff": "100ms", "max_backoff": "1s",
             **settings.pop("queue_config", {})}
    return {"url": url, "queue_config": queue, **settings}


def config(jobs: list, endpoints: list, interval: str = "1s", **sections) -> dict:
    """A whole file with times for tests: scrapes every second, commits every 500 ms."""
    return {
        "global": {"scrape_interval": interval, "scrape_timeout": interval,
                   "external_labels": {"cluster": "test", "tenant": "${TENANT}"},
                   **sections.pop("global_", {})},
        "scrape_configs": jobs,
        "remote_write": endpoints,
        "wal": {"sync_interval": "500ms", **sections.pop("wal", {})},
        **sections,
    }


class Agent:
    def __init__(self, folder: pathlib.Path, settings, tenant: str = "tenant-a", flags=()):
        """settings: a dict (written as JSON, which is YAML) or the text of the file."""
        self.folder = pathlib.Path(folder)
        self.tenant = tenant
        self.config_path = self.folder / "etc" / tenant / "agent.yml"
        self.config_path.parent.mkdir(parents=True, exist_ok=True)
        self.data = self.folder / "data"
        self.data.mkdir(exist_ok=True)
        self.write(settings)
        self.address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{self.address}"
        self.process = Process(
            "gleaner", [GLEANER, "--tenant", tenant, f"--config-dir={self.folder / 'etc'}",
                        "--data-dir", self.data, f"--web.listen-address={self.address}", *flags],
            self.folder / "gleaner.log", dict(os.environ), self.folder)

    # ---- life ----

    def write(self, settings) -> None:
        text = settings if isinstance(settings, str) else json.dumps(settings, indent=2)
        self.config_path.write_text(text)

    def start(self, ready: bool = True) -> "Agent":
        self.process.start()
        if ready:
            self.wait_ready()
        return self

    def wait_ready(self) -> None:
        def ready():
            if not self.process.running:
                raise AssertionError(f"gleaner ended with {self.process.child.returncode}:\n"
                                     + self.process.log()[-4000:])
            try:
                return get(f"{self.url}/-/ready", 5)
            except urllib.error.HTTPError:
                return None
        wait_until(ready, "gleaner to be ready")

    def stop(self, seconds: float = 60) -> int:
        code = self.process.stop(seconds)
        self.check_log()
        return code

    def kill(self) -> None:
        self.process.kill()
        self.check_log()

    def reload(self) -> None:
        self.process.signal(signal.SIGHUP)

    def check_log(self) -> None:
        found = SANITIZER.search(self.process.log())
        if found:
            raise AssertionError(self.process.log()[found.start():][:6000])

    # ---- endpoints ----

    def metrics(self) -> Metrics:
        return Metrics(get(f"{self.url}/metrics").decode())

    def api(self, path: str):
        return json.loads(get(f"{self.url}/api/v1/{path}"))["data"]

    def ledger(self, name: str = None) -> "Ledger":
        return Ledger(self.metrics(), name)

    def books(self) -> dict:
        """What `gleaner wal status` says, also of a stopped agent; "endpoints" by name."""
        done = run("wal", "status", "--json", "--data-dir", self.data, "--tenant", self.tenant)
        if done.returncode != 0:
            raise AssertionError(done.stderr)
        found = json.loads(done.stdout)
        return {**found, "endpoints": {row["name"]: row for row in found["endpoints"]}}

    def wait_drained(self, name: str = None, seconds: float = 120) -> "Ledger":
        """Until the endpoint (all of them: None) has settled all that is in the log now; what is
        scraped meanwhile goes on being pending."""
        appended = self.ledger(name).appended

        def drained():
            ledger = self.ledger(name)
            return ledger if ledger.appended - ledger.pending >= appended else None
        return wait_until(drained, f"{appended:.0f} samples to be settled", seconds, 0.2)


class Ledger:
    """The books of one endpoint (or of all: name None), read from /metrics."""

    def __init__(self, metrics: Metrics, name: str = None):
        which = {} if name is None else {"remote_name": name}
        self.offered = metrics.sum("gleaner_samples_offered_total")
        self.appended_all = metrics.sum("gleaner_wal_samples_appended_total")
        self.not_stored = metrics.sum("gleaner_samples_not_stored_total")
        self.queued = metrics.sum("gleaner_samples_queued")
        self.appended = metrics.sum("gleaner_samples_appended_total", **which)
        self.acknowledged = metrics.sum("gleaner_samples_acknowledged_total", **which)
        self.unconfirmed = metrics.sum("gleaner_samples_unconfirmed_total", **which)
        self.filtered = metrics.sum("gleaner_samples_filtered_total", **which)
        self.pending = metrics.sum("gleaner_samples_pending", **which)
        self.lost = metrics.sum("gleaner_samples_lost_total", **which)

    def check(self) -> None:
        """appended = acknowledged + unconfirmed + filtered + pending + lost, and what was offered
        to the log was appended, counted as not stored, or is queued now."""
        settled = (self.acknowledged + self.unconfirmed + self.filtered + self.pending + self.lost)
        if self.appended != settled:
            raise AssertionError(f"the ledger does not add up: {self}")
        if self.offered != self.appended_all + self.not_stored + self.queued:
            raise AssertionError(f"offered is not appended + not stored + queued: {self}")

    def __str__(self) -> str:
        return ", ".join(f"{k}={v:.0f}" for k, v in vars(self).items())
