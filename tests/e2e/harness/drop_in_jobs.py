"""The jobs of test_drop_in.py: name → (settings of the job, page of a phase)."""
import time

from .exporter import Page

PHASES = 4
# Later than the start of the agents: Prometheus does not send what is older than itself. Not much
# later: gleaner holds what is more than half of agent.clock_tolerance ahead.
BEGIN_MS = int(time.time() * 1000) + 8000


HERE = "@here@"  # the exporter's address


def same(text):
    """A page that never changes."""
    return lambda phase: text


def status(*codes):
    return lambda phase: Page("a 1\nb 2\n", status=codes[phase % len(codes)])


def relabel(*rules):
    return {"metric_relabel_configs": list(rules)}


def targets(*rules):
    return {"relabel_configs": list(rules)}


def types(*kinds):
    return lambda phase: Page("a 1\nb 2\n", content_type=kinds[phase % len(kinds)])


MANY = "".join(f'm{{i="{i}"}} {i}\n' for i in range(20))

TWO = [{"targets": [HERE], "labels": {"t": t, "__param_t": t}} for t in "12"]
IDLE = {"target_limit", "interval_bad", "interval_zero", "timeout_over"}

JOBS = {
    # pages
    "values": ({}, lambda p: f"a {p}\nb NaN\nc +Inf\nd -Inf\ne 1e308\nf -0\ng 4.9e-324\nh .5\n"
               "i 5.\nj 1E3\nk +1\nl Nan\nm inf\nn -iNf\no infinity\n"),
    "hexfloat": ({}, same("a 0x1p-2\n")),
    "underscore": ({}, same("a 1_000\n")),
    "toolarge": ({}, same("a 1e999\n")),
    "timestamps": ({}, lambda p: f"a {p} {BEGIN_MS + 1000 * p}\nb 1\n"),
    "timestamps_off": ({"honor_timestamps": False}, lambda p: f"a {p} {1000 * p + 1}\nb 1\n"),
    "timestamps_some": ({}, lambda p: f"a {p} {BEGIN_MS + 1000 * p}\n" if p % 2 else "b 1\n"),
    "series_gone": ({}, lambda p: "".join(f"{n} 1\n" for n in ("abc", "ac", "ab", "b")[p])),
    "failing": ({}, status(200, 500, 200, 404)),
    "redirect_status": ({}, status(200, 204, 206, 200)),
    "broken_tail": ({}, lambda p: "a 1\nb 2\n" + ("c{ 1\n" if p == 1 else "")),
    "broken_head": ({}, lambda p: ("c{ 1\n" if p == 1 else "") + "a 1\nb 2\n"),
    "empty": ({}, lambda p: "" if p % 2 else "a 1\n"),
    "comments_only": ({}, same("# HELP a b\n# TYPE a counter\n# what else\n#\n")),
    "blank_lines": ({}, same("\n\na 1\n\n  \nb 2\n")),
    "leading_blank": ({}, same(" a 1\n\tb 2\n")),
    "tabs": ({}, same("a\t1\nb{x=\"y\"}\t2\nc { x = \"y\" , } 3\n")),
    "crlf": ({}, same("a 1\r\nb 2\r\n")),
    "no_last_newline": ({}, same("a 1\nb 2")),
    "no_last_newline_comment": ({}, same("a 1\n# what")),
    "trailing_words": ({}, same("a 1 2 3\n")),
    "trailing_blank": ({}, same(f"a 1 \nb 2 {BEGIN_MS} \n")),
    "fraction_timestamp": ({}, same("a 1 1.5\n")),
    "negative_timestamp": ({}, same("a 1 -5\n")),
    "escapes": ({}, same('a{x="q\\"b\\\\n\\nt\\t"} 1\n')),
    "empty_value": ({}, same('a{x=""} 1\na{y="1"} 2\n')),
    "label_twice": ({}, same('a{x="1",x="2"} 1\n')),
    "utf8_value": ({}, same('a{x="äöü€😀"} 1\n')),
    "utf8_name": ({}, same('{"höhe.über",x="1"} 1\n{"a b","c d"="e"} 2\n')),
    "utf8_bad": ({}, lambda p: b'a{x="\xff"} 1\n'),
    "utf8_legacy": ({"metric_name_validation_scheme": "legacy",
                     "metric_name_escaping_scheme": "underscores"}, same('{"höhe"} 1\n')),
    "name_colon": ({}, same(":a:b 1\na{_x=\"1\",x9=\"2\"} 1\n")),
    "name_digit": ({}, same("9a 1\n")),
    "name_dash": ({}, same("a-b 1\n")),
    "name_in_braces": ({}, same('{__name__="a"} 1\n')),
    "name_as_label": ({}, same('a{__name__="b"} 1\n')),
    "reserved_label": ({}, same('a{__x="1"} 1\n')),
    "no_name": ({}, same('{x="1"} 1\n')),
    "same_twice": ({}, same("a 1\na 2\nb 3\n")),
    "same_twice_other_order": ({}, same('a{x="1",y="2"} 1\na{y="2",x="1"} 2\n')),
    "same_twice_timestamps": ({}, same(f"a 1 {BEGIN_MS}\na 2 {BEGIN_MS + 1}\n")),
    "same_timestamp_twice": ({}, same(f"a 1 {BEGIN_MS}\na 2 {BEGIN_MS}\nb 3\n")),
    "histogram": ({}, lambda p: 'h_bucket{le="1"} 1\nh_bucket{le="2.0"} 2\nh_bucket{le="1e3"} 3\n'
                  f'h_bucket{{le="+Inf"}} {4 + p}\nh_sum 5\nh_count 4\n'),
    "histogram_typed": ({}, same('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="2.50"} 2\n'
                                 'h_bucket{le="1e3"} 3\nh_bucket{le="+Inf"} 4\nh_sum 5\n'
                                 "h_count 4\n")),
    "summary": ({}, same('# TYPE s summary\ns{quantile="0.5"} 1\ns{quantile="1"} 2\n'
                         's{quantile=".99"} 2\ns_sum 1\ns_count 1\n')),
    "type_twice": ({}, same("# TYPE a counter\n# TYPE a gauge\na 1\n")),
    "type_unknown": ({}, same("# TYPE a nonsense\na 1\n")),
    "help_escape": ({}, same("# HELP a b\\nc\\q\na 1\n")),
    "eof_in_text": ({}, same("a 1\n# EOF\nb 2\n")),
    "exemplar_in_text": ({}, same("a_total 1 # {x=\"y\"} 1\n")),
    "nul": ({}, same("a\0b 1\n")),
    "nul_value": ({}, same('a{x="b\0c"} 1\n')),
    "unclosed": ({}, same('a{x="1 1\n')),
    "no_value": ({}, same("a\n")),
    "quotes_missing": ({}, same("a{x=1} 1\n")),
    "comma_first": ({}, same('a{,x="1"} 1\n')),
    "comma_twice": ({}, same('a{x="1",,y="2"} 1\n')),
    "braces_empty": ({}, same("a{} 1\n")),
    # what comes with a page
    "compressed": ({}, lambda p: Page(MANY, compress=True)),
    "type_none": ({}, types(None)),
    "type_html": ({}, types("text/html")),
    "type_json": ({}, types("application/json")),
    "type_plain": ({}, types("text/plain")),
    "type_version": ({}, types("text/plain; version=0.0.4", "text/plain; version=1.0.0",
                               "text/plain; charset=utf-8", "TEXT/PLAIN; Version=0.0.4")),
    "type_bad": ({}, types("text/plain; version=;", ";", "text")),
    "type_fallback": ({"fallback_scrape_protocol": "PrometheusText0.0.4"},
                      types(None, "text/html", "application/json")),
    # settings of a job
    "honor_labels": ({"honor_labels": True},
                     same('a{job="other",instance="x",probe="honor_labels"} 1\nb{job=""} 2\n')),
    "exported": ({}, same('a{job="other",instance="x",exported_job="y"} 1\nb{job=""} 2\n')),
    "sample_limit": ({"sample_limit": 10}, lambda p: MANY if p % 2 else "a 1\n"),
    "sample_limit_after": ({"sample_limit": 10, **relabel(
        {"source_labels": ["i"], "regex": "1?.", "action": "keep"},
        {"source_labels": ["i"], "regex": "[0-9]", "action": "keep"})}, same(MANY)),
    "label_limit": ({"label_limit": 4}, lambda p: "a 1\n" + ('b{x="1",y="2"} 1\n' if p % 2 else "")),
    "label_name_limit": ({"label_name_length_limit": 8},
                         lambda p: "a 1\n" + ('b{longlonglong="1"} 1\n' if p % 2 else "")),
    "label_value_limit": ({"label_value_length_limit": 30},
                          lambda p: "a 1\n" + (f'b{{x="{31 * "y"}"}} 1\n' if p % 2 else "")),
    "body_size_limit": ({"body_size_limit": "100B"}, lambda p: MANY if p % 2 else "a 1\n"),
    "params": ({"params": {"x": ["1", "2"], "y": ["a b"]}}, same("a 1\n")),
    # relabeling
    "drop": (relabel({"source_labels": ["__name__"], "regex": "b|c.*", "action": "drop"}),
             same("a 1\nb 2\ncc 3\nd 4\n")),
    "rename": (relabel({"source_labels": ["__name__"], "regex": "(.*)_x", "replacement": "${1}_y",
                        "target_label": "__name__"}), same("a_x 1\nb 2\n")),
    "merge": (relabel({"regex": "i", "action": "labeldrop"}), same(MANY)),
    "name_away": (relabel({"regex": "__name__", "action": "labeldrop"}), same("a 1\nb 2\n")),
    "name_away_some": (relabel({"source_labels": ["__name__"], "regex": "b", "replacement": "",
                                "target_label": "__name__"}), same("a 1\nb 2\n")),
    "hashmod": (relabel({"source_labels": ["i"], "modulus": 7, "target_label": "h",
                         "action": "hashmod"}), same(MANY)),
    "labelmap": (relabel({"regex": "(i)", "replacement": "x_$1", "action": "labelmap"}), same(MANY)),
    "case": (relabel({"source_labels": ["x"], "target_label": "x", "action": "uppercase"}),
             same('a{x="äöüß"} 1\nb{x="abc"} 1\n')),
    "drop_job": (relabel({"target_label": "job", "replacement": ""}), same("a{probe=\"drop_job\"} 1\n")),
    "target_labels": (targets({"target_label": "a", "replacement": "$1x"},
                              {"source_labels": ["__address__"], "regex": "(.*):.*",
                               "target_label": "host"},
                              {"source_labels": ["__metrics_path__"], "target_label": "path"},
                              {"target_label": "__tmp_x", "replacement": "y"},
                              {"target_label": "zone", "replacement": "mine"}), same("a 1\n")),
    "target_instance": (targets({"target_label": "instance", "replacement": "me"}), same("a 1\n")),
    "report_clash": ({}, lambda p: "up 5\na 1\n" + ("}\n" if p == 1 else "")),
    "report_exported": (targets({"target_label": "exported_job", "replacement": "x"},
                                {"target_label": "exported_zone", "replacement": "y"}), same("a 1\n")),
    "target_label_twice": ({}, lambda p: "a 1\n" + ('b{job="x",job="y"} 1\n' if p % 2 else "")),
    "gzip_nothing": ({}, lambda p: Page("" if p % 2 else "a 1\n", headers={"Content-Encoding": "gzip"}
                                        if p % 2 else {})),
    "redirect_304": ({}, lambda p: Page("a 1\n", status=304 if p % 2 else 200,
                                        headers={"Location": "/values"})),
    "cut": ({}, lambda p: Page("a 1\nb 2\nc 3\n", cut_at=9 if p % 2 else None)),
    "ahead": ({}, lambda p: (f"a {p} {BEGIN_MS + 60000}\nup{{x=\"y\"}} 1\n" if p == 0 else "a 1\n")),
    "interval": (targets({"target_label": "__scrape_interval__", "replacement": "1s"},
                         {"target_label": "__scrape_timeout__", "replacement": "500ms"}), same("a 1\n")),
    "proto_alone": ({"scrape_protocols": ["PrometheusProto"]}, same("a 1\n")),
    # targets
    "target_limit": ({"target_limit": 1, "static_configs": TWO}, same("a 1\n")),
    "target_limit_met": ({"target_limit": 2, "static_configs": TWO}, same("a 1\n")),
    "interval_bad": (targets({"target_label": "__scrape_interval__", "replacement": "abc"}),
                     same("a 1\n")),
    "interval_zero": (targets({"target_label": "__scrape_interval__", "replacement": "0s"}),
                      same("a 1\n")),
    "timeout_over": (targets({"target_label": "__scrape_timeout__", "replacement": "5s"}),
                     same("a 1\n")),
    "external_wins_not": ({}, same('a{site="page",zone="page"} 1\n')),
}
