"""One web configuration file for Prometheus 3.x in agent mode and gleaner: who is let in, by which
TLS, with which headers; changed files while both run; clients that stand still."""
import base64
import http.client
import json
import os
import shutil
import socket
import ssl
import unittest

from harness.agent import Agent, config, endpoint, job, run
from harness.case import Case
from harness.certificates import Certificates
from harness.paths import SOURCE, peer_environment
from harness.processes import Process, free_port

PROMETHEUS = SOURCE / "build/peers/later/usr/bin/prometheus"
# Of "secret", cost 5.
SECRET = "$2b$05$abcdefghijklmnopqrstuuOQiyCxlgf/oeuTqixKmWdcYUh4Hjl0a"
HEADERS = {"X-Frame-Options": "deny", "Content-Security-Policy": "default-src 'self'",
           "Strict-Transport-Security": "max-age=1", "X-XSS-Protection": "1"}


def basic(user: str, password: str) -> dict:
    return {"Authorization": "Basic "
            + base64.b64encode(f"{user}:{password}".encode()).decode()}


class Peer:
    """Prometheus in agent mode with the file."""

    def __init__(self, folder, web):
        folder.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        (folder / "p.yml").write_text("global: {}\n")
        self.process = Process(
            "prometheus", [PROMETHEUS, "--agent", f"--config.file={folder / 'p.yml'}",
                           f"--storage.agent.path={folder / 'data'}",
                           f"--web.listen-address=127.0.0.1:{self.port}",
                           f"--web.config.file={web}"],
            folder / "log", peer_environment(), folder)

    def start(self):
        self.process.start()
        self.process.wait_for_log("Listening on")
        return self

    def stop(self):
        self.process.stop()


class Ours:
    def __init__(self, folder, web, *flags):
        self.agent = Agent(folder, config([], []), flags=[f"--web.config.file={web}", *flags])
        self.port = int(self.agent.address.rsplit(":", 1)[1])
        self.process = self.agent.process

    def start(self):
        self.agent.start(ready=False)
        self.process.wait_for_log("msg=started")
        return self

    def stop(self):
        self.agent.stop()


