"""Kubernetes discovery against a scripted API server: what is scraped as pods come and go, and what
holds when lists expire, connections break, tokens change and the server is away."""
import json
import pathlib
import re
import time
import unittest

from harness import agent, paths
from harness.case import Case
from harness.kubernetes import ApiServer
from harness.tokens import Tokens

PODS = "/api/v1/pods"
KEEP = [{"action": "keep", "source_labels": ["__meta_kubernetes_pod_label_app"], "regex": "web"},
        {"source_labels": ["__meta_kubernetes_pod_annotation_address"],
         "target_label": "__address__"},
        {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"}]


def pod(name: str, address: str = "127.0.0.1:1", app: str = "web", ip: str = "10.0.0.1") -> dict:
    return {"metadata": {"name": name, "namespace": "default", "uid": f"uid-{name}",
                         "labels": {"app": app}, "annotations": {"address": address}},
            "spec": {"nodeName": "node-1", "containers": [{"name": "c", "image": "i"}]},
            "status": {"podIP": ip, "phase": "Running"}}


class Kubernetes(Case):
    def server(self, **options) -> ApiServer:
        return self.stopped(ApiServer(**options))

    def job(self, name: str, server: ApiServer, **section) -> dict:
        return {"job_name": name, "relabel_configs": KEEP, "kubernetes_sd_configs": [
            {"role": "pod", "api_server": server.url, **section}]}

    def run_agent(self, *jobs, endpoints=()):
        return self.agent(agent.config(list(jobs), list(endpoints)))

    @staticmethod
    def pods(running) -> set:
        return {t["labels"].get("pod") for t in running.api("targets")["activeTargets"]}

    def wait_pods(self, running, *names) -> None:
        self.wait(lambda: self.pods(running) == set(names), f"targets {names}")

    def wait_watch(self, server: ApiServer, more_than: int = 0) -> None:
        self.wait(lambda: server.count(PODS, watch="true") > more_than, "a watch")

    def test_pods_come_and_go(self):
        server = self.server()
        exporter = self.exporter(lambda _: "a 1\n")
        receiver = self.receiver()
        server.put_all("pods", [pod("one", exporter.address), pod("other", app="db")])
        running = self.run_agent(self.job("k", server),
                                 endpoints=[agent.endpoint(receiver.url)])
        self.wait_pods(running, "one")
        self.wait(lambda: self.samples(receiver, "one"), "samples of the first pod")
        server.put("pods", pod("two", exporter.address))
        self.wait_pods(running, "one", "two")
        self.wait(lambda: self.samples(receiver, "two"), "samples of the second pod")
        server.delete("pods", "default", "one")
        self.wait_pods(running, "two")
        self.wait(lambda: self.stale(receiver, "one"), "a staleness marker")
        server.put("pods", pod("two", exporter.address, app="db"))
        self.wait_pods(running)
        self.wait(lambda: self.stale(receiver, "two"), "a staleness marker")
        events = running.metrics()
        for event, n in (("add", 3), ("update", 1), ("delete", 1)):
            self.assertEqual(n, events.sum("prometheus_sd_kubernetes_events_total", role="pod",
                                           event=event), event)
        self.assertEqual(1, server.count(PODS, resourceVersion="0"))
        self.assert_no_faults(receiver)

    @staticmethod
    def series(receiver, name: str) -> dict:
        for labels, samples in receiver.samples().items():
            if {("__name__", "a"), ("pod", name)} <= set(labels):
                return samples
        return {}

    def samples(self, receiver, name: str) -> bool:
        return len(self.series(receiver, name)) > 1

    def stale(self, receiver, name: str) -> bool:
        samples = self.series(receiver, name)
        return bool(samples) and samples[max(samples)] == 0x7ff0000000000002

    def test_one_watch_for_many_jobs(self):
        server = self.server()
        server.put("pods", pod("one"))
        selected = {"selectors": [{"role": "pod", "label": "app=db"}]}
        jobs = [self.job(f"k{i}", server) for i in range(5)]
        running = self.run_agent(*jobs, self.job("selected", server, **selected))
        self.wait_pods(running, "one")
        self.wait(lambda: running.metrics().sum("gleaner_sd_kubernetes_watches") == 2, "two watches")
        self.wait(lambda: server.count(PODS, watch="true") == 2, "two watches at the server")
        self.assertEqual(2, server.count(PODS, limit="500"))
        self.assertEqual(5, len(running.api("targets")["activeTargets"]))
        # a reload that changes neither keeps both
        running.write(agent.config([*jobs, self.job("more", server)], []))
        running.reload()
        self.wait(lambda: len(running.api("targets")["activeTargets"]) == 6, "the new job's target")
        self.assertEqual(2, server.count(PODS, watch="true"))

    def test_lists_in_pages_and_expired_tokens(self):
        server = self.server(page_limit=3)
        server.put_all("pods", [pod(f"p{i}", ip=f"10.0.0.{i}") for i in range(8)])
        running = self.run_agent(self.job("k", server))
        names = [f"p{i}" for i in range(8)]
        self.wait_pods(running, *names)
        server.expire_tokens = 1
        server.delete("pods", "default", "p7")
        server.compact()  # the next watch is refused: a list in pages, whose token expires
        self.wait_watch(server, server.count(PODS, watch="true"))
        self.wait_pods(running, *names[:7])
        self.assertEqual(0, server.expire_tokens)

    def test_gone_is_listed_again(self):
        server = self.server()
        server.put_all("pods", [pod("one"), pod("two")])
        running = self.run_agent(self.job("k", server))
        self.wait_pods(running, "one", "two")
        self.wait_watch(server)
        with server.mutex:  # what no watch ever tells
            server.things["pods"].pop(("default", "one"))
            server.things["pods"][("default", "three")] = pod("three")
            server.compact()
        self.wait_pods(running, "two", "three")

    def test_lines_cut_and_bookmarks(self):
        server = self.server()
        server.put("pods", pod("one"))
        running = self.run_agent(self.job("k", server))
        self.wait_pods(running, "one")
        self.wait_watch(server)
        server.bookmark()
        cut = []

        def once(line):
            if line["object"]["metadata"].get("name") == "two" and not cut:
                cut.append(line)
                return 40
            return None
        server.cut = once
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")
        self.assertEqual(1, len(cut))
        watches = [q for p, q, *_ in server.requests if q.get("watch")]
        self.assertGreater(int(watches[-1]["resourceVersion"]), 101)
        self.assertEqual(1, server.count(PODS, limit="500"))
        self.assertEqual(0, running.metrics().sum("prometheus_sd_kubernetes_failures_total"))

    def test_token_file_is_read_again(self):
        server = self.server(token="first")
        token = self.work / "token"
        token.write_text("first\n")
        server.put("pods", pod("one"))
        running = self.run_agent(self.job(
            "k", server, authorization={"credentials_file": str(token)}))
        self.wait_pods(running, "one")
        self.wait_watch(server)
        server.token = "second"
        server.end_watches()
        self.wait(lambda: running.metrics().sum("gleaner_sd_kubernetes_watches_failing") == 1,
                  "a failing watch")
        self.assertEqual({"one"}, self.pods(running))
        token.write_text("second\n")
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")
        log = running.process.log()
        self.assertEqual(1, log.count("cannot watch Kubernetes objects"))
        self.assertEqual(1, log.count("Kubernetes objects are watched again"))
        self.assertNotIn("second", log)

    def test_server_away_keeps_targets(self):
        server = self.server()
        server.put("pods", pod("one"))
        running = self.run_agent(self.job("k", server))
        self.wait_pods(running, "one")
        self.wait_watch(server)
        server.refuse = (503, {"Retry-After": "1"})
        server.end_watches()
        self.wait(lambda: running.metrics().sum("prometheus_sd_kubernetes_failures_total") > 1,
                  "failures")
        self.assertEqual({"one"}, self.pods(running))
        server.refuse = None
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")

    def test_targets_survive_a_restart_without_the_server(self):
        server = self.server()
        server.put("pods", pod("one"))
        running = self.run_agent(self.job("k", server))
        self.wait_pods(running, "one")
        running.stop()
        server.refuse = (500, {})
        running.start()
        self.wait_pods(running, "one")
        server.refuse = None
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")

    def test_kubeconfig(self):
        server = self.server(token="secret")
        server.put("pods", pod("one"))
        (self.work / "token").write_text("secret\n")
        config = {
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": server.url + "/"}}],
            "users": [{"name": "me", "user": {"tokenFile": "token"}}],
        }
        file = self.work / "kubeconfig"
        file.write_text(json.dumps(config))
        running = self.run_agent({"job_name": "k", "relabel_configs": KEEP,
                                  "kubernetes_sd_configs": [
                                      {"role": "pod", "kubeconfig_file": str(file)}]})
        self.wait_pods(running, "one")

    def kubeconfig(self, server: ApiServer, user: dict) -> dict:
        """The job that reads it."""
        (self.work / "kubeconfig").write_text(json.dumps({
            "apiVersion": "v1", "kind": "Config", "current-context": "c",
            "contexts": [{"name": "c", "context": {"cluster": "here", "user": "me"}}],
            "clusters": [{"name": "here", "cluster": {"server": server.url}}],
            "users": [{"name": "me", "user": user}]}))
        return {"job_name": "k", "relabel_configs": KEEP, "kubernetes_sd_configs": [
            {"role": "pod", "kubeconfig_file": str(self.work / "kubeconfig")}]}

    def program(self, text: str) -> None:
        """What the kubeconfig's user runs; each run leaves a line with what it was told."""
        path = self.work / "get-token.new"
        path.write_text("#!/bin/sh\ncd \"$(dirname \"$0\")\"\n"
                        "echo \"$1 $WHO $KUBERNETES_EXEC_INFO\" >>runs\n" + text)
        path.chmod(0o700)
        path.rename(self.work / "get-token")

    def runs(self) -> list:
        path = self.work / "runs"
        return path.read_text().splitlines() if path.exists() else []

    @staticmethod
    def credential(version: str, **status) -> str:
        return "echo '" + json.dumps({
            "kind": "ExecCredential", "apiVersion": f"client.authentication.k8s.io/{version}",
            "status": status}) + "'\n"

    def test_a_program_gives_the_token(self):
        server = self.server(token="hush-1")
        server.put("pods", pod("one"))
        self.program(self.credential("v1", token="hush-1"))
        job = self.kubeconfig(server, {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1", "command": "./get-token",
            "args": ["first"], "env": [{"name": "WHO", "value": "me"}],
            "interactiveMode": "Never"}})
        running = self.run_agent(job)
        self.wait_pods(running, "one")
        self.wait_watch(server)
        self.assertEqual(['first me {"kind":"ExecCredential","apiVersion":'
                          '"client.authentication.k8s.io/v1","spec":{"interactive":false}}'],
                         self.runs())
        # another token: the answer 401 has the program asked again
        self.program(self.credential("v1", token="hush-2"))
        server.token = "hush-2"
        server.end_watches()
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")
        self.assertEqual(2, len(self.runs()))
        # a program that fails: what is known stays, and its words are told
        self.program("echo 'please log in' >&2\nexit 7\n")
        server.token = "hush-3"
        server.end_watches()
        self.wait(lambda: "failed with status 7: please log in" in running.process.log(),
                  "the reason")
        self.assertEqual({"one", "two"}, self.pods(running))
        # one that never ends: the rest goes on
        self.program("exec sleep 1000\n")
        runs = len(self.runs())
        self.wait(lambda: len(self.runs()) > runs, "another run")
        self.assertEqual({"one", "two"}, self.pods(running))
        self.assertEqual(0, running.stop())
        self.assertNotIn("hush-", running.process.log())

    def test_a_program_s_credentials_expire(self):
        server = self.server(token="hush")
        server.put("pods", pod("one"))
        self.program(self.credential("v1beta1", token="hush",
                                     expirationTimestamp="2001-01-01T00:00:00Z"))
        running = self.run_agent(self.kubeconfig(server, {"exec": {
            "apiVersion": "client.authentication.k8s.io/v1beta1", "command": "./get-token"}}))
        self.wait_pods(running, "one")
        self.wait_watch(server)
        before = len(self.runs())
        time.sleep(1.1)  # it has served those that waited for it
        server.end_watches()
        self.wait(lambda: len(self.runs()) > before, "another run")
        self.wait_watch(server, more_than=1)
        self.assertEqual(0, running.stop())

    def test_tokens_of_an_oauth2_server(self):
        tokens = self.stopped(Tokens())
        server = self.server(token="token-1")
        server.put("pods", pod("one"))
        oauth2 = {"client_id": "me", "client_secret": "hush", "token_url": tokens.url}
        tokens.down = True
        running = self.run_agent(self.job("k", server, oauth2=oauth2,
                                          attach_metadata={"node": True, "namespace": True}))
        self.wait(lambda: f"oauth2: cannot get a token from {tokens.url}"
                  in running.process.log(), "the reason")
        with tokens.mutex:
            tokens.asked.clear()
            tokens.down = False
        self.wait_pods(running, "one")
        self.assertEqual(1, len(tokens.asked))  # for three watches
        server.token = "token-2"
        server.end_watches()
        server.put("pods", pod("two"))
        self.wait_pods(running, "one", "two")
        self.assertEqual(0, running.stop())
        self.assertNotIn("hush", running.process.log())
        self.assertNotIn("token-1", running.process.log())

    @unittest.skipIf(paths.BUILD.name in ("asan", "tsan"), "a sanitizer's memory is its own")
    def test_memory_of_ten_thousand_pods(self):
        """20 MiB over the agent that knows one pod; 1 in 100 is scraped."""
        server = self.server()
        server.put("pods", pod("one"))
        running = self.run_agent(self.job("k", server))
        self.wait_pods(running, "one")
        before = self.anonymous(running)
        server.put_all("pods", [self.large_pod(i) for i in range(10000)])
        self.wait(lambda: running.metrics().sum("gleaner_sd_kubernetes_objects") == 10001,
                  "all pods")
        self.wait(lambda: len(running.api("targets?state=active")["activeTargets"]) == 101,
                  "the targets")
        self.wait(lambda: self.anonymous(running) - before <= 20 << 20, "memory to settle", 30)
        print(f"{(self.anonymous(running) - before) / 2**20:.1f} MiB", end=" ")
        self.assertLess(running.metrics().sum("gleaner_sd_kubernetes_bytes"), 12 << 20)

    @unittest.skipIf(paths.BUILD.name in ("asan", "tsan"), "a sanitizer's memory is its own")
    def test_memory_of_ten_thousand_targets(self):
        """All are scraped: 20 MiB for objects and targets; changes do not double it."""
        server = self.server()
        exporter = self.exporter(lambda _: "a 1\n")
        server.put_all("pods", [self.large_pod(i) for i in range(10000)])
        job = {**self.job("k", server), "scrape_interval": "1h", "relabel_configs": [
            {"target_label": "__address__", "replacement": exporter.address},
            {"source_labels": ["__meta_kubernetes_pod_name"], "target_label": "pod"},
            {"source_labels": ["__meta_kubernetes_namespace"], "target_label": "namespace"}]}
        running = self.run_agent(job)

        def targets():
            return running.metrics().sum("prometheus_target_scrape_pool_targets", scrape_job="k")
        self.wait(lambda: targets() == 10000, "the targets")
        bound = 20 << 20
        self.assertLess(running.metrics().sum("gleaner_memory_bytes", part="targets"), bound)
        for i in range(5):
            server.put("pods", {**self.large_pod(i), "status": {"podIP": "10.0.0.1"}})
        server.delete("pods", "default", self.large_pod(9)["metadata"]["name"])
        self.wait(lambda: targets() == 9999, "the target to go")
        self.assertLess(running.metrics().sum("gleaner_memory_bytes", part="targets"), bound)
        peak = pathlib.Path(f"/proc/{running.process.child.pid}/status").read_text()
        peak = int(re.search(r"VmHWM:\s+(\d+) kB", peak).group(1)) << 10
        print(f"{peak / 2**20:.1f} MiB", end=" ")
        self.assertLess(peak, 64 << 20)  # series and schedule of the targets included

    @staticmethod
    def anonymous(running) -> int:
        text = pathlib.Path(f"/proc/{running.process.child.pid}/status").read_text()
        return int(re.search(r"RssAnon:\s+(\d+) kB", text).group(1)) << 10

    @staticmethod
    def large_pod(i: int) -> dict:
        """What a pod of a Deployment looks like, with what no label needs."""
        thing = pod(f"shop-frontend-6d5f8c7b9d-{i:05}", "127.0.0.1:1",
                    "web" if i % 100 == 0 else "db", f"10.42.{i // 256}.{i % 256}")
        thing["metadata"]["labels"].update({"pod-template-hash": "6d5f8c7b9d", "tier": "front",
                                            "app.kubernetes.io/name": "shop"})
        thing["metadata"]["ownerReferences"] = [
            {"kind": "ReplicaSet", "name": "shop-frontend-6d5f8c7b9d", "controller": True}]
        thing["metadata"]["managedFields"] = [{"fieldsV1": {f"f:{k}": {} for k in range(60)}}]
        container = thing["spec"]["containers"][0]
        container.update({"image": "registry.example/shop/frontend:1.2.3", "env": [
            {"name": f"VARIABLE_{k}", "value": "x" * 20} for k in range(20)],
            "ports": [{"name": "http", "containerPort": 8080, "protocol": "TCP"}]})
        thing["status"]["containerStatuses"] = [
            {"name": "c", "containerID": "containerd://" + f"{i:064x}"}]
        return thing

    def test_asks_for_what_the_example_of_rights_allows(self):
        """Neither more nor less, with all roles and all that can be attached."""
        text = (paths.SOURCE / "deploy/kubernetes/discovery-rbac.yaml").read_text()
        allowed = set()
        for group, resources, verbs in re.findall(
                r"apiGroups: \[(.*?)\]\n *resources: \[(.*?)\]\n *verbs: \[(.*?)\]", text):
            allowed |= {(group.strip('"'), resource, verb) for resource in resources.split(", ")
                        for verb in verbs.split(", ")}
        attach = {"node": True, "namespace": True}
        more = {"deployment": True, "job": True, "cronjob": True}
        server = self.server()
        self.run_agent(*[
            self.job(role, server, role=role, **({"attach_metadata": {
                **(attach if role in ("pod", "endpoints", "endpointslice")
                   else {"namespace": True}), **(more if role == "pod" else {})}}
                if role != "node" else {}))
            for role in ("node", "pod", "service", "endpoints", "endpointslice", "ingress")])

        def asked():
            with server.mutex:
                seen = [(path, "watch" if query.get("watch") else "list")
                        for path, query, *_ in server.requests]
            out = set()
            for path, verb in seen:
                parts = path.split("/")
                out.add((parts[2] if parts[1] == "apis" else "", parts[-1], verb))
            return out
        self.wait(lambda: len(asked()) >= len(allowed), "all lists and watches")
        self.assertEqual(allowed, asked())

    def test_own_cluster_is_not_there(self):
        running = self.run_agent({"job_name": "k", "kubernetes_sd_configs": [{"role": "pod"}]})
        self.wait(lambda: "KUBERNETES_SERVICE_HOST" in running.process.log(), "the reason")


if __name__ == "__main__":
    unittest.main()
