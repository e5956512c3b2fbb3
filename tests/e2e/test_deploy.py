"""What deploy/ and configs/ ship: the unit, the manifests, the ready configurations."""
import json
import re
import shutil
import subprocess
import unittest

from harness.agent import run
from harness.case import Case
from harness.paths import GLEANER, SOURCE, fetch_peers, peer

TENANTS = ("tenant-a", "tenant-b")


class Systemd(Case):
    def setUp(self):
        super().setUp()
        text = (SOURCE / "deploy" / "systemd" / "gleaner@.service").read_text()
        self.unit = self.work / "gleaner@tenant-a.service"
        self.unit.write_text(text.replace("/usr/bin/gleaner", str(GLEANER)))

    def analyze(self, *arguments) -> subprocess.CompletedProcess:
        return subprocess.run(["systemd-analyze", *arguments, str(self.unit)], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL)

    def test_verify(self):
        done = self.analyze("verify", "--man=no")
        self.assertEqual((0, ""), (done.returncode, done.stderr))

    def test_exposure(self):
        done = self.analyze("security", "--offline=true", "--no-pager", "--threshold=20")
        self.assertEqual(0, done.returncode, done.stdout)

    def test_what_it_promises(self):
        text = self.unit.read_text()
        for line in ("Type=notify", "MemoryMax=200M", "Restart=always", "StartLimitIntervalSec=0",
                     "CapabilityBoundingSet=", "StateDirectory=gleaner", "User=gleaner"):
            self.assertIn(f"\n{line}\n", text)
        self.assertRegex(text, r"\nWatchdogSec=\d+\n")
        self.assertRegex(text, r"\nExecStart=\S+ --tenant=%i ")


class Kubernetes(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def build(self, tool: str, tenant: str) -> str:
        done = subprocess.run([tool, "kustomize", str(SOURCE / "deploy" / "kubernetes" / tenant)],
                              text=True, capture_output=True, stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stderr)
        return done.stdout

    def test_kustomize(self):
        tools = {peer("kubectl"), shutil.which("kubectl") or peer("kubectl")}
        for tool in tools:
            for tenant in TENANTS:
                with self.subTest((tool, tenant)):
                    self.check(self.build(tool, tenant), tenant)

    def check(self, text: str, tenant: str) -> None:
        kinds = re.findall(r"^kind: (\w+)$", text, re.M)
        self.assertEqual(["ConfigMap", "ConfigMap", "Deployment", "PersistentVolumeClaim",
                          "ServiceAccount"],
                         sorted(kinds))
        for line in ("replicas: 1", "type: Recreate", "memory: 200Mi", "runAsNonRoot: true",
                     "readOnlyRootFilesystem: true", "type: RuntimeDefault",
                     f"name: gleaner-{tenant}", f"claimName: gleaner-wal-{tenant}",
                     f"tenant: {tenant}", "path: /-/healthy", "path: /-/ready"):
            self.assertRegex(text, rf"(?m)^\s*{re.escape(line)}$")
        self.assertRegex(text, r"drop:\n\s+- ALL")
        # The ConfigMap's name carries its content's hash wherever it is used.
        for map_, times in (("config", 3), ("targets", 2)):
            (name,) = set(re.findall(rf"gleaner-{map_}-{tenant}-\w+", text))
            self.assertEqual(times, text.count(name))
        self.assertIn("scrape_configs:", text)

    def test_what_is_mounted_is_a_configuration(self):
        """The ConfigMaps' files, put where the projected volume has them, as the agent finds
        them: the cluster's targets, not those of a bare node."""
        for tenant in TENANTS:
            folder = self.work / tenant
            (folder / "targets").mkdir(parents=True)
            shutil.copy(SOURCE / "configs" / tenant / "agent.yml", folder)
            base = (SOURCE / "deploy/kubernetes/base/deployment.yaml").read_text()
            for path in (SOURCE / "deploy/kubernetes" / tenant / "targets").iterdir():
                self.assertIn(f"path: targets/{path.name}\n", base)
                shutil.copy(path, folder / "targets")
            early = run("check", f"--tenant={tenant}", folder / "agent.yml")
            self.assertIn(f'"{folder}/ca.crt" cannot be read', early.stderr)
            (folder / "ca.crt").touch()  # that of the ConfigMap gleaner-ca
            done = run("check", "--json", f"--tenant={tenant}", folder / "agent.yml")
            self.assertEqual(0, done.returncode, done.stderr)
            row = json.loads(done.stdout)
            self.assertEqual([], [m for m in row["messages"] if m["severity"] != "note"])
            urls = [t["url"] for job in row["jobs"] for t in job["targets"]]
            self.assertEqual(2, len(urls))
            self.assertNotIn("127.0.0.1", " ".join(urls))


class Configurations(Case):
    def test_both_pass_the_check(self):
        addresses = set()
        for tenant in TENANTS:
            done = run("check", "--config-dir", SOURCE / "configs", "--tenant", tenant)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)
            text = (SOURCE / "configs" / tenant / "agent.yml").read_text()
            for word in ("node-exporter", "kube-state-metrics", "192.168.101.194",
                         "cluster:", "tenant:"):
                self.assertIn(word, text)
            found = re.search(r"^\s+listen_address: *(\S+)", text, re.M)
            addresses.add(found.group(1) if found else "127.0.0.1:9095")
        self.assertEqual(2, len(addresses))  # both run on one node

    def test_what_a_site_changes_is_marked(self):
        """Every address and name that belongs to a site has a mark in the lines above it."""
        site = re.compile(r"192\.168\.|127\.0\.0\.1:(8080|9100)|central\.example|cluster-\d|"
                          r"image: |\.svc:|ca\.crt|gleaner-ca")
        seen = 0
        for folder in ("configs", "deploy/kubernetes"):
            for path in sorted((SOURCE / folder).rglob("*.y*ml")):
                lines = path.read_text().splitlines()
                for number, line in enumerate(lines):
                    if site.search(line.split("#")[0]):
                        seen += 1
                        self.assertIn("SITE:", "\n".join(lines[max(0, number - 4):number]),
                                      f"{path}:{number + 1}: {line}")
        self.assertGreater(seen, 15)

    def test_one_run_of_each_side_by_side(self):
        """Both at once; ports and the receiver's address are replaced, so that nothing leaves
        this machine."""
        agents = []
        for tenant in TENANTS:
            text = (SOURCE / "configs" / tenant / "agent.yml").read_text()
            text = text.replace("thanos-receive.central.example/", "127.0.0.1:1/")
            agent = self.agent(text, start=False, tenant=tenant, flags=("--shutdown-timeout=1s",))
            agents.append(agent)
            shutil.copytree(SOURCE / "configs" / tenant / "targets",
                            agent.config_path.parent / "targets")
            agent.start()
        for agent in agents:
            self.wait(lambda: len({t["scrapePool"]
                                   for t in agent.api("targets")["activeTargets"]}) == 2,
                      "the targets of both jobs")
            self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
