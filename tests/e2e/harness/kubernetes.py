"""A scripted Kubernetes API server: lists and watches as the real one does, and cuts, expires and
refuses when it is told to. Objects are plain dicts as the API shows them."""
import copy
import http.server
import json
import ssl
import threading
import time
import urllib.parse

GROUPS = {
    "nodes": "/api/v1", "namespaces": "/api/v1", "pods": "/api/v1", "services": "/api/v1",
    "endpoints": "/api/v1", "endpointslices": "/apis/discovery.k8s.io/v1",
    "ingresses": "/apis/networking.k8s.io/v1", "replicasets": "/apis/apps/v1",
    "jobs": "/apis/batch/v1",
}
KINDS = {
    "nodes": "Node", "namespaces": "Namespace", "pods": "Pod", "services": "Service",
    "endpoints": "Endpoints", "endpointslices": "EndpointSlice", "ingresses": "Ingress",
    "replicasets": "ReplicaSet", "jobs": "Job",
}
CLUSTER = {"nodes", "namespaces"}


def matches(selector: str, labels: dict) -> bool:
    """key=value, key!=value and key, joined by commas: what the tests use."""
    for part in filter(None, selector.split(",")):
        if "!=" in part:
            key, value = part.split("!=")
            if labels.get(key) == value:
                return False
        elif "=" in part:
            key, value = part.replace("==", "=").split("=")
            if labels.get(key) != value:
                return False
        elif part not in labels:
            return False
    return True


def field_matches(selector: str, thing: dict) -> bool:
    for part in filter(None, selector.split(",")):
        path, value = part.replace("==", "=").split("=")
        found = thing
        for key in path.split("."):
            found = found.get(key, {}) if isinstance(found, dict) else {}
        if found != value:
            return False
    return True


def version_of(resource: str) -> str:
    return GROUPS[resource].removeprefix("/apis/").removeprefix("/api/")


def name_of(thing: dict) -> tuple:
    return thing["metadata"].get("namespace", ""), thing["metadata"]["name"]


class _Server(http.server.ThreadingHTTPServer):
    tls = None

    def get_request(self):
        """Hands are shaken on the connection's own thread."""
        connection, peer = super().get_request()
        if self.tls is not None:
            connection = self.tls.wrap_socket(connection, server_side=True,
                                              do_handshake_on_connect=False)
        return connection, peer


