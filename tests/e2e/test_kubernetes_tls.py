"""Kubernetes discovery over TLS: as a pod in the cluster finds its API server (service account,
tokens and CA that rotate), and by kubeconfig files. A Prometheus beside it must find the same."""
import base64
import json
import pathlib
import unittest

from harness import agent, cluster, paths
from harness.case import Case
from harness.certificates import Certificates
from harness.kubernetes import ApiServer
from harness.peers import get
from harness.processes import Process, free_port

PODS = "/api/v1/pods"
NAMED = [{"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
         {"target_label": "__address__", "replacement": "127.0.0.1:1"}]


def pod(name: str) -> dict:
    return {"metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}"},
            "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
            "status": {"podIP": "10.0.0.1", "phase": "Running"}}


class KubernetesTls(Case):
    def setUp(self):
        super().setUp()
        self.ca = Certificates(self.work / "ca")
        self.certificate = self.ca.pair("server")

    def server(self, **options) -> ApiServer:
        return self.stopped(ApiServer(**{"certificate": self.certificate, **options}))

    @staticmethod
    def job(name: str = "k", **section) -> dict:
        return {"job_name": name, "relabel_configs": NAMED,
                "kubernetes_sd_configs": [{"role": "pod", **section}]}

    def gleaner(self, jobs: list, account=None, server=None, start: bool = True):
        running = self.agent(agent.config(jobs, []), start=False)
        if account is not None:
            account.wrap(running.process, server)
        return running.start() if start else running

    def prometheus(self, jobs: list, account=None, server=None) -> str:
        file = self.work / "prometheus.yml"
        file.write_text(json.dumps({"scrape_configs": jobs}))
        port = free_port()
        process = Process("prometheus", [
            paths.PEERS / "later/usr/bin/prometheus", "--agent", f"--config.file={file}",
            f"--storage.agent.path={self.work}/prometheus",
            f"--web.listen-address=127.0.0.1:{port}"], self.work / "prometheus.log")
        if account is not None:
            account.wrap(process, server)
        self.started(process)
        return f"http://127.0.0.1:{port}"

    @staticmethod
    def pods(found: dict) -> dict:
        out = {}
        for target in found["activeTargets"]:
            out.setdefault(target["scrapePool"], set()).add(target["labels"].get("pod"))
        return out

    def mine(self, running) -> dict:
        return self.pods(running.api("targets"))

    def theirs(self, prometheus: str) -> dict:
        try:
            return self.pods(json.loads(get(f"{prometheus}/api/v1/targets"))["data"])
        except OSError:
            return {}

    def wait_pods(self, running, *names, prometheus: str = None) -> None:
        self.wait(lambda: self.mine(running) == {"k": set(names)}, f"targets {names}")
        if prometheus is not None:
            self.wait(lambda: self.theirs(prometheus) == {"k": set(names)},
                      f"Prometheus's targets {names}", 90)

    def failing(self, running) -> int:
        return running.metrics().sum("gleaner_sd_kubernetes_watches_failing")

    # ---- in the cluster ----

    def account(self, **files) -> cluster.ServiceAccount:
        if not cluster.possible():
            self.skipTest("mounts of one's own are not allowed here: in-cluster is not tried")
        return cluster.ServiceAccount(self.work / "account", **{
            "ca_crt": self.ca.ca.read_text(), "token": "first", "namespace": "default", **files})

    def test_token_rotates_in_mid_watch(self):
        account = self.account()
        server = self.server(token="first")
        server.put("pods", pod("one"))
        running = self.gleaner([self.job()], account, server)
        prometheus = self.prometheus([self.job()], account, server)
        self.wait_pods(running, "one", prometheus=prometheus)
        account.write(token="second")  # the open watches do not mind
        server.token = "second"
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two", prometheus=prometheus)
        server.end_watches()
        server.put("pods", pod("three"))
        self.wait_pods(running, "one", "two", "three", prometheus=prometheus)
        self.assertEqual(0, self.failing(running))
        log = running.process.log()
        self.assertNotIn("second", log)
        self.assertNotIn("cannot watch", log)

    def test_token_that_expired_and_comes_late(self):
        account = self.account()
        server = self.server(token="first")
        server.put("pods", pod("one"))
        running = self.gleaner([self.job()], account, server)
        self.wait_pods(running, "one")
        server.token = "second"
        server.end_watches()
        self.wait(lambda: self.failing(running) == 1, "the watch to fail with 401")
        server.put("pods", pod("two"))
        self.assertEqual({"k": {"one"}}, self.mine(running))
        account.write(token="second")
        self.wait_pods(running, "one", "two")
        server.refuse = (403, {})
        server.end_watches()
        self.wait(lambda: self.failing(running) == 1, "the watch to fail with 403")
        server.delete("pods", "default", "one")
        self.assertEqual({"k": {"one", "two"}}, self.mine(running))
        self.assertIn("403", running.process.log())
        server.refuse = None
        self.wait_pods(running, "two")

    def test_ca_rotates(self):
        account = self.account()
        server = self.server(token="first")
        server.close_lists = True  # each watch is a connection of its own
        server.put("pods", pod("one"))
        running = self.gleaner([self.job()], account, server)
        self.wait_pods(running, "one")
        other = Certificates(self.work / "other", "another CA")
        server.use(other.pair("server"))
        server.end_watches()
        self.wait(lambda: self.failing(running) == 1, "the certificate to be refused")
        server.put("pods", pod("two"))
        self.assertEqual({"k": {"one"}}, self.mine(running))
        self.assertIn("not trusted", running.process.log())
        account.write(ca_crt=self.ca.ca.read_text() + other.ca.read_text())
        self.wait_pods(running, "one", "two")
        self.assertEqual(0, self.failing(running))

    def test_gone_and_lines_cut(self):
        account = self.account()
        server = self.server(token="first")
        server.put_all("pods", [pod("one"), pod("two")])
        running = self.gleaner([self.job()], account, server)
        prometheus = self.prometheus([self.job()], account, server)
        self.wait_pods(running, "one", "two", prometheus=prometheus)
        cuts = []

        def cut(line):
            if line["object"]["metadata"].get("name") == "three" and len(cuts) < 2:
                cuts.append(line)
                return 60
            return None
        server.cut = cut
        server.put("pods", pod("three"))
        self.wait_pods(running, "one", "two", "three", prometheus=prometheus)
        self.assertEqual(2, len(cuts))  # one of each of them
        with server.mutex:  # what no watch ever tells
            server.things["pods"].pop(("default", "one"))
            server.compact()
        self.wait_pods(running, "two", "three", prometheus=prometheus)

    def test_own_namespace(self):
        account = self.account()
        server = self.server(token="first")
        other = pod("other")
        other["metadata"]["namespace"] = "elsewhere"
        server.put_all("pods", [pod("one"), other])
        jobs = [self.job(namespaces={"own_namespace": True})]
        running = self.gleaner(jobs, account, server)
        self.wait_pods(running, "one", prometheus=self.prometheus(jobs, account, server))

    def test_server_away_at_the_start(self):
        account = self.account()
        server = self.server(token="first")
        server.put("pods", pod("one"))
        running = self.gleaner([self.job()], account, server)
        self.wait_pods(running, "one")
        running.stop()
        server.stop()
        running.start()
        self.wait_pods(running, "one")
        metrics = running.metrics()
        self.assertEqual(1, metrics.sum("gleaner_discovery_kept_in_use"))
        self.assertGreater(metrics.sum("gleaner_discovery_age_seconds"), 0)
        self.wait(lambda: self.failing(running) == 1, "the failure to be told")
        again = self.server(token="first", port=server.port)
        again.put("pods", pod("two"))
        self.wait_pods(running, "two")
        self.assertEqual(0, running.metrics().sum("gleaner_discovery_kept_in_use"))

    # ---- kubeconfig ----

    def users(self) -> dict:
        certificate, key = self.ca.pair("client")
        (self.work / "token").write_text("first\n")

        def encoded(file):
            return base64.b64encode(pathlib.Path(file).read_bytes()).decode()
        return {
            "token": {"token": "first"},
            "token_file": {"tokenFile": "token", "token": "wrong"},
            "password": {"username": "u", "password": "p"},
            "files": {"client-certificate": str(certificate.relative_to(self.work)),
                      "client-key": str(key)},
            "data": {"client-certificate-data": encoded(certificate),
                     "client-key-data": encoded(key)},
            "none": {},
        }

    def clusters(self, server: ApiServer) -> dict:
        ca = base64.b64encode(self.ca.ca.read_bytes()).decode()
        unnamed = {"server": server.url, "certificate-authority-data": ca}
        return {
            "ca_data": {**unnamed, "tls-server-name": "api.test"},
            "ca_file": {"server": server.url + "/", "certificate-authority": "ca/ca.pem",
                        "tls-server-name": "api.test"},
            "no_name": unnamed,
            "wrong_name": {**unnamed, "tls-server-name": "other.test"},
            "no_ca": {"server": server.url, "tls-server-name": "api.test"},
            "skip": {"server": server.url, "insecure-skip-tls-verify": True},
        }

    def compare(self, server: ApiServer, users: dict, want: set) -> None:
        """Each user with each cluster; want: jobs that must find the pod."""
        server.put("pods", pod("one"))
        jobs = [self.job(f"{c}-{u}", kubeconfig_file=cluster.kubeconfig(
                    self.work / f"{c}-{u}.json", of_cluster, of_user))
                for c, of_cluster in self.clusters(server).items()
                for u, of_user in users.items()]
        running = self.gleaner(jobs)
        prometheus = self.prometheus(jobs)
        found = {name: {"one"} for name in want}
        self.wait(lambda: self.theirs(prometheus) == found, "Prometheus's targets")
        self.wait(lambda: self.mine(running) == found, "the same targets")

    def test_kubeconfig_tokens(self):
        server = self.server(token="first", certificate=self.ca.pair("api", ["api.test"], []))
        self.compare(server, {u: v for u, v in self.users().items() if u not in ("files", "data")},
                     {f"{c}-{u}" for c in ("ca_data", "ca_file", "skip")
                      for u in ("token", "token_file")})

    def test_kubeconfig_client_certificates(self):
        server = self.server(clients=self.ca.ca, certificate=self.ca.pair("api", ["api.test"], []))
        self.compare(server, {u: v for u, v in self.users().items()
                              if u in ("files", "data", "none")},
                     {f"{c}-{u}" for c in ("ca_data", "ca_file", "skip") for u in ("files", "data")})

    def test_kubeconfig_that_is_replaced(self):
        """Its server refuses the token: the file is read again."""
        server = self.server(token="first")
        server.put("pods", pod("one"))
        here = {"server": server.url, "certificate-authority": "ca/ca.pem"}
        file = cluster.kubeconfig(self.work / "config", here, {"token": "first"})
        running = self.gleaner([self.job(kubeconfig_file=file)])
        self.wait_pods(running, "one")
        server.token = "second"
        cluster.kubeconfig(self.work / "config", here, {"token": "second"})
        server.end_watches()
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")


if __name__ == "__main__":
    unittest.main()