class WebConfig(Case):
    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.work / "certs")
        self.stranger = Certificates(self.work / "stranger", "another CA")
        self.certificates.pair("server")
        self.certificates.pair("client", ("client.example",))
        self.stranger.pair("client", ("client.example",))
        self.web = self.work / "certs" / "web.yml"

    def write(self, **sections):
        temporary = self.web.with_suffix(".new")
        temporary.write_text(json.dumps(sections))
        os.replace(temporary, self.web)

    def context(self, client=None, **options) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=str(self.certificates.ca))
        for name, value in options.items():
            if name == "ciphers":
                context.set_ciphers(value)
            else:
                setattr(context, name, value)
        if client is not None:
            context.load_cert_chain(client.folder / "client.pem", client.folder / "client.key")
        return context

    def ask(self, port: int, context, headers=None, path="/-/healthy", method="GET"):
        """(status, the headers that the file may set, the TLS version); "refused"."""
        if context is None:
            connection = http.client.HTTPConnection("127.0.0.1", port, timeout=20)
        else:
            connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=20,
                                                     context=context)
        try:
            connection.connect()
            version = context and connection.sock.version()
            connection.request(method, path, headers=headers or {})
            answer = connection.getresponse()
            answer.read()
            shown = {name: answer.getheader(name) for name in
                     (*HEADERS, "WWW-Authenticate") if answer.getheader(name) is not None}
            return answer.status, shown, version
        except (OSError, http.client.HTTPException):
            return "refused"
        finally:
            connection.close()

    def both(self):
        ours = self.started(Ours(self.work / "ours", self.web))
        peer = self.started(Peer(self.work / "peer", self.web))
        return ours, peer

    def compare(self, cases: dict, **sections):
        """cases: name → (context, headers, what is wanted in the status)."""
        self.write(**sections)
        ours, peer = self.both()
        for name, (context, headers, want) in cases.items():
            with self.subTest(name):
                mine = self.ask(ours.port, context, headers)
                theirs = self.ask(peer.port, context, headers)
                self.assertEqual(theirs, mine)
                self.assertEqual(want, mine if mine == "refused" else mine[0])

    def test_passwords_without_tls(self):
        self.compare({
            "nobody": (None, None, 401),
            "wrong": (None, basic("alice", "wrong"), 401),
            "right": (None, basic("alice", "secret"), 200),
            "right again": (None, basic("alice", "secret"), 200),
            "wrong again": (None, basic("alice", "wrong"), 401),
            "another": (None, basic("bob", "secret"), 401),
            "no base64": (None, {"Authorization": "Basic x"}, 401),
            "another scheme": (None, {"Authorization": "Bearer x"}, 401),
            "lower case": (None, {"Authorization": "basic " + basic("alice", "secret")[
                "Authorization"][6:]}, 200),
            "longer": (None, basic("alice", "secret" + "x" * 100), 401),
        }, basic_auth_users={"alice": SECRET}, http_server_config={"headers": HEADERS})

    def test_tls(self):
        v = ssl.TLSVersion
        self.compare({
            "any": (self.context(), None, 200),
            "1.2": (self.context(maximum_version=v.TLSv1_2), None, 200),
            "1.3": (self.context(minimum_version=v.TLSv1_3), None, 200),
            "1.1": (self.context(minimum_version=v.TLSv1, maximum_version=v.TLSv1_1,
                                 ciphers="DEFAULT@SECLEVEL=0"), None, "refused"),
            "other ca": (ssl.create_default_context(cafile=str(self.stranger.ca)), None,
                         "refused"),
            "1.2, CBC": (self.context(maximum_version=v.TLSv1_2, ciphers="ECDHE-ECDSA-AES128-SHA"),
                         None, 200),
            "1.2, static": (self.context(maximum_version=v.TLSv1_2, ciphers="AES128-GCM-SHA256"),
                            None, "refused"),
        }, tls_server_config={"cert_file": "server.pem", "key_file": "server.key"},
            http_server_config={"headers": HEADERS})

    def test_old_tls_when_it_is_asked_for(self):
        v = ssl.TLSVersion
        self.compare({
            "1.0": (self.context(minimum_version=v.TLSv1, maximum_version=v.TLSv1,
                                 ciphers="DEFAULT@SECLEVEL=0"), None, 200),
            "1.2": (self.context(minimum_version=v.TLSv1_2, maximum_version=v.TLSv1_2), None,
                    "refused"),
            "1.3": (self.context(minimum_version=v.TLSv1_3), None, "refused"),
        }, tls_server_config={"cert_file": "server.pem", "key_file": "server.key",
                              "min_version": "TLS10", "max_version": "TLS11"})

    def test_suites_are_those_of_the_file(self):
        v = ssl.TLSVersion
        self.compare({
            "in it": (self.context(maximum_version=v.TLSv1_2,
                                   ciphers="ECDHE-ECDSA-AES256-GCM-SHA384"), None, 200),
            "not in it": (self.context(maximum_version=v.TLSv1_2,
                                       ciphers="ECDHE-ECDSA-AES128-GCM-SHA256"), None, "refused"),
            "1.3": (self.context(), None, 200),
        }, tls_server_config={"cert_file": "server.pem", "key_file": "server.key",
                              "cipher_suites": ["TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384"],
                              "curve_preferences": ["CurveP384", "CurveP256"]},
            http_server_config={"http2": False})  # Go's HTTP/2 wants a suite that is not there

    def test_certificates_of_clients(self):
        right = self.context(self.certificates)
        wrong = self.context(self.stranger)
        none = self.context()
        no, yes = "refused", 200
        for kind, wants in {"RequestClientCert": (yes, yes, yes),
                            "RequireAnyClientCert": (no, yes, yes),
                            "VerifyClientCertIfGiven": (yes, no, yes),
                            "RequireAndVerifyClientCert": (no, no, yes)}.items():
            with self.subTest(kind):
                self.compare({"none": (none, None, wants[0]), "wrong": (wrong, None, wants[1]),
                              "right": (right, None, wants[2])},
                             tls_server_config={"cert_file": "server.pem",
                                                "key_file": "server.key",
                                                "client_ca_file": "ca.pem",
                                                "client_auth_type": kind})
                self.doCleanups_of_servers()

    def doCleanups_of_servers(self):
        for folder in ("ours", "peer"):
            for function, arguments, _ in list(self._cleanups):
                if function == self._stop and arguments[0].process.cwd == self.work / folder:
                    self._stop(*arguments)
                    self._cleanups.remove((function, arguments, {}))
            shutil.rmtree(self.work / folder, ignore_errors=True)

    def test_names_of_clients(self):
        for names, want in ((["client.example"], 200), (["127.0.0.1"], 200),
                            (["Client.example", "example"], "refused")):
            with self.subTest(str(names)):
                self.compare({"right": (self.context(self.certificates), None, want)},
                             tls_server_config={"cert_file": "server.pem",
                                                "key_file": "server.key",
                                                "client_ca_file": "ca.pem",
                                                "client_allowed_sans": names,
                                                "client_auth_type": "RequireAndVerifyClientCert"})
                self.doCleanups_of_servers()

    def test_rate(self):
        cases = {f"{i}": (None, None, 200 if i < 3 else 429) for i in range(5)}
        self.compare(cases, rate_limit={"interval": "10m", "burst": 3},
                     http_server_config={"headers": HEADERS})

    def test_changed_files_hold_at_once(self):
        tls = {"cert_file": "server.pem", "key_file": "server.key"}
        self.write(tls_server_config=tls, basic_auth_users={"alice": SECRET})
        ours, peer = self.both()
        kept = http.client.HTTPSConnection("127.0.0.1", ours.port, context=self.context())
        kept.request("GET", "/-/healthy", headers=basic("alice", "secret"))
        self.assertEqual(200, kept.getresponse().read() and 200)
        # another user
        self.write(tls_server_config=tls, basic_auth_users={"carol": SECRET})
        for port in (ours.port, peer.port):
            self.assertEqual(401, self.ask(port, self.context(), basic("alice", "secret"))[0])
            self.assertEqual(200, self.ask(port, self.context(), basic("carol", "secret"))[0])
        kept.request("GET", "/-/healthy", headers=basic("alice", "secret"))
        answer = kept.getresponse()
        answer.read()
        self.assertEqual(401, answer.status)
        # another certificate, of another authority
        self.stranger.pair("server")
        for name in ("server.pem", "server.key"):
            os.replace(self.stranger.folder / name, self.certificates.folder / name)
        theirs = ssl.create_default_context(cafile=str(self.stranger.ca))
        for port in (ours.port, peer.port):
            self.assertEqual("refused", self.ask(port, self.context(), basic("carol", "secret")))
            self.assertEqual(200, self.ask(port, theirs, basic("carol", "secret"))[0])
        kept.request("GET", "/-/healthy", headers=basic("carol", "secret"))
        self.assertEqual(200, kept.getresponse().status)
        kept.close()
        # a broken file: the old one stays, and that shows
        self.web.write_text("tls_server_config: [\n")
        self.assertEqual(200, self.ask(ours.port, theirs, basic("carol", "secret"))[0])
        self.assertIn("cannot take the web configuration anew", ours.process.log())
        connection = http.client.HTTPSConnection("127.0.0.1", ours.port, context=theirs)
        connection.request("GET", "/metrics", headers=basic("carol", "secret"))
        page = connection.getresponse().read().decode()
        connection.close()
        self.assertIn("gleaner_web_config_last_reload_successful 0", page)
        self.assertNotIn(SECRET[7:], ours.process.log())

    def test_clients_that_stand_still(self):
        """Half-open handshakes and slow headers take every connection: others get in, and targets
        are scraped."""
        self.write(tls_server_config={"cert_file": "server.pem", "key_file": "server.key"})
        exporter = self.exporter(lambda *_: "metric 1\n")
        receiver = self.receiver()
        agent = Agent(self.work / "ours", config([job("j", exporter.address)],
                                                 [endpoint(receiver.url)]),
                      flags=[f"--web.config.file={self.web}", "--web.max-connections=8"])
        self.stopped(agent)
        agent.start(ready=False)
        agent.process.wait_for_log("msg=started")
        port = int(agent.address.rsplit(":", 1)[1])
        still = [socket.create_connection(("127.0.0.1", port)) for _ in range(12)]
        for s in still[:6]:
            s.sendall(b"\x16\x03\x01\x02\x00\x01")
        self.wait(lambda: self.ask(port, self.context())[0] == 200, "a client to get in")
        count = exporter.count()
        self.wait(lambda: exporter.count() > count + 2, "scrapes to go on")
        self.wait(lambda: self.ask(port, self.context())[0] == 200, "a client to get in again")
        for s in still:
            s.close()

    def test_check(self):
        self.write(tls_server_config={"cert_file": "server.pem", "key_file": "server.key"},
                   basic_auth_users={"alice": SECRET})
        good = run("check", "--web.config.file", self.web)
        self.assertEqual(0, good.returncode, good.stderr)
        self.assertIn("users: alice", good.stdout)
        self.write(tls_server_config={"cert_file": "server.pem", "key_file": "none.key"})
        bad = run("check", "--json", "--web.config.file", self.web)
        self.assertEqual(2, bad.returncode)
        line = json.loads(bad.stdout)
        self.assertFalse(line["valid"])
        self.assertEqual(1, line["messages"][0]["line"])
        agent = Agent(self.work / "ours", config([], []), flags=[f"--web.config.file={self.web}"])
        self.stopped(agent)
        agent.start(ready=False)
        self.assertNotEqual(0, agent.process.wait())
        self.assertIn("key_file", agent.process.log())


if __name__ == "__main__":
    unittest.main()
