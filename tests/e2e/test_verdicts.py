"""What Prometheus in agent mode takes and refuses: the verdicts that tests/data/config_verdicts.json
has, asked again of the real one. unit/agent/config_verdicts judges gleaner by the same file.

`test_verdicts.py --record` asks for all of them, of both programs, and writes the file anew."""
import json
import pathlib
import subprocess
import sys
import tempfile
import unittest
import urllib.error
import urllib.request

from harness.case import Case
from harness.paths import DATA, GLEANER, PEERS, peer_environment
from harness.peers import get
from harness.processes import Process, free_port
from harness.waiting import wait_until

FILE = DATA / "config_verdicts.json"
STEP = 23  # of the values of a key; all of them take minutes
AT_ONCE = 200  # files of one `gleaner check`


class Judge:
    """A Prometheus in agent mode that is told to reload one file after the other."""

    def __init__(self, folder: pathlib.Path):
        self.file = folder / "prometheus.yml"
        self.file.write_text("global: {}\n")
        self.url = f"http://127.0.0.1:{free_port()}"
        self.process = Process(
            "prometheus", [PEERS / "later/usr/bin/prometheus", "--agent", f"--config.file={self.file}",
                           f"--storage.agent.path={folder}/data", "--web.enable-lifecycle",
                           f"--web.listen-address={self.url[7:]}",
                           "--storage.remote.flush-deadline=1ms",
                           # no pool of the file before has a say, as at a start
                           "--scrape.discovery-reload-interval=1h"],
            folder / "log", peer_environment(), folder)

    def start(self):
        self.process.start()
        wait_until(lambda: get(f"{self.url}/-/ready", 2), "prometheus to be ready")
        return self

    def stop(self):
        self.process.stop()

    def takes(self, text: str, again: bool = True):
        """None: it hangs or ends. Asked twice, as the file before may be what ends it."""
        self.file.write_bytes(text.encode())
        request = urllib.request.Request(f"{self.url}/-/reload", method="POST")
        try:
            urllib.request.urlopen(request, timeout=20).read()
            return True
        except urllib.error.HTTPError:
            return False
        except OSError:
            self.process.kill()
            self.file.write_text("global: {}\n")
            self.start()
            return self.takes(text, False) if again else None


def pieces(data: dict, step: int):
    """(text, mark, place): a list and an index where the mark stands."""
    turn = 0
    for section in data["sections"]:
        for key, marks in section["keys"].items():
            for i in range(turn % step, len(marks), step):
                text = section["text"].replace("KEY", key, 1)
                at = text.index("VALUE")
                yield text[:at] + data["values"][i] + text[at + 5:], marks[i], (section, key, i)
            turn += 1
    for row in data["documents"]:
        yield row["text"], row["mark"], (row, "mark", 0)


class Verdicts(Case):
    def test_prometheus_says_what_was_recorded(self):
        data = json.loads(FILE.read_text())
        judge = self.started(Judge(self.work))
        version = json.loads(get(f"{judge.url}/api/v1/status/buildinfo"))["data"]["version"]
        if not version.startswith(data["prometheus"] + "."):
            self.skipTest(f"recorded of Prometheus {data['prometheus']}, this is {version}")
        wrong = []
        tried = 0
        for text, mark, _ in pieces(data, STEP):
            if mark == "?":
                continue
            tried += 1
            if judge.takes(text) is not (mark in "+o"):
                wrong.append((mark, text))
        self.assertGreater(tried, 3000)
        self.assertEqual([], wrong[:10], f"{len(wrong)} of {tried}")


def gleaner_takes(folder: pathlib.Path, texts: list) -> list:
    """Each is alone in its folder, as Prometheus's is: there are patterns of files in them."""
    found = []
    for first in range(0, len(texts), AT_ONCE):
        names = []
        for i, text in enumerate(texts[first:first + AT_ONCE]):
            names.append(folder / str(i) / "prometheus.yml")
            names[-1].parent.mkdir(exist_ok=True)
            names[-1].write_bytes(text.encode())
        done = subprocess.run([GLEANER, "check", "--json", *names], capture_output=True, check=False)
        found += [json.loads(line)["valid"] for line in done.stdout.splitlines()]
    return found


def record() -> None:
    data = json.loads(FILE.read_text())
    with tempfile.TemporaryDirectory() as folder:
        judge = Judge(pathlib.Path(folder)).start()
        asked = list(pieces(data, 1))
        ours = gleaner_takes(pathlib.Path(folder), [text for text, _, _ in asked])
        for (text, mark, (holder, key, i)), taken in zip(asked, ours):
            theirs = None if mark == "?" else judge.takes(text)
            mark = "?" if theirs is None else "-i"[taken] if not theirs else "o+"[taken]
            marks = holder["keys"] if "keys" in holder else holder
            marks[key] = marks[key][:i] + mark + marks[key][i + 1:]
        judge.stop()
    FILE.write_text(json.dumps(data, indent=1) + "\n")


if __name__ == "__main__":
    if sys.argv[1:] == ["--record"]:
        record()
    else:
        unittest.main()
