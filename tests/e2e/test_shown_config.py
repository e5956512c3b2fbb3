"""/api/v1/status/config of a Prometheus 3.x in agent mode and of gleaner, key by key, for one file."""
import json
import unittest

from harness import block_yaml
from harness.case import Case
from harness.peers import both_agents, get

# What a configuration is shown as, with a value of every kind; secrets and texts of headers apart.
NOBODY = "127.0.0.1:1"
SHOWN = {
    "global": {"scrape_interval": "90s", "external_labels": {"site": "a", "yes": "1", "n": "yes"},
               "body_size_limit": "1537KB", "keep_dropped_targets": 5, "label_limit": 0},
    "scrape_config_files": ["more/*.yml"], "rule_files": [],
    "runtime": {"gogc": 50},
    "scrape_configs": [
        {"job_name": "least"},
        {"job_name": "much", "scrape_interval": "15s", "scrape_timeout": "1500ms",
         "honor_labels": True, "honor_timestamps": False, "metrics_path": "/m", "scheme": "https",
         "params": {"b": ["x", "y z"], "a": []}, "body_size_limit": 0, "sample_limit": 100,
         "basic_auth": {"username": "u", "password": "p"}, "enable_compression": False,
         "tls_config": {"ca_file": "ca.crt", "insecure_skip_verify": True, "min_version": "TLS12"},
         "proxy_url": f"http://u:pw@{NOBODY}", "proxy_connect_header": {"X": ["a"]},
         "http_headers": {"X-A": {"secrets": ["s"]}}, "follow_redirects": False,
         "scrape_protocols": ["PrometheusText0.0.4"], "enable_http2": False,
         "fallback_scrape_protocol": "PrometheusText0.0.4",
         "static_configs": [{"targets": [NOBODY, "127.0.0.1:2"], "labels": {"z": "1", "a": "b"}},
                            {"targets": ["127.0.0.1"]}],
         "relabel_configs": [
             {"source_labels": ["a", "b"], "regex": "x.*", "target_label": "t"},
             {"action": "drop", "source_labels": ["__address__"], "regex": "a:.*"},
             {"action": "labelmap", "regex": "__meta_(.+)"},
             {"action": "hashmod", "source_labels": ["a"], "target_label": "b", "modulus": 8},
             {"source_labels": ["a"], "separator": "", "target_label": "c", "replacement": "$1-x"}],
         "metric_relabel_configs": [{"action": "labeldrop", "regex": "foo|b.r"}]},
        {"job_name": "123", "scrape_interval": "5s", "authorization": {"type": "X", "credentials": "c"},
         "keep_dropped_targets": 6, "file_sd_configs": [{"files": ["a.json", "/x/b.yml"]}],
         "http_sd_configs": [{"url": f"http://{NOBODY}/x", "bearer_token": "abc"}],
         "kubernetes_sd_configs": [
             {"role": "node", "api_server": f"https://{NOBODY}", "namespaces": {"names": ["a"]},
              "selectors": [{"role": "node", "label": "a=b"}], "attach_metadata": {"node": True}}]},
        {"job_name": "old: #x", "bearer_token_file": "tok", "metric_name_validation_scheme": "legacy",
         "metric_name_escaping_scheme": "dots"},
        {"job_name": "é", "oauth2": {"client_id": "i", "client_secret": "s", "scopes": ["a"],
                                     "token_url": f"http://{NOBODY}"}}],
    "remote_write": [
        {"url": f"http://u:pw@{NOBODY}/w?token=x", "name": "r", "metadata_config": {"send": False},
         "write_relabel_configs": [
             {"action": "keep", "source_labels": ["__name__"], "regex": "a|b"}],
         "queue_config": {"capacity": 500, "max_backoff": "1m", "min_backoff": "30ms",
                          "max_samples_per_send": 2000, "batch_send_deadline": "5s"},
         "enable_http2": False},
        {"url": f"http://{NOBODY}/2", "remote_timeout": "5s"}]}
# docs/DIFFERENCES.md: defaults of our own, and of sections that have no effect in an agent.
SHOWN_OTHERWISE = {".remote_write[1].queue_config.max_samples_per_send", ".otlp",
                   ".remote_write[1].queue_config.batch_send_deadline",
                   ".remote_write[1].queue_config.min_backoff", ".remote_write[1].enable_http2",
                   ".remote_write[1].queue_config.max_backoff"}
# What Prometheus leaves out, though it holds.
SHOWN_MORE = {"regex": "(.*)", "separator": "", "retry_on_http_429": "true"}


def shown_otherwise(theirs, mine, at: str = "") -> list:
    if at in SHOWN_OTHERWISE or theirs == mine:
        return []
    if isinstance(theirs, dict) and isinstance(mine, dict):
        more = [f"{at}.{key}: {mine[key]} is there" for key in mine if key not in theirs
                and at + key not in ("wal", "agent") and SHOWN_MORE.get(key) != mine[key]]
        return more + [line for key in theirs
                       for line in shown_otherwise(theirs[key], mine.get(key), f"{at}.{key}")]
    if isinstance(theirs, list) and isinstance(mine, list) and len(theirs) == len(mine):
        return [line for i, pair in enumerate(zip(theirs, mine))
                for line in shown_otherwise(*pair, f"{at}[{i}]")]
    return [f"{at}: {mine}, Prometheus {theirs}"]


class ShownConfig(Case):
    def check(self, settings: dict, but=()) -> None:
        def shown(url):
            try:
                return json.loads(get(f"{url}/api/v1/status/config", 10))["data"]["yaml"]
            except OSError:
                return None
        for name in ("ca.crt", "tok"):
            (self.work / name).write_text("")
        urls = both_agents(self, settings)
        for url in urls:
            self.wait(lambda url=url: shown(url), f"an answer of {url}")
        theirs, mine = (block_yaml.parse(shown(url)) for url in urls)
        for key in but:
            del theirs[key]
        wrong = shown_otherwise(theirs, mine)
        self.assertEqual([], wrong, "\n" + "\n".join(wrong))

    def test_values_of_every_kind(self):
        self.check(SHOWN)

    def test_nothing_is_written(self):
        self.check({"global": {}}, ["runtime"])


if __name__ == "__main__":
    unittest.main()
