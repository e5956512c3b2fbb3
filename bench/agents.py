"""The agents that are compared: how each is configured and started. All get the same targets,
interval, receiver, protocol (Remote Write 1.0 unless the workload says so, snappy) and no metadata;
the rest is default."""
import glob
import json
import os
import pathlib
import subprocess
import time
import urllib.error

from harness.peers import get
from harness.processes import Process, free_port

ROOT = pathlib.Path(__file__).resolve().parents[1]
PEERS = pathlib.Path(os.environ.get("BENCH_PEERS", ROOT / "build" / "bench" / "peers"))


def peer_environment() -> dict:
    folders = glob.glob(f"{PEERS}/usr/lib/*-linux-*")
    return {**os.environ, "LD_LIBRARY_PATH": ":".join(folders)}


class Agent:
    """name, binary(), command(), ready_path: what each kind adds."""

    name = ""
    speaks_v2 = False  # Remote Write 2.0
    ready_path = "/-/ready"

    def __init__(self, folder: pathlib.Path, workload, url: str, ca=None):
        self.folder = folder
        self.data = folder / "data"
        self.data.mkdir(parents=True)
        self.workload = workload
        self.url = url
        self.ca = ca
        self.address = f"127.0.0.1:{free_port()}"
        self.process = Process(self.name, self.command(), folder / "log", peer_environment(),
                               folder)

    def command(self) -> list:
        raise NotImplementedError

    @property
    def pid(self) -> int:
        return self.process.pid

    def scrapes(self) -> dict:
        """The part of the configuration that all three read."""
        return {
            "global": {"scrape_interval": f"{self.workload.interval}s",
                       "scrape_timeout": f"{self.workload.timeout}s",
                       "external_labels": {"cluster": "bench"}},
            "scrape_configs": [
                {"job_name": fleet.job, "static_configs": [{"targets": fleet.addresses()}]}
                for fleet in self.workload.fleets],
        }

    def remote_write(self) -> dict:
        endpoint = {"url": self.url, "metadata_config": {"send": False}}
        if self.workload.message:
            endpoint["protobuf_message"] = self.workload.message
        if self.ca:
            endpoint["tls_config"] = {"ca_file": str(self.ca)}
        return endpoint

    def write(self, name: str, settings: dict) -> pathlib.Path:
        path = self.folder / name  # JSON is YAML
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(settings, indent=1))
        return path

    def start(self) -> float:
        """Seconds until it says that it is ready."""
        begun = time.monotonic()
        self.process.start()
        while True:
            try:
                get(f"http://{self.address}{self.ready_path}", 2)
                return time.monotonic() - begun
            except (OSError, urllib.error.HTTPError):
                pass
            if not self.process.running or time.monotonic() - begun > 60:
                raise RuntimeError(f"{self.name} does not start:\n{self.process.log()[-3000:]}")
            time.sleep(0.005)

    def stop(self) -> None:
        self.process.stop()


class Gleaner(Agent):
    name = "gleaner"
    speaks_v2 = True

    @staticmethod
    def binary() -> pathlib.Path:
        return pathlib.Path(os.environ.get("GLEANER", ROOT / "build" / "release" / "gleaner"))

    @classmethod
    def version(cls) -> str:
        return first_line([cls.binary(), "version"])

    def command(self) -> list:
        self.write("etc/bench/agent.yml", {**self.scrapes(), "remote_write": [self.remote_write()]})
        return [self.binary(), "--tenant", "bench", f"--config-dir={self.folder / 'etc'}",
                "--data-dir", self.data, f"--web.listen-address={self.address}"]


class Prometheus(Agent):
    name = "prometheus"
    speaks_v2 = True

    @staticmethod
    def binary() -> pathlib.Path:
        return PEERS / "usr" / "bin" / "prometheus"

    @classmethod
    def version(cls) -> str:
        return package_version("prometheus")

    def command(self) -> list:
        config = self.write("prometheus.yml",
                            {**self.scrapes(), "remote_write": [self.remote_write()]})
        old = self.version().startswith("prometheus 2.")
        return [self.binary(), "--enable-feature=agent" if old else "--agent",
                f"--config.file={config}", f"--storage.agent.path={self.data}",
                f"--web.listen-address={self.address}"]


class Vmagent(Agent):
    name = "vmagent"
    ready_path = "/health"

    @staticmethod
    def binary() -> pathlib.Path:
        return PEERS / "usr" / "bin" / "vmagent"

    @classmethod
    def version(cls) -> str:
        return package_version("victoria-metrics")

    def command(self) -> list:
        config = self.write("vmagent.yml", self.scrapes())
        flags = [f"-promscrape.config={config}", f"-remoteWrite.url={self.url}",
                 f"-remoteWrite.tmpDataPath={self.data}", f"-httpListenAddr={self.address}"]
        if self.ca:
            flags.append(f"-remoteWrite.tlsCAFile={self.ca}")
        known = subprocess.run([self.binary(), "-help"], capture_output=True, text=True,
                               env=peer_environment(), check=False)
        # Older ones have no metadata and no other protocol.
        for flag in ("-enableMetadata=false", "-remoteWrite.forcePromProto=true"):
            if flag.split("=")[0] + "\n" in known.stdout + known.stderr or \
                    flag.split("=")[0] + " " in known.stdout + known.stderr:
                flags.append(flag)
        if self.workload.large_pages:
            flags.append("-promscrape.maxScrapeSize=1GB")
        return [self.binary(), *flags]


AGENTS = {kind.name: kind for kind in (Gleaner, Prometheus, Vmagent)}


def first_line(command: list) -> str:
    done = subprocess.run([str(c) for c in command], capture_output=True, text=True,
                          env=peer_environment(), check=False)
    return (done.stdout + done.stderr).strip().splitlines()[0]


def package_version(package: str) -> str:
    """As bench/peers.sh noted it."""
    for line in (PEERS / "versions").read_text().splitlines():
        if line.startswith(package + " "):
            return line
    return f"{package}, version not known"
