"""Exporters that do as they are told, and the proxy that writes down what one really said."""
import dataclasses
import gzip
import http.client
import http.server
import threading
import time


class Server:
    """A threaded HTTP server on a port of its own; handlers find it as self.server.owner."""

    def __init__(self, handler, address=("127.0.0.1", 0), tls=None):
        class Quiet(http.server.ThreadingHTTPServer):
            daemon_threads = True
            request_queue_size = 128

            def handle_error(self, request, client_address):
                pass  # an agent that hangs up is no news

        self.httpd = Quiet(address, handler)
        self.httpd.owner = self
        if tls is not None:
            # The handshake is done by the connection's own thread, not by the one that accepts.
            self.httpd.socket = tls.wrap_socket(self.httpd.socket, server_side=True,
                                                do_handshake_on_connect=False)
        self.port = self.httpd.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    def stop(self) -> None:
        self.httpd.shutdown()
        self.httpd.server_close()


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def log_message(self, format, *args):
        pass


@dataclasses.dataclass
class Page:
    """What an exporter answers. Times are in seconds."""
    body: object  # str or bytes
    status: int = 200
    content_type: str = "text/plain; version=0.0.4; charset=utf-8"
    compress: bool = False  # gzip, when it is accepted
    delay: float = 0  # before the answer
    cut_at: int = None  # hang up after so many bytes of the body
    raw: bytes = None  # the whole answer as it is, then hang up
    headers: dict = dataclasses.field(default_factory=dict)


class _ExporterHandler(Handler):
    def do_GET(self):
        owner = self.server.owner
        path = self.path.split("?")[0]
        with owner.mutex:
            n = owner.counts.get(path, 0)
            owner.counts[path] = n + 1
            owner.requests.append((time.time(), self.path, dict(self.headers)))
            make = owner.pages.get(path)
        page = make(n) if make else Page("not here\n", status=404, content_type="text/plain")
        if not isinstance(page, Page):
            page = Page(page)
        if page.delay:
            owner.stopping.wait(page.delay)
        if page.raw is not None:
            self.wfile.write(page.raw)
            self.close_connection = True
            return
        body = page.body.encode() if isinstance(page.body, str) else page.body
        self.send_response(page.status)
        if page.content_type:
            self.send_header("Content-Type", page.content_type)
        if page.compress and "gzip" in self.headers.get("Accept-Encoding", ""):
            body = gzip.compress(body, 1)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(body)))
        for name, value in page.headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body if page.cut_at is None else body[:page.cut_at])
        if page.cut_at is not None:
            self.close_connection = True


class FakeExporter(Server):
    """pages: path → function(n) that gives the n-th page (a Page, str or bytes)."""

    def __init__(self, pages: dict):
        self.pages = pages
        self.counts = {}
        self.requests = []
        self.mutex = threading.Lock()
        self.stopping = threading.Event()
        super().__init__(_ExporterHandler)

    def count(self, path: str = "/metrics") -> int:
        with self.mutex:
            return self.counts.get(path, 0)

    def stop(self) -> None:
        self.stopping.set()
        super().stop()


@dataclasses.dataclass
class Scrape:
    """One recorded exchange."""
    begin_ms: int
    end_ms: int
    path: str
    status: int
    text: str  # the page, decompressed
    delivered: bool  # all of it was written to the agent


class _RecorderHandler(Handler):
    upstream = None

    def finish(self):
        if self.upstream is not None:
            self.upstream.close()
        super().finish()

    def fetch(self, headers):
        for attempt in (0, 1):
            if self.upstream is None:
                self.upstream = http.client.HTTPConnection(self.server.owner.upstream, timeout=30)
            try:
                self.upstream.request("GET", self.path, headers=headers)
                answer = self.upstream.getresponse()
                return answer, answer.read()
            except (OSError, http.client.HTTPException):
                self.upstream = None
                if attempt:
                    raise
        return None

    def do_GET(self):
        owner = self.server.owner
        begin = int(time.time() * 1000)
        headers = {k: v for k, v in self.headers.items()
                   if k.lower() not in ("host", "connection")}
        answer, body = self.fetch(headers)
        text = gzip.decompress(body) if answer.headers.get("Content-Encoding") == "gzip" else body
        delivered = False
        try:
            self.send_response(answer.status)
            for name in ("Content-Type", "Content-Encoding"):
                if answer.headers.get(name):
                    self.send_header(name, answer.headers[name])
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
            delivered = True
        finally:
            with owner.mutex:
                owner.scrapes.append(Scrape(begin, int(time.time() * 1000), self.path,
                                            answer.status, text.decode(), delivered))


class RecordingProxy(Server):
    """Stands between exporter and agent; what it recorded is the truth."""

    def __init__(self, upstream: str):
        self.upstream = upstream
        self.scrapes = []
        self.mutex = threading.Lock()
        super().__init__(_RecorderHandler)

    def recorded(self) -> list:
        """In order of time."""
        with self.mutex:
            return sorted(self.scrapes, key=lambda s: s.begin_ms)
