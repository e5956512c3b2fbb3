"""Kubernetes discovery beside Prometheus's: both look at the same API server with the same file, and
must find the same targets with the same labels, before and after changes."""
import json
import unittest

from harness import agent, paths
from harness.case import Case
from harness.kubernetes import ApiServer
from harness.peers import get
from harness.processes import Process, free_port

OBJECTS = json.loads((paths.SOURCE / "tests" / "data" / "kubernetes.json").read_text())
ATTACHED = {"node": True}  # the others are newer than this Prometheus
# job: a section of kubernetes_sd_configs without its server
SECTIONS = {
    "nodes": {"role": "node"},
    "pods": {"role": "pod"},
    "pods_attached": {"role": "pod", "attach_metadata": ATTACHED},
    "pods_selected": {"role": "pod", "selectors": [
        {"role": "pod", "label": "app=web", "field": "spec.nodeName=node-1"}]},
    "pods_namespace": {"role": "pod", "namespaces": {"names": ["monitoring"]}},
    "services": {"role": "service"},
    "endpoints": {"role": "endpoints"},
    "endpoints_attached": {"role": "endpoints", "attach_metadata": ATTACHED},
    "slices": {"role": "endpointslice"},
    "slices_attached": {"role": "endpointslice", "attach_metadata": ATTACHED},
    "ingresses": {"role": "ingress"},
    "ingresses_namespaces": {"role": "ingress",
                             "namespaces": {"names": ["default", "monitoring"]}},
}
# Newer than the Prometheus that is compared with.
NEWER = ("__meta_kubernetes_node_condition_",)
OTHER_FAMILY = "dual-v4"  # a slice of a dual-stack service's second family: left out since then
OWN = ("__scrape_native_histograms__", "__convert_classic_histograms_to_nhcb__",
       "__always_scrape_classic_histograms__")


class KubernetesPeer(Case):
    def setUp(self):
        super().setUp()
        self.server = self.stopped(ApiServer())
        for resource, things in OBJECTS.items():
            self.server.put_all(resource, things)

    def settings(self) -> dict:
        jobs = [{"job_name": name,
                 "kubernetes_sd_configs": [{**section, "api_server": self.server.url}],
                 # nothing of it listens: all are dropped, and shown with what they had
                 "relabel_configs": [{"action": "drop", "source_labels": ["job"], "regex": ".+"}]}
                for name, section in SECTIONS.items()]
        return agent.config(jobs, [], interval="15s")

    def both(self) -> tuple:
        settings = self.settings()
        gleaner = self.agent(settings)
        settings.pop("wal")
        settings["global"].pop("external_labels")
        file = self.work / "prometheus.json.yml"
        file.write_text(json.dumps(settings))
        port = free_port()
        prometheus = Process(
            "prometheus", [paths.PEERS / "later/usr/bin/prometheus", "--agent",
                           f"--config.file={file}", f"--storage.agent.path={self.work}/prometheus",
                           f"--web.listen-address=127.0.0.1:{port}"],
            self.work / "prometheus.log", None, self.work)
        self.started(prometheus)
        return gleaner, f"http://127.0.0.1:{port}"

    @staticmethod
    def targets(found: dict) -> dict:
        """job → sorted label sets, as text."""
        out = {}
        for target in found["droppedTargets"]:
            labels = {k: v for k, v in target["discoveredLabels"].items()
                      if not k.startswith(NEWER) and k not in OWN and v != ""}
            if labels.get("__meta_kubernetes_endpointslice_name") == OTHER_FAMILY:
                continue
            out.setdefault(labels["job"], []).append(json.dumps(labels, sort_keys=True))
        return {job: sorted(set(sets)) for job, sets in out.items()}

    def theirs(self, prometheus: str) -> dict:
        return self.targets(json.loads(get(f"{prometheus}/api/v1/targets"))["data"])

    def compare(self, gleaner, prometheus: str, what: str, before=None) -> dict:
        """before: they must not be these any more."""
        seen = {"mine": {}, "theirs": {}}

        def same():
            seen["mine"] = self.targets(gleaner.api("targets"))
            seen["theirs"] = self.theirs(prometheus)
            return (set(seen["mine"]) == set(SECTIONS) and seen["mine"] == seen["theirs"]
                    and seen["mine"] != before)
        try:
            self.wait(same, what, 45)
        except AssertionError:
            self.fail(what + "\n" + "\n".join(self.differences(**seen)))
        return seen["mine"]

    @staticmethod
    def differences(mine: dict, theirs: dict) -> list:
        out = []
        for job in SECTIONS:
            a, b = set(mine.get(job, [])), set(theirs.get(job, []))
            out += [f"{job}: only gleaner: {x}" for x in sorted(a - b)]
            out += [f"{job}: only Prometheus: {x}" for x in sorted(b - a)]
        return out

    def test_same_targets(self):
        gleaner, prometheus = self.both()
        first = self.compare(gleaner, prometheus, "the same targets")
        pod = json.loads(json.dumps(OBJECTS["pods"][0]))
        pod["metadata"]["labels"]["app"] = "other"
        pod["status"]["conditions"] = [{"type": "Ready", "status": "Unknown"}]
        self.server.put("pods", pod)
        self.server.delete("nodes", "", "node-2")
        self.wait(lambda: any("other" in x for x in self.theirs(prometheus)["pods"])
                  and not any("node-2" in x for x in self.theirs(prometheus)["nodes"]),
                  "Prometheus to see the changes")
        # Prometheus makes the targets of endpoints anew when they change; gleaner when a pod or node does too
        for resource, things in (("endpoints", OBJECTS["endpoints"]),
                                 ("endpointslices", OBJECTS["endpointslices"])):
            thing = json.loads(json.dumps(things[0]))
            thing["metadata"]["labels"]["touched"] = "yes"
            self.server.put(resource, thing)
        self.server.delete("services", "default", "web")
        self.server.delete("ingresses", "monitoring", "plain")
        self.compare(gleaner, prometheus, "the same targets after changes", first)


if __name__ == "__main__":
    unittest.main()
