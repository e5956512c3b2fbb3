"""The command line: exit codes, both spellings of options, the subcommands, the tenant's name."""
import json
import re
import subprocess
import unittest

from harness import messages, pages
from harness.agent import config, endpoint, job, run
from harness.case import Case
from harness.paths import GLEANER, SOURCE
from harness.peers import get

GOOD = """\
global:
  scrape_interval: 15s
  external_labels: {cluster: here, tenant: "${TENANT}"}
scrape_configs:
  - job_name: a
    static_configs: [{targets: ['127.0.0.1:9100']}]
remote_write:
  - url: https://127.0.0.1:1/api/v1/receive
"""


class CommandLine(Case):
    def file(self, text: str, name: str = "agent.yml"):
        path = self.work / name
        path.write_text(text)
        return path

    def test_version_and_help(self):
        version = run("version")
        self.assertEqual(0, version.returncode, version.stderr)
        self.assertRegex(version.stdout, r"gleaner.* 0\.1\.0")
        text = run("--help")
        self.assertEqual(0, text.returncode, text.stderr)
        for option in ("--tenant", "--config-dir", "--config.file", "--data-dir",
                       "--web.listen-address", "--log.level", "--log.format",
                       "--shutdown-timeout", "--web.enable-lifecycle"):
            self.assertIn(option, text.stdout)

    def test_usage_errors_exit_with_2(self):
        for arguments in (["--tennant", "x"], ["--tenant"], ["--help=yes"], [], ["frobnicate"],
                          ["--tenant=x", "--log.level=loud"], ["--tenant=x", "--log.format=xml"],
                          ["--tenant=x", "--shutdown-timeout=fast"],
                          ["scrape"], ["scrape", "--json"], ["wal"], ["wal", "frobnicate"],
                          ["wal", "status", "--data-dir", self.work],
                          ["check", self.work / "nothing.yml"]):
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual(2, done.returncode, done.stdout + done.stderr)
                self.assertNotEqual("", done.stderr + done.stdout)
        self.assertIn("--tenant", run("--tennant", "x").stderr)
        for arguments in (["version", "extra"], ["version", "--foo"], ["wal", "--foo"]):
            with self.subTest(arguments):
                self.assertEqual(2, run(*arguments).returncode)
        self.assertIn("unknown option -x,", run("-x").stderr)

    def test_every_subcommand_explains_itself(self):
        for arguments in ([], ["check"], ["scrape"], ["wal"], ["wal", "status"], ["receive"],
                          ["version"]):
            for spelling in ("--help", "-help", "-h"):
                with self.subTest(arguments + [spelling]):
                    done = run(*arguments, spelling)
                    self.assertEqual(0, done.returncode, done.stderr)
                    self.assertEqual("", done.stderr)
                    self.assertIn("usage: gleaner", done.stdout)
                    self.assertIn("--help", done.stdout)

    def test_the_man_page_knows_every_option(self):
        page = (SOURCE / "docs" / "gleaner.1").read_text()
        for command in ([], ["check"], ["scrape"], ["wal"], ["receive"], ["version"]):
            found = re.findall(r"^ +--([a-z.-]+)", run(*command, "--help").stdout, re.M)
            self.assertIn("help", found)
            for option in found:
                self.assertIn(f"Fl -{option}", page, command)

    def test_tenant_must_be_a_plain_name(self):
        before = sorted(self.work.rglob("*"))
        for tenant in ("", ".", "..", "../x", "a/b", "/etc", ".hidden", "-x", "a b", "a" * 65,
                       "ü", "a\n"):
            with self.subTest(tenant):
                done = run("--tenant", tenant, "--config-dir", self.work, "--data-dir", self.work)
                self.assertEqual(2, done.returncode, done.stdout + done.stderr)
        self.assertEqual(before, sorted(self.work.rglob("*")))

    def test_missing_configuration_exits_with_2(self):
        done = run("--tenant", "tenant-a", "--config-dir", self.work, "--data-dir", self.work)
        self.assertEqual(2, done.returncode)
        self.assertIn("agent.yml", done.stderr)

    def test_every_line_of_a_json_log_is_json(self):
        warned = "global: {evaluation_interval: 5s}\nscrape_configs: []\n"
        for text in (warned, warned + "nonsense: 1\nwal: {max_age: 'a\nb'}\n", "{"):
            with self.subTest(text):
                done = run("--config.file", self.file(text), "--data-dir", self.work,
                           "--web.listen-address=127.0.0.1:nowhere", "--log.format=json")
                self.assertEqual(2, done.returncode)
                lines = [json.loads(line) for line in done.stderr.splitlines()]
                self.assertTrue(any(line.get("at", "").startswith(f"{self.work}/agent.yml:")
                                    and line["reason"] for line in lines), done.stderr)
                self.assertEqual("cannot start", lines[-1]["msg"])

    def test_check(self):
        good = self.file(GOOD)
        done = run("check", good)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        folder = self.work / "etc" / "tenant-a"
        folder.mkdir(parents=True)
        (folder / "agent.yml").write_text(GOOD)
        for spelling in ([f"--config-dir={self.work}/etc", "--tenant=tenant-a"],
                         ["--config-dir", self.work / "etc", "--tenant", "tenant-a"]):
            done = run("check", *spelling)
            self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_check_names_every_error(self):
        bad = self.file(GOOD.replace("scrape_interval: 15s", "scrape_intervall: 15s")
                            .replace("job_name: a", "job_name: a\n    scrape_timeout: soon"),
                        "bad.yml")
        done = run("check", self.file(GOOD), bad)
        text = done.stdout + done.stderr
        self.assertEqual(2, done.returncode, text)
        self.assertIn("bad.yml:2:3", text)
        self.assertIn("scrape_interval", text)
        self.assertIn("bad.yml:6:", text)
        self.assertIn("soon", text)

    def test_check_says_where_targets_collide(self):
        relabel = "    relabel_configs: [{target_label: job, replacement: a}]\n"
        (self.work / "more.yml").write_text(
            "scrape_configs:\n  - job_name: b\n"
            "    static_configs: [{targets: ['127.0.0.1:9100', '']}]\n" + relabel)
        done = run("check", self.file(GOOD + "scrape_config_files: ['*.yml']\n", "agent.yaml"))
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        self.assertIn(f"{self.work}/more.yml:3:33: warning: target http://127.0.0.1:9100/metrics of "
                      "job b has the same labels as target http://127.0.0.1:9100/metrics of job a "
                      f"({self.work}/agent.yaml:6)", done.stderr)
        self.assertIn(f'{self.work}/more.yml:3:51: warning: target "" of job b', done.stderr)

    def test_scrape_of_a_file_and_stdin_and_url(self):
        page = self.file('# TYPE a gauge\na{b="c"} 1.5\nz NaN 1234\n', "page.txt")
        exporter = self.exporter(lambda n: page.read_text())
        for source in (page, f"http://{exporter.address}/metrics"):
            done = run("scrape", "--json", source)
            self.assertEqual(0, done.returncode, done.stderr)
            rows = [json.loads(line) for line in done.stdout.splitlines()]
            self.assertEqual({"labels": {"__name__": "a", "b": "c"}, "value": "1.5",
                              "bits": "3ff8000000000000", "timestamp_ms": None}, rows[0])
            self.assertEqual(f"{messages.NAN:016x}", rows[1]["bits"])
            self.assertEqual(1234, rows[1]["timestamp_ms"])
            self.assertEqual(2, len(rows))
        done = run("scrape", page)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertIn("a", done.stdout)

    def test_figures_of_a_page(self):
        page = self.file('a{x="1"} 1\na{x="2"} 1\nb 1\n', "page.txt")
        done = run("scrape", "--stats", "--top=1", page)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual("metrics, by series: 2\n         2  a\n"
                         "labels, by values: 1\n         2  x\n", done.stdout)
        self.assertIn("3 samples on the page", done.stderr)
        for arguments in (["--stats", "--json"], ["--stats", "--top=x"], ["--stats", "--top="]):
            self.assertEqual(2, run("scrape", *arguments, page).returncode)

    def test_what_cannot_be_written_fails(self):
        page = self.file("a 1\n", "page.txt")
        for arguments in (["--help"], ["version"], ["check", "--print-keys"],
                          ["check", self.file(GOOD)], ["scrape", page],
                          ["scrape", "--json", page]):
            with self.subTest(arguments), open("/dev/full", "w", encoding="ascii") as full:
                done = subprocess.run([str(GLEANER), *map(str, arguments)], stdout=full,
                                      stderr=subprocess.PIPE, text=True)
                self.assertEqual(1, done.returncode, done.stderr)
                self.assertIn("cannot write", done.stderr)

    def test_slips_are_answered_with_what_was_meant(self):
        for arguments, said in ((["chek"], "did you mean check?"),
                                (["--tenant=x", "check"], '"check" is no option'),
                                (["wal", "stat"], "it is status"),
                                (["wal", "status", "x", "--tenant=x"], "no arguments"),
                                (["--tenant=x", "--data-dir="], "--data-dir is empty"),
                                (["--config.file", ""], "--config.file is empty"),
                                (["receive", "--listen=9201"], ":PORT"),
                                (["receive", "--listen=:99999"], "port from 0 to 65535")):
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual(2, done.returncode, done.stderr)
                self.assertIn(said, done.stderr)
        self.assertIn("usage: gleaner", run("help").stdout)
        done = run("scrape", "localhost:9100/metrics")
        self.assertEqual(1, done.returncode)
        self.assertIn("a URL begins with http://", done.stderr)
        done = run("scrape", "http://me:hunter2@127.0.0.1:1/")
        self.assertEqual(1, done.returncode)
        self.assertNotIn("hunter2", done.stderr)

    def test_odd_files(self):
        (self.work / "folder").mkdir()
        (self.work / "binary").write_bytes(bytes(range(1, 256)) * 400)
        (self.work / "zeros").write_bytes(bytes(20 << 20))
        (self.work / "loop").symlink_to("loop")
        for name in ("folder", "binary", "zeros", "loop", "missing"):
            with self.subTest(name):
                path = self.work / name
                for arguments, code in ((["check", path], 2), (["scrape", path], 1),
                                        (["scrape", "--config", path, path], 2),
                                        (["--config.file", path, "--data-dir", self.work], 2)):
                    done = run(*arguments)
                    self.assertEqual(code, done.returncode, done.stderr)
                    self.assertIn(str(path), done.stderr)
        self.assertEqual(0, run("scrape", self.file("", "empty")).returncode)

    def test_a_full_disk_at_the_first_start(self):
        """It says so, and the next start, with room, is as if nothing had been."""
        self.file("scrape_configs: []\n")
        script = """
mount -t tmpfs -o size=64k tmpfs full || exit 77
for free in 0 4 8 12 16; do
        dd if=/dev/zero of=full/x bs=1k count=$((64 - free)) 2>/dev/null
        timeout 60 "$0" --config.file agent.yml --data-dir full --web.listen-address=127.0.0.1:0 \
                2>&1 | grep 'msg="cannot start".*No space left on device' || exit 1
        rm full/x
done
mount -o remount,size=8m full
"$0" --config.file agent.yml --data-dir full --web.listen-address=[::1]:0 2>log &
while ! grep -q msg=started log; do
        kill -0 $! 2>/dev/null || { cat log >&2; exit 1; }
        sleep 0.1
done
kill $! && wait $!
"""
        (self.work / "full").mkdir()
        done = subprocess.run(["unshare", "-rm", "sh", "-c", script, str(GLEANER)], text=True,
                              cwd=self.work, capture_output=True, stdin=subprocess.DEVNULL)
        if done.returncode == 77 or "unshare" in done.stderr:
            self.skipTest(f"no file systems may be mounted here: {done.stderr}")
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)

    def test_scrape_applies_the_relabeling_of_the_job(self):
        page = self.file("keep_me 1\ndrop_me 2\n", "page.txt")
        path = self.file(GOOD.replace("    static_configs", """\
    metric_relabel_configs:
      - source_labels: [__name__]
        regex: drop_.*
        action: drop
    static_configs"""))
        done = run("scrape", "--config", path, "--job=a", "--json", page)
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertEqual(["keep_me"], [json.loads(line)["labels"]["__name__"]
                                       for line in done.stdout.splitlines()])
        done = run("scrape", "--config", path, "--job=zzz", "--json", page)
        self.assertEqual(2, done.returncode)

    def test_scrape_of_a_broken_page(self):
        page = self.file("good 1\nbad{ 2\n", "page.txt")
        done = run("scrape", "--json", page)
        self.assertEqual(1, done.returncode)
        row = json.loads(done.stdout.splitlines()[-1])
        self.assertEqual(2, row["line"])
        self.assertTrue(row["error"])
        self.assertGreater(row["column"], 0)
        self.assertEqual(1, run("scrape", "http://127.0.0.1:1/metrics").returncode)


