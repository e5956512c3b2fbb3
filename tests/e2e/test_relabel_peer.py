"""Relabeling of targets, by a Prometheus 3.x in agent mode and by gleaner: one file with a job per
case, what /api/v1/targets says of each must be the same: labels, URL, interval, what was dropped,
how many. Where several labels are mapped to one name the last wins; the order of discovered labels
is random in Prometheus, so no case depends on it."""
import json
import unittest

from harness import paths
from harness.case import Case
from harness.peers import get
from harness.processes import Process, free_port

# Labels that later Prometheus 3.x adds to the discovered ones.
LATER = {"__scrape_native_histograms__", "__always_scrape_classic_histograms__",
         "__convert_classic_histograms_to_nhcb__"}


def rule(action, source=None, **rest) -> dict:
    made = {"action": action, **rest}
    if source is not None:
        made["source_labels"] = source if isinstance(source, list) else [source]
    return made


def to(target, source=None, replacement=None, **rest) -> dict:
    if replacement is not None:
        rest["replacement"] = replacement
    return rule("replace", source, target_label=target, **rest)


def set_to(target, value) -> dict:
    return to(target, replacement=value)


A = {"a": "Ab", "b": "x;y", "é": "É ß ǆ İ", "a.b": "dot", "__meta_x": "m", "__meta_a_b": "n",
     "__tmp_t": "t", "__own": "o", "empty": ""}
ADDRESSES = ["127.0.0.1:1", "localhost", "[::1]:2", "[::1]", "::1", "h:", "h:0", "h:+1", "h:http",
             "127.0.0.1:80", "127.0.0.1:443", "h:080", "a b:1", "x?y", "x#y", "u@h:1", "é:1",
             'q"h:1', "h\\b:1", "h%20:1", "h<b:1", "", "*:1"]

# Name → (rules, labels of the targets, addresses, further settings of the job).
CASES = {
    "no rules": ([], A, ["127.0.0.1:1", "127.0.0.1:1"], {}),
    "addresses": ([], {}, ADDRESSES, {}),
    "addresses https": ([], {}, ADDRESSES, {"scheme": "https"}),
    "case of actions": ([rule("LowerCase", "a", target_label="l"),
                         rule("UPPERCASE", "é", target_label="u")], A, None, {}),
    "case of é": ([rule("lowercase", "é", target_label="l")], A, None, {}),
    "expansion": ([to("r", "a", "<$1|${1}|$1_x|${1}_x|$$|$|$0|$10|$name|${|${}|$é>")], A, None, {}),
    "named groups": ([to("r", "b", "$q-$p-${p}$1", regex="(?P<p>.*);(?<q>.*)")], A, None, {}),
    "one name twice": ([to("r", "a", "<$n>", regex="(?P<n>z)?(?P<n>A.*)|(?P<n>q)")], A, None, {}),
    "target with a group": ([to("t_$1", "a", "v"), to("${2}", "b", "w", regex="(.*);(.*)")],
                            A, None, {}),
    "target becomes no name": ([to("$1", "empty", "v"), to("a b", "a")], A, None, {}),
    "no match changes nothing": ([to("a", "a", "new", regex="nope")], A, None, {}),
    "emptied is deleted": ([to("a", "a", "$2"), set_to("b", "")], A, None, {}),
    "only a target": ([to("a")], A, None, {}),
    "separator": ([to("r", ["a", "none", "b"], separator="é"), to("s", ["a", "b"], separator="")],
                  A, None, {}),
    "dot takes a line feed": ([to("r", "a", regex="(.+)")], {"a": "x\ny"}, None, {}),
    "dollar is the end": ([to("r", "a", "v", regex="x$")], {"a": "x\n"}, None, {}),
    "escapes its anchors": ([to("r", "a", "v", regex="A)|(b")], A, None, {}),
    "hashmod": ([rule("hashmod", "a", target_label=f"h{m}", modulus=m)
                 for m in (1, 2, 1000, 2**32, 2**63, 2**64 - 1)], A, None, {}),
    "hashmod of nothing": ([rule("hashmod", target_label="h", modulus=97)], A, None, {}),
    "keep": ([rule("keep", "__address__", regex=".*:1")], A, ["a:1", "a:2", "b:1"], {}),
    "drop": ([rule("drop", "__address__", regex=".*:1"), set_to("r", "v")],
             A, ["a:1", "a:2"], {}),
    "keep without source": ([rule("keep", regex=".+")], A, None, {}),
    "keepequal": ([rule("keepequal", "a", target_label="__address__")],
                  {"a": "x:1"}, ["x:1", "X:1"], {}),
    "dropequal missing": ([rule("dropequal", "none", target_label="none_either")], A, None, {}),
    "labelmap": ([rule("labelmap", regex="__meta_(.+)")], A, None, {}),
    "labelmap to params": ([rule("labelmap", regex="__meta_(.+)", replacement="__param_$1")],
                           A, None, {"params": {"x": ["1", "2"], "z": ["3"]}}),
    "labelmap order": ([rule("labelmap", regex="job|a", replacement="r"),
                        rule("labelmap", regex="__s.*e__|__m.*h__", replacement="s")], A, None, {}),
    "labelmap to no name": ([rule("labelmap", regex="a", replacement="x y")], A, None, {}),
    "labeldrop": ([rule("labeldrop", regex="a.*|job")], A, None, {}),
    "labelkeep": ([rule("labelkeep", regex="__.*|b")], A, None, {}),
    "labels all dropped": ([rule("labeldrop", regex=".*")], A, None, {}),
    "no address left": ([rule("labeldrop", regex="__address__")], A, None, {}),
    "instance set": ([to("instance", "__address__", regex="(.*):.*")], {}, None, {}),
    "job removed": ([set_to("job", "")], {}, None, {}),
    "job of the group": ([], {"job": "other", "instance": "i"}, None, {}),
    "scheme": ([to("__scheme__", "__address__", "https", regex=".*:2")],
               {}, ["127.0.0.1:1", "127.0.0.1:2"], {}),
    "odd scheme": ([set_to("__scheme__", "ftp")], {}, None, {}),
    "path": ([to("__metrics_path__", "p", regex="(.*)")], {"p": "probe?a=b#c d%20é//..;,"}, None, {}),
    "path removed": ([set_to("__metrics_path__", "")], {}, None, {}),
    "params": ([set_to("__param_x", "é &=+"), set_to("__param_é", "v"), set_to("__param_", "w")],
               {}, None, {"params": {"x": ["1", "2", "2"], "e": [""]}}),
    "param removed": ([set_to("__param_x", "")], {}, None, {"params": {"x": ["1", "2"]}}),
    "intervals": ([to("__scrape_interval__", "i"), to("__scrape_timeout__", "t")],
                  {"i": "90s", "t": "1m"}, None, {}),
    "interval in weeks": ([set_to("__scrape_interval__", "1y2w")], {}, None, {}),
    "keep_dropped_targets": ([rule("drop", regex=".*")], A, ["h:1", "h:2", "h:3", "h:4"],
                             {"keep_dropped_targets": 2}),
    "utf8 names": ([set_to("é.b", "v"), rule("labelmap", regex="(é)", replacement="${1}2")],
                   A, None, {}),
    "tmp and own": ([rule("labelmap", regex="__(own|tmp_t)", replacement="got_$1")], A, None, {}),
}
# Refused: neither scraped nor dropped.
for label, values in {"__scrape_interval__": ["0s", "soon", "15", "-1s", "1.5s", "5s"],
                      "__scrape_timeout__": ["0s", "x", "2h"], "__address__": ["", "a/b"]}.items():
    for value in values:
        CASES[f"{label} {value!r}"] = ([set_to(label, value)], {}, None, {})