class ApiServer:
    def __init__(self, token: str = None, page_limit: int = 0, certificate: tuple = None,
                 clients=None, port: int = 0):
        """token: what Authorization must bear. page_limit: pages are no larger, whatever is asked;
        a list from the cache (resourceVersion=0) comes whole, as the real one's does.
        certificate: (file, key) of a server of HTTPS; clients: the CA file that clients'
        certificates must be of."""
        self.mutex = threading.Condition()
        self.token = token
        self.page_limit = page_limit
        self.version = 100
        self.oldest = 0  # versions before are gone
        self.things = {resource: {} for resource in GROUPS}
        self.events = []  # (version, resource, type, object)
        self.requests = []  # (path, query, status, agent)
        self.watching = 0
        self.cut = None  # function(line) → bytes to send of it before the connection is closed
        self.refuse = None  # (status, headers) for every request
        self.cut_watches = 0  # watches begun before this number end
        self.watch_number = 0
        self.close_lists = False  # a list's connection is not kept
        self.expire_tokens = 0  # so many continue tokens are refused with 410
        self.stopping = False
        server = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle(self):
                try:
                    super().handle()
                except OSError:  # who asks does not trust us, or went away
                    self.close_connection = True

            def do_GET(self):
                server.answer(self)

            def log_message(self, *_):
                pass

        self.httpd = _Server(("127.0.0.1", port), Handler)
        self.httpd.daemon_threads = True
        self.port = self.httpd.server_address[1]
        self.address = f"127.0.0.1:{self.port}"
        self.url = f"{'https' if certificate else 'http'}://{self.address}"
        if certificate is not None:
            self.httpd.tls = self._tls(certificate, clients)
        self.thread = threading.Thread(target=self.httpd.serve_forever, args=(0.05,), daemon=True)
        self.thread.start()

    @staticmethod
    def _tls(certificate: tuple, clients) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(*certificate)
        if clients is not None:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(clients)
        return context

    def use(self, certificate: tuple) -> None:
        """Another certificate from the next connection on; no older session is resumed."""
        self.httpd.tls = self._tls(certificate, None)

    def stop(self) -> None:
        with self.mutex:
            self.stopping = True
            self.mutex.notify_all()
        self.httpd.shutdown()
        self.httpd.server_close()
        self.thread.join()

    # ---- what a test does ----

    def put(self, resource: str, thing: dict) -> None:
        """Adds or replaces; watches hear of it."""
        with self.mutex:
            self._put(resource, thing)
            self.mutex.notify_all()

    def put_all(self, resource: str, things) -> None:
        with self.mutex:
            for thing in things:
                self._put(resource, thing)
            self.mutex.notify_all()

    def _put(self, resource: str, thing: dict) -> None:
        thing = copy.deepcopy(thing)
        self.version += 1
        thing["metadata"]["resourceVersion"] = str(self.version)
        thing["kind"] = KINDS[resource]
        thing["apiVersion"] = version_of(resource)
        kind = "MODIFIED" if name_of(thing) in self.things[resource] else "ADDED"
        self.things[resource][name_of(thing)] = thing
        self.events.append((self.version, resource, kind, thing))

    def delete(self, resource: str, namespace: str, name: str) -> None:
        with self.mutex:
            self.version += 1
            thing = copy.deepcopy(self.things[resource].pop((namespace, name)))
            thing["metadata"]["resourceVersion"] = str(self.version)
            self.events.append((self.version, resource, "DELETED", thing))
            self.mutex.notify_all()

    def compact(self) -> None:
        """All versions up to now are gone: 410 for who asks for one. The open watches end."""
        with self.mutex:
            self.version += 1
            self.oldest = self.version
            self.events = []
            self.end_watches()

    def bookmark(self) -> None:
        with self.mutex:
            self.version += 1
            for resource in GROUPS:
                self.events.append((self.version, resource, "BOOKMARK", {
                    "kind": KINDS[resource], "apiVersion": version_of(resource),
                    "metadata": {"resourceVersion": str(self.version), "creationTimestamp": None},
                }))
            self.mutex.notify_all()

    def end_watches(self) -> None:
        with self.mutex:
            self.cut_watches = self.watch_number + 1
            self.mutex.notify_all()

    def count(self, path: str, **query) -> int:
        with self.mutex:
            return sum(1 for p, q, _, _ in self.requests
                       if p == path and all(q.get(k) == v for k, v in query.items()))

    # ---- answers ----

    def answer(self, request) -> None:
        parts = urllib.parse.urlsplit(request.path)
        query = {k: v[0] for k, v in urllib.parse.parse_qs(parts.query).items()}
        agent = request.headers.get("User-Agent", "")
        with self.mutex:
            refuse = self.refuse
            if refuse is None and self.token is not None and \
                    request.headers.get("Authorization") != f"Bearer {self.token}":
                refuse = (401, {})
            record = [parts.path, query, refuse[0] if refuse else 200, agent]
            self.requests.append(record)
        if refuse is not None:
            return self.fail(request, refuse[0], "Refused", refuse[1])
        found = self.find(parts.path)
        if found is None:
            record[2] = 404
            return self.fail(request, 404, "NotFound")
        if "sendInitialEvents" in query:  # as servers answer that do not stream lists
            record[2] = 422
            return self.fail(request, 422, "Invalid")
        if query.get("watch") in ("true", "1"):
            return self.watch(request, found, query, record)
        return self.list(request, found, query, record)

    @staticmethod
    def find(path: str):
        """(resource, namespace) of a path; namespace None: all."""
        for resource, group in GROUPS.items():
            if path == f"{group}/{resource}":
                return resource, None
            if path.startswith(f"{group}/namespaces/") and path.endswith(f"/{resource}"):
                return resource, path[len(group) + 12:-len(resource) - 1]
        return None

    def status(self, code: int, reason: str) -> dict:
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
                "message": f"scripted: {reason}", "reason": reason, "code": code}

    def fail(self, request, code: int, reason: str, headers=None) -> None:
        body = json.dumps(self.status(code, reason)).encode()
        request.send_response(code)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        for name, value in (headers or {}).items():
            request.send_header(name, value)
        request.end_headers()
        request.wfile.write(body)

    def wanted(self, thing: dict, namespace, query: dict) -> bool:
        if namespace is not None and thing["metadata"].get("namespace") != namespace:
            return False
        labels = thing["metadata"].get("labels") or {}
        return (matches(query.get("labelSelector", ""), labels)
                and field_matches(query.get("fieldSelector", ""), thing))

    def list(self, request, found, query, record) -> None:
        resource, namespace = found
        offset = 0
        with self.mutex:
            version = self.version
            things = [t for _, t in sorted(self.things[resource].items())
                      if self.wanted(t, namespace, query)]
            if "continue" in query:
                version, offset = json.loads(query["continue"])
                if self.expire_tokens > 0:
                    self.expire_tokens -= 1
                    record[2] = 410
                    return self.fail(request, 410, "Expired")
        limit = int(query.get("limit", 0))
        if query.get("resourceVersion") == "0":
            limit = 0
        if self.page_limit and limit:
            limit = min(limit, self.page_limit)
        meta = {"resourceVersion": str(version)}
        page = things[offset:offset + limit] if limit else things[offset:]
        if limit and offset + limit < len(things):
            meta["continue"] = json.dumps([version, offset + limit])
            meta["remainingItemCount"] = len(things) - offset - limit
        body = json.dumps({"kind": KINDS[resource] + "List", "apiVersion": version_of(resource),
                           "metadata": meta, "items": page}).encode()
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Content-Length", str(len(body)))
        if self.close_lists:
            request.send_header("Connection", "close")
        request.end_headers()
        request.wfile.write(body)

    def watch(self, request, found, query, record) -> None:
        resource, namespace = found
        version = int(query.get("resourceVersion") or 0)
        with self.mutex:
            self.watch_number += 1
            number = self.watch_number
            if version < self.oldest:
                record[2] = 410
        if record[2] == 410:
            return self.fail(request, 410, "Expired")
        request.send_response(200)
        request.send_header("Content-Type", "application/json")
        request.send_header("Transfer-Encoding", "chunked")
        request.end_headers()
        request.wfile.flush()
        deadline = time.monotonic() + float(query.get("timeoutSeconds", 600))
        try:
            self.stream(request, (resource, namespace, query, number), version, deadline)
        except OSError:
            pass
        request.close_connection = True

    def stream(self, request, what, version: int, deadline: float) -> None:
        resource, namespace, query, number = what
        known = {}
        while True:
            lines = []
            with self.mutex:
                def ready():
                    return (self.stopping or number < self.cut_watches
                            or any(v > version for v, *_ in self.events[-1:]))
                self.mutex.wait_for(ready, max(0, min(1, deadline - time.monotonic())))
                if self.stopping or number < self.cut_watches or time.monotonic() > deadline:
                    break
                for v, r, kind, thing in self.events:
                    if v <= version:
                        continue
                    if r == resource and (kind == "BOOKMARK"
                                          or self.wanted(thing, namespace, query)):
                        lines.append({"type": kind, "object": thing})
                if self.events:
                    version = max(version, self.events[-1][0])
                cut = self.cut
            for line in lines:
                data = json.dumps(line).encode() + b"\n"
                if cut is not None:
                    part = cut(line)
                    if part is not None:
                        self.chunk(request, data[:part])
                        request.connection.close()
                        return
                self.chunk(request, data)
        request.wfile.write(b"0\r\n\r\n")

    @staticmethod
    def chunk(request, data: bytes) -> None:
        request.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))
        request.wfile.flush()
