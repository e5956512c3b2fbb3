"""Real programs around the agent: Prometheus and VictoriaMetrics as receivers, node-exporter as a
target, nginx as the central cluster's TLS 1.3 ingress. Loopback, folders of their own."""
import json
import pathlib
import socket
import urllib.parse
import urllib.request

from . import messages, snappy
from .exposition import Metrics
from .paths import GLEANER, PEERS, peer, peer_environment
from .processes import Process, free_port
from .waiting import wait_until


def get(url: str, seconds: float = 30, headers: dict = None) -> bytes:
    request = urllib.request.Request(url, headers=headers or {})
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return answer.read()


def post(url: str, body: bytes, headers: dict = None, seconds: float = 60) -> bytes:
    request = urllib.request.Request(url, data=body, headers=headers or {}, method="POST")
    with urllib.request.urlopen(request, timeout=seconds) as answer:
        return answer.read()


def both_agents(case, settings: dict) -> list:
    """The URLs of a Prometheus 3.x in agent mode and of gleaner with one file, in this order."""
    file = case.work / "prometheus.yml"
    file.write_text(json.dumps(settings))
    urls = []
    for name, program in (("prometheus", PEERS / "later/usr/bin/prometheus"), ("gleaner", GLEANER)):
        port = free_port()
        case.started(Process(name, [program, "--agent", f"--config.file={file}",
                                    f"--storage.agent.path={case.work}/{name}",
                                    f"--web.listen-address=127.0.0.1:{port}",
                                    "--storage.remote.flush-deadline=1s"],
                             case.work / f"{name}.log", None, case.work))
        urls.append(f"http://127.0.0.1:{port}")
    return urls


class Prometheus:
    """A receiver: --web.enable-remote-write-receiver, no jobs of its own."""

    def __init__(self, folder: pathlib.Path, *flags, program=None):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        config = self.folder / "prometheus.yml"
        config.write_text("global: {}\n")
        self.process = Process(
            "prometheus",
            [program or peer("prometheus"), f"--config.file={config}",
             f"--storage.tsdb.path={self.folder}/data", f"--web.listen-address={self.address}",
             "--web.enable-remote-write-receiver", "--storage.tsdb.retention.time=10y", *flags],
            self.folder / "log", peer_environment(), self.folder)

    def start(self) -> "Prometheus":
        self.process.start()
        wait_until(lambda: get(f"{self.url}/-/ready", 2), "prometheus to be ready")
        return self

    def stop(self) -> None:
        self.process.stop()

    def query(self, expression: str, time_s: float = None) -> list:
        """[(labels, float)] of an instant query."""
        parameters = {"query": expression}
        if time_s is not None:
            parameters["time"] = f"{time_s:.3f}"
        answer = json.loads(get(f"{self.url}/api/v1/query?{urllib.parse.urlencode(parameters)}"))
        return [(row["metric"], float(row["value"][1])) for row in answer["data"]["result"]]

    def scalar(self, expression: str, default: float = 0) -> float:
        rows = self.query(expression)
        return rows[0][1] if rows else default

    def read(self, start_ms: int, end_ms: int, *matchers) -> dict:
        """Remote read, bit for bit: sorted labels → [(time, bits)]. No matcher: every series."""
        matchers = matchers or ((messages.MATCH_NOT_EQUAL, "__name__", ""),)
        body = snappy.encode(messages.encode_read_request(start_ms, end_ms, list(matchers)))
        answer = post(f"{self.url}/api/v1/read", body,
                      {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
                       "X-Prometheus-Remote-Read-Version": "0.1.0"})
        (series,) = messages.decode_read_response(snappy.decode(answer))
        return {tuple(sorted(labels)): samples for labels, samples in series}

    def own(self, name: str) -> float:
        """The sum of one of its own metrics, labels added up."""
        return Metrics(get(f"{self.url}/metrics").decode()).sum(name)


