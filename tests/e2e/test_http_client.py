"""The HTTP client's settings as they are written in a file: tokens, proxies, redirects, headers."""
import base64
import collections
import select
import socket
import threading
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.certificates import Certificates
from harness.exporter import Handler, Page, Server
from harness.paths import fetch_peers
from harness.peers import Nginx, get
from harness.tokens import Tokens


class _ProxyHandler(Handler):
    def do_CONNECT(self):
        owner = self.server.owner
        with owner.mutex:
            owner.counts["CONNECT"] += 1
            owner.headers.append(dict(self.headers))
        host, port = self.path.rsplit(":", 1)
        with socket.create_connection((host, int(port)), 10) as there:
            self.send_response(200)
            self.end_headers()
            self.copy(there)
        self.close_connection = True

    def copy(self, there) -> None:
        pair = {self.connection: there, there: self.connection}
        while True:
            for ready in select.select(list(pair), [], [])[0]:
                data = ready.recv(65536)
                if not data:
                    return
                pair[ready].sendall(data)

    def do_GET(self):
        owner = self.server.owner
        with owner.mutex:
            owner.counts["GET"] += 1
            owner.headers.append(dict(self.headers))
        body = get(self.path)
        self.send_response(200)
        self.send_header("Content-Type", "text/plain; version=0.0.4")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Proxy(Server):
    def __init__(self):
        self.mutex = threading.Lock()
        self.counts = collections.Counter()
        self.headers = []
        super().__init__(_ProxyHandler)
        self.url = f"http://{self.address}"