def shown(target: dict) -> dict:
    discovered = {k: v for k, v in target["discoveredLabels"].items() if k not in LATER}
    return {"discovered": discovered, **{k: target[k] for k in (
        "labels", "scrapeUrl", "scrapeInterval", "scrapeTimeout") if k in target}}


def of_job(data: dict, name: str) -> dict:
    def lines(key):
        return sorted({json.dumps(shown(t), sort_keys=True, ensure_ascii=False)
                       for t in data[key] if t["scrapePool"] == name})
    dropped = lines("droppedTargets")
    count = data["droppedTargetCounts"].get(name)
    # Which of them are kept is a matter of chance.
    if CASES[name][3].get("keep_dropped_targets"):
        dropped = len(dropped)
    return {"active": lines("activeTargets"), "dropped": dropped, "count": count}


class RelabelPeer(Case):
    def start(self, name: str, program) -> str:
        port = free_port()
        self.started(Process(name, [program, "--agent", f"--config.file={self.file}",
                                    f"--storage.agent.path={self.work}/{name}",
                                    f"--web.listen-address=127.0.0.1:{port}",
                                    "--storage.remote.flush-deadline=1s"],
                             self.work / f"{name}.log", None, self.work))
        return f"http://127.0.0.1:{port}/api/v1/targets"

    def data_of(self, url: str):
        """None before all targets are there: those of the last job with one are."""
        try:
            data = json.loads(get(url, 10))["data"]
        except OSError:
            return None
        pools = {t["scrapePool"] for t in data["activeTargets"]}
        return data if "utf8 names" in pools and "no rules" in pools else None

    def test_the_same_targets(self):
        self.file = self.work / "prometheus.yml"
        self.file.write_text(json.dumps({
            "global": {"scrape_interval": "1h"},
            "scrape_configs": [
                # nothing leaves this machine, whatever a target is called
                {"job_name": name, "proxy_url": "http://127.0.0.1:1", "relabel_configs": rules,
                 **settings,
                 "static_configs": [{"targets": addresses or ["127.0.0.1:1"], "labels": labels}]}
                for name, (rules, labels, addresses, settings) in CASES.items()],
            "remote_write": [{"url": "http://127.0.0.1:1/api/v1/write"}]}))
        urls = [self.start("prometheus", paths.PEERS / "later/usr/bin/prometheus"),
                self.start("gleaner", paths.GLEANER)]
        for url in urls:
            self.wait(lambda url=url: self.data_of(url) is not None, f"targets of {url}")
        theirs, mine = (self.data_of(url) for url in urls)
        for name in CASES:
            with self.subTest(name):
                self.assertEqual(of_job(theirs, name), of_job(mine, name))
        active = {t["scrapePool"] for t in mine["activeTargets"]}
        for name in CASES:
            if name.startswith("__"):
                self.assertNotIn(name, active)


if __name__ == "__main__":
    unittest.main()