class VictoriaMetrics:
    def __init__(self, folder: pathlib.Path):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"http://{self.address}"
        self.process = Process(
            "victoria-metrics",
            [peer("victoria-metrics"), f"-storageDataPath={self.folder}/data",
             f"-httpListenAddr={self.address}", "-retentionPeriod=100y",
             "-memory.allowedBytes=256MB"],
            self.folder / "log", peer_environment(), self.folder)

    def start(self) -> "VictoriaMetrics":
        self.process.start()
        wait_until(lambda: get(f"{self.url}/health", 2) == b"OK", "victoria-metrics")
        return self

    def stop(self) -> None:
        self.process.stop()

    def export(self, match: str = '{__name__!=""}') -> dict:
        """Sorted labels → [(time, float or None)]; NaN comes as None."""
        get(f"{self.url}/internal/force_flush")
        parameters = urllib.parse.urlencode({"match[]": match, "start": "1"})
        found = {}
        for line in get(f"{self.url}/api/v1/export?{parameters}").decode().splitlines():
            row = json.loads(line)
            labels = tuple(sorted(row["metric"].items()))
            samples = list(zip(row["timestamps"], row["values"]))
            found[labels] = sorted(found.get(labels, []) + samples, key=lambda s: s[0])
        return found


class NodeExporter:
    def __init__(self, folder: pathlib.Path):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.address = f"127.0.0.1:{free_port()}"
        self.process = Process(
            "node-exporter",
            [peer("prometheus-node-exporter"), f"--web.listen-address={self.address}",
             "--no-collector.systemd", "--log.level=warn"],
            self.folder / "log", peer_environment(), self.folder)

    def start(self) -> "NodeExporter":
        self.process.start()
        wait_until(lambda: get(f"http://{self.address}/metrics", 5), "node-exporter")
        return self

    def stop(self) -> None:
        self.process.stop()


class Nginx:
    """TLS in front of receivers, set as an ingress is. routes: path → upstream URL.

    certificate: (file, key). client_ca: clients must show a certificate of this CA.
    """

    def __init__(self, folder: pathlib.Path, routes: dict, certificate: tuple, client_ca=None,
                 protocols: str = "TLSv1.3", body_size: str = "1m"):
        self.folder = pathlib.Path(folder).resolve()
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"https://{self.address}"
        locations = "\n".join(f"    location = {path} {{ proxy_pass {upstream}; }}"
                              for path, upstream in routes.items())
        client = (f"ssl_client_certificate {client_ca}; ssl_verify_client on;"
                  if client_ca else "")
        config = self.folder / "nginx.conf"
        config.write_text(f"""\
daemon off;
master_process off;
pid {self.folder}/pid;
error_log {self.folder}/error.log warn;
events {{ worker_connections 256; }}
http {{
  access_log {self.folder}/access.log;
  client_body_temp_path {self.folder}/body;
  proxy_temp_path {self.folder}/proxy;
  fastcgi_temp_path {self.folder}/fastcgi;
  uwsgi_temp_path {self.folder}/uwsgi;
  scgi_temp_path {self.folder}/scgi;
  server {{
    listen {self.address} ssl http2;
    ssl_certificate {certificate[0]};
    ssl_certificate_key {certificate[1]};
    ssl_protocols {protocols};
    {client}
    client_max_body_size {body_size};
    proxy_http_version 1.1;
{locations}
  }}
}}
""")
        self.process = Process(
            "nginx", [peer("nginx"), "-p", self.folder, "-c", config, "-e",
                      self.folder / "error.log"],
            self.folder / "log", peer_environment(), self.folder)

    def start(self) -> "Nginx":
        self.process.start()

        def listening():
            if not self.process.running:
                raise AssertionError("nginx ended: " + self.process.log()
                                     + (self.folder / "error.log").read_text())
            socket.create_connection(("127.0.0.1", self.port), 2).close()
            return True
        wait_until(listening, "nginx to listen")
        return self

    def stop(self) -> None:
        self.process.stop()
