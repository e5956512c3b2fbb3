"""TLS towards receivers and targets: CA, client certificate, server_name, versions."""
import unittest

from harness import pages
from harness.agent import config, endpoint, job
from harness.case import Case
from harness.certificates import Certificates
from harness.paths import fetch_peers
from harness.peers import Nginx


class Tls(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def start(self, tls: dict, **options):
        """nginx before a receiver; names: of the server's certificate."""
        self.receiver_ = self.receiver()
        names = options.pop("names", ("localhost",))
        self.nginx = self.started(Nginx(
            self.work / f"nginx-{len(self.processes)}", {"/receive": self.receiver_.url},
            self.certificates.pair("server", names), **options))
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        return self.agent(config([job("a", exporter.address)],
                                 [endpoint(f"{self.nginx.url}/receive", name="central",
                                           tls_config=tls)]))

    def setUp(self):
        super().setUp()
        self.certificates = Certificates(self.work / "tls")
        self.ca = str(self.certificates.ca)

    def arrives(self, agent) -> None:
        self.wait(lambda: self.receiver_.samples(name="test_gauge"), "samples")
        self.assertEqual(0, agent.stop())
        self.assert_no_faults(self.receiver_)

    def fails(self, agent, words: str) -> None:
        """Nothing arrives, nothing is lost, the reason is in the log."""
        def told():
            return words.lower() in agent.process.log().lower()
        self.wait(told, f"{words!r} in the log")
        ledger = agent.ledger("central")
        ledger.check()
        self.assertEqual((0, 0), (ledger.acknowledged, ledger.lost))
        self.assertEqual(0, self.receiver_.count())
        self.assertEqual(0, agent.stop())

    def test_ca_file(self):
        self.arrives(self.start({"ca_file": self.ca}))

    def test_ca_inline(self):
        self.arrives(self.start({"ca": self.certificates.ca.read_text()}))

    def test_unknown_ca(self):
        self.fails(self.start({}), "certificate")

    def test_insecure_skip_verify(self):
        self.arrives(self.start({"insecure_skip_verify": True}))

    def test_server_name(self):
        tls = {"ca_file": self.ca, "server_name": "central.example"}
        self.arrives(self.start(tls, names=("central.example",)))

    def test_wrong_server_name(self):
        tls = {"ca_file": self.ca, "server_name": "other.example"}
        self.fails(self.start(tls, names=("central.example",)), "certificate")

    def test_client_certificate(self):
        certificate, key = self.certificates.pair("client")
        self.arrives(self.start({"ca_file": self.ca, "cert_file": str(certificate),
                                 "key_file": str(key)}, client_ca=self.certificates.ca))

    def test_client_certificate_missing_holds(self):
        """nginx answers 400 with a page: an operator's mistake must not erase a backlog."""
        self.fails(self.start({"ca_file": self.ca}, client_ca=self.certificates.ca), "400")

    def test_receiver_of_tls_1_2_is_refused(self):
        self.fails(self.start({"ca_file": self.ca}, protocols="TLSv1.2"), "min_version")

    def test_tls_1_2_when_allowed(self):
        self.arrives(self.start({"ca_file": self.ca, "min_version": "TLS12"},
                                protocols="TLSv1.2"))

    def test_certificates_are_read_again(self):
        """The client certificate is exchanged under the running agent."""
        certificate, key = self.certificates.pair("client")
        stranger = Certificates(self.work / "stranger").pair("client")
        mine = [self.work / "client.pem", self.work / "client.key"]
        for source, to in zip(stranger, mine):
            to.write_bytes(source.read_bytes())
        agent = self.start({"ca_file": self.ca, "cert_file": str(mine[0]),
                            "key_file": str(mine[1])}, client_ca=self.certificates.ca)
        self.wait(lambda: "400" in agent.process.log(), "the refusal")
        for source, to in zip((certificate, key), mine):
            to.write_bytes(source.read_bytes())
        agent.reload()
        self.arrives(agent)

    def test_scrape_over_tls(self):
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        nginx = self.started(Nginx(self.work / "nginx",
                                   {"/metrics": f"http://{exporter.address}"},
                                   self.certificates.pair("server"), protocols="TLSv1.2"))
        receiver = self.receiver()
        agent = self.agent(config([job("a", nginx.address, scheme="https",
                                       tls_config={"ca_file": self.ca})],
                                  [endpoint(receiver.url)]))
        self.wait(lambda: receiver.samples(name="test_gauge"), "samples")
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