class HttpClient(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def headers_of(self, exporter) -> list:
        with exporter.mutex:
            return [headers for _, _, headers in exporter.requests]

    def up(self, agent, job_name: str, value: float):
        return self.wait(lambda: any(t["health"] == ("up" if value else "down")
                                     for t in agent.api("targets")["activeTargets"]
                                     if t["labels"]["job"] == job_name),
                         f"{job_name} to be {'up' if value else 'down'}")

    # ---- oauth2 ----

    def oauth2(self, tokens, **more) -> dict:
        return {"client_id": "agent", "token_url": tokens.url, **more}

    def test_oauth2_of_a_job_and_an_endpoint(self):
        tokens = self.stopped(Tokens())
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        receiver = self.receiver()
        secret = self.work / "secret"
        secret.write_text("hush-1\n")
        oauth2 = self.oauth2(tokens, client_secret_file=str(secret), scopes=["a", "b"],
                             endpoint_params={"audience": "us"})
        agent = self.agent(config(
            [job("a", exporter.address, oauth2=oauth2)],
            [endpoint(receiver.url, name="central", oauth2=oauth2)]))
        self.wait(lambda: receiver.count() > 9, "samples")
        self.assertEqual(2, len(tokens.asked))  # one each, for many requests
        basic = "Basic " + base64.b64encode(b"agent:hush-1").decode()
        for authorization, form in tokens.asked:
            self.assertEqual(basic, authorization)
            self.assertEqual({"grant_type": ["client_credentials"], "scope": ["a b"],
                              "audience": ["us"]}, form)
        self.assertTrue(all(h.get("Authorization", "").startswith("Bearer token-")
                            for h in self.headers_of(exporter)))
        secret.write_text("hush-2\n")
        basic = "Basic " + base64.b64encode(b"agent:hush-2").decode()
        self.wait(lambda: [a for a, _ in tokens.asked].count(basic) == 2, "other tokens")
        shown = get(f"{agent.url}/api/v1/status/config").decode()
        self.assertNotIn("hush", shown + agent.process.log())
        self.assertNotIn("token-", shown + agent.process.log())
        self.assertEqual(0, agent.stop())

    def test_a_token_server_that_is_away_is_the_target_s_error(self):
        tokens = self.stopped(Tokens())
        tokens.down = True
        guarded = self.exporter(lambda n: pages.gauges(3, n))
        plain = self.exporter(lambda n: pages.gauges(3, n))
        receiver = self.receiver()
        agent = self.agent(config(
            [job("guarded", guarded.address, oauth2=self.oauth2(tokens)),
             job("plain", plain.address)], [endpoint(receiver.url, name="central")]))
        self.up(agent, "plain", 1)
        self.up(agent, "guarded", 0)
        error = [t["lastError"] for t in agent.api("targets")["activeTargets"]
                 if t["labels"]["job"] == "guarded"][0]
        self.assertIn(f"oauth2: cannot get a token from {tokens.url}", error)
        self.assertIn("temporarily_unavailable", error)
        self.assertEqual([], self.headers_of(guarded))
        tokens.down = False
        self.up(agent, "guarded", 1)
        self.assertEqual(0, agent.stop())

    # ---- proxies ----

    def test_proxies(self):
        proxy = self.stopped(Proxy())
        certificates = Certificates(self.work / "tls")
        receiver = self.receiver()
        nginx = self.started(Nginx(self.work / "nginx", {"/receive": receiver.url},
                                   certificates.pair("server", ("localhost",))))
        through = self.exporter(lambda n: pages.gauges(3, n))
        around = self.exporter(lambda n: pages.gauges(3, n))
        agent = self.agent(config(
            [job("through", through.address, proxy_url=proxy.url),
             job("around", around.address, proxy_url=proxy.url, no_proxy="127.0.0.0/8")],
            [endpoint(f"{nginx.url}/receive", name="central", proxy_url=proxy.url,
                      proxy_connect_header={"X-Proxy-Key": ["hush"]}, headers={"X-Own": "mine"},
                      authorization={"credentials": "hush too"},
                      tls_config={"ca_file": str(certificates.ca)})]))
        self.wait(lambda: receiver.count() > 9, "samples")
        self.up(agent, "through", 1)
        self.up(agent, "around", 1)
        with proxy.mutex:
            connects = [h for h in proxy.headers if "X-Proxy-Key" in h]
            counts = dict(proxy.counts)
        self.assertEqual(counts["CONNECT"], len(connects))
        self.assertFalse([h for h in connects if "X-Own" in h or "Authorization" in h])
        self.assertGreater(counts["GET"], 0)
        self.assertLess(counts["GET"], len(self.headers_of(through)) +
                        len(self.headers_of(around)))
        self.assertNotIn("hush", get(f"{agent.url}/api/v1/status/config").decode())
        self.assertEqual(0, agent.stop())

    # ---- redirects ----

    def test_redirects_take_no_credentials_to_another_host(self):
        elsewhere = self.exporter(lambda n: pages.gauges(3, n))
        target = f"http://localhost:{elsewhere.port}/metrics"
        first = self.exporter(lambda n: Page("", status=302, headers={"Location": target}))
        receiver = self.receiver()
        agent = self.agent(config(
            [job("bearer", first.address, authorization={"credentials": "hush"},
                 http_headers={"X-Key": {"secrets": ["hush"]}, "Cookie": {"values": ["hush"]}}),
             job("basic", first.address, basic_auth={"username": "u", "password": "hush"})],
            [endpoint(receiver.url, name="central")]))
        self.up(agent, "bearer", 1)
        self.up(agent, "basic", 1)
        self.assertTrue(all("Authorization" in h for h in self.headers_of(first)))
        self.assertTrue([h for h in self.headers_of(first) if h.get("X-Key") == "hush"])
        for headers in self.headers_of(elsewhere):
            for name in ("Authorization", "X-Key", "Cookie"):
                self.assertNotIn(name, headers)
        self.assertEqual(0, agent.stop())

    # ---- headers, HTTP/2, extra series ----

    def test_headers_from_files_are_read_again(self):
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        key = self.work / "key"
        key.write_text("one\n")
        agent = self.agent(config(
            [job("a", exporter.address,
                 http_headers={"X-Key": {"files": [str(key)]}})],
            [endpoint(self.receiver().url, name="central")]))
        self.wait(lambda: [h for h in self.headers_of(exporter) if h.get("X-Key") == "one"],
                  "the header")
        key.write_text("two\n")
        self.wait(lambda: [h for h in self.headers_of(exporter) if h.get("X-Key") == "two"],
                  "the other header")
        self.assertEqual(0, agent.stop())

    def test_http2_when_it_is_wanted(self):
        certificates = Certificates(self.work / "tls")
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        pair = certificates.pair("server", ("localhost",))
        new, old = (self.started(Nginx(
            self.work / name, {"/metrics": f"http://{exporter.address}/metrics"}, pair,
            protocols="TLSv1.2 TLSv1.3")) for name in ("new", "old"))
        tls = {"ca_file": str(certificates.ca)}
        receiver = self.receiver()
        agent = self.agent(config(
            [job("new", new.address, scheme="https", tls_config=tls, extra_scrape_metrics=True),
             job("old", old.address, scheme="https", tls_config=tls, enable_http2=False)],
            [endpoint(receiver.url, name="central", send_exemplars=True)]))
        self.up(agent, "new", 1)
        self.up(agent, "old", 1)
        for name, version, other in (("new", "2.0", "1.1"), ("old", "1.1", "2.0")):
            access = (self.work / name / "access.log").read_text()
            self.assertIn(f'"GET /metrics HTTP/{version}" 200', access)
            self.assertNotIn(f"HTTP/{other}", access)
        self.wait(lambda: receiver.samples(name="scrape_body_size_bytes", job="new"), "extra series")
        self.assertFalse(receiver.samples(name="scrape_body_size_bytes", job="old"))
        self.assertIn("send_exemplars has no effect here", agent.process.log())
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