class BesideTheAgent(Case):
    def test_default_tenant_sends_no_tenant_header(self):
        receiver = self.receiver()
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        agent = self.agent(config([job("a", exporter.address)], [endpoint(receiver.url)]),
                           start=False)
        argv = [a for a in agent.process.argv if not a.startswith("--config-dir")]
        at = argv.index("--tenant")
        argv[at:at + 2] = ["--config.file", str(agent.config_path)]
        agent.process.argv = argv
        agent.start()
        agent.tenant = "default"
        self.wait(lambda: receiver.count() > 0, "a request")
        self.assertNotIn("thanos-tenant", receiver.seen()[0].headers)
        self.assertTrue((agent.data / "default").is_dir())
        self.assertEqual(0o700, (agent.data / "default").stat().st_mode & 0o777)
        self.assertEqual(0, agent.stop())

    def test_tenant_header_and_label(self):
        receiver = self.receiver()
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        agent = self.agent(config([job("a", exporter.address)], [endpoint(receiver.url)]))
        self.wait(lambda: receiver.samples(name="test_gauge"), "samples")
        self.assertEqual("tenant-a", receiver.seen()[0].headers["thanos-tenant"])
        labels = dict(next(iter(receiver.samples(name="test_gauge"))))
        self.assertEqual("tenant-a", labels["tenant"])
        self.assertEqual(0, agent.stop())

    def test_wal_status(self):
        receiver = self.receiver()
        exporter = self.exporter(lambda n: pages.gauges(3, n))
        agent = self.agent(config([job("a", exporter.address)],
                                  [endpoint(receiver.url, name="central")]))
        self.wait(lambda: receiver.samples(name="test_gauge"), "samples")
        for spelling in (["--data-dir", agent.data, "--tenant", agent.tenant],
                         [f"--data-dir={agent.data}", f"--tenant={agent.tenant}"]):
            done = run("wal", "status", "--json", *spelling)
            self.assertEqual(0, done.returncode, done.stderr)
            (row,) = json.loads(done.stdout)["endpoints"]
            self.assertEqual("central", row["name"])
            self.assertGreater(row["acknowledged"], 0)
            self.assertEqual(0, run("wal", "status", *spelling).returncode)
        self.assertEqual(0, agent.stop())
        done = run("wal", "status", "--json", *spelling)  # beside a stopped one too
        (row,) = json.loads(done.stdout)["endpoints"]
        self.assertEqual(0, row["pending"])
        self.assertEqual(receiver.total(), row["acknowledged"])
        done = run("wal", "status", "--data-dir", agent.data, "--tenant", "nobody")
        self.assertEqual(1, done.returncode)

    def test_a_second_agent_on_the_same_log_is_refused(self):
        agent = self.agent(config([], []))
        other = list(agent.process.argv[1:])
        other[-1] = "--web.listen-address=127.0.0.1:0"
        done = run(*other)
        self.assertEqual(1, done.returncode)
        self.assertRegex(done.stderr, r"(in use|running|lock)")
        get(f"{agent.url}/-/healthy")
        self.assertEqual(0, agent.stop())


if __name__ == "__main__":
    unittest.main()
