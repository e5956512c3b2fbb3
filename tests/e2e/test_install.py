"""`cmake --install`: everything arrives, links among the papers hold, the unit starts what was
installed."""
import os
import re
import subprocess
import unittest

from harness.case import Case
from harness.paths import BUILD, GLEANER, SOURCE

WANTED = {
    "bin/gleaner", "share/man/man1/gleaner.1", "share/man/man5/gleaner.yml.5", "lib/systemd/system/gleaner@.service",
    "lib/sysusers.d/gleaner.conf", "share/doc/gleaner/LICENSE", "share/doc/gleaner/README.md",
    "share/doc/gleaner/CHANGELOG.md", "share/doc/gleaner/docs/CONFIG.md",
    "share/doc/gleaner/docs/METRICS.md", "share/doc/gleaner/docs/ARCHITECTURE.md",
    "share/doc/gleaner/wal/FORMAT.md", "share/doc/gleaner/deploy/README.md",
    "share/doc/gleaner/configs/tenant-a/agent.yml", "share/doc/gleaner/configs/tenant-b/agent.yml",
    "share/doc/gleaner/deploy/kubernetes/base/deployment.yaml",
}
LINK = re.compile(r"\]\(([^)#:]+)\)")  # within the project: no scheme


class Install(Case):
    def install(self, prefix: str):
        """Below a DESTDIR; returns the prefix in there."""
        done = subprocess.run(["cmake", "--install", str(BUILD), "--prefix", prefix], text=True,
                              capture_output=True, stdin=subprocess.DEVNULL,
                              env={**os.environ, "DESTDIR": str(self.work / "root")})
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return self.work / "root" / prefix.lstrip("/")

    def test_everything_arrives(self):
        root = self.install("/opt/gleaner")
        found = {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}
        self.assertEqual(set(), WANTED - found)
        self.assertEqual(GLEANER.stat().st_size, (root / "bin/gleaner").stat().st_size)
        done = subprocess.run([str(root / "bin/gleaner"), "check", "--config-dir",
                               str(root / "share/doc/gleaner/configs"), "--tenant=tenant-a"],
                              text=True, capture_output=True, stdin=subprocess.DEVNULL)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual([], list((self.work / "root").glob("etc")))

    def test_links_hold(self):
        """Of what users read; code and tests are not installed."""
        papers = self.install("/usr") / "share/doc/gleaner"
        for paper in ("README.md", "configs/README.md", "deploy/README.md", "docs/CONFIG.md",
                      "docs/FROM-PROMETHEUS.md", "docs/FROM-VMAGENT.md"):
            for link in LINK.findall((papers / paper).read_text()):
                place = ((papers / paper).parent / link).resolve()
                if not link.startswith("bench/") and link != "docs/gleaner.1":
                    self.assertTrue(place.exists(), f"{paper} links to {link}")
                self.assertTrue(((SOURCE / paper).parent / link).exists(), f"{paper}: {link}")

    def test_the_unit_starts_what_was_installed(self):
        for prefix in ("/usr", "/usr/local"):
            unit = self.install(prefix) / "lib/systemd/system/gleaner@.service"
            self.assertIn(f"\nExecStart={prefix}/bin/gleaner --tenant=%i ", unit.read_text())


if __name__ == "__main__":
    unittest.main()
