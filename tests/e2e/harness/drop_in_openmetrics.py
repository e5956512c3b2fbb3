"""The jobs of test_drop_in.py with pages of OpenMetrics: name → (settings of the job, page of a phase)."""
import gzip

from .drop_in_jobs import BEGIN_MS, targets
from .exporter import Page

BEGIN_S = BEGIN_MS / 1000
TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def page(body, content_type=TYPE, **more):
    return Page(body, content_type=content_type, **more)


def same(body, end="# EOF\n"):
    return lambda phase: page(body + end if isinstance(body, str) else body)


def typed(body, *kinds):
    return lambda phase: page(body, kinds[phase % len(kinds)])


def cut(at):
    """The whole page, and one that ends at a byte of it, without an error of the transfer."""
    return lambda phase: page(PYTHON[:at] if phase % 2 else PYTHON)


def encoded(name, body):
    return lambda phase: page(body, headers={"Content-Encoding": name})


# As the Python client writes them: _created for each series, info, exemplars on request.
PYTHON = """# HELP python_gc_objects_collected Objects collected during gc
# TYPE python_gc_objects_collected counter
python_gc_objects_collected_total{generation="0"} 341.0
python_gc_objects_collected_total{generation="1"} 29.0
# HELP python_info Python platform information
# TYPE python_info gauge
python_info{implementation="CPython",major="3",minor="11",patchlevel="2",version="3.11.2"} 1.0
# HELP process_start_time_seconds Start time of the process since unix epoch in seconds.
# TYPE process_start_time_seconds gauge
process_start_time_seconds 1.76e+09
# HELP requests_seconds How long.
# TYPE requests_seconds histogram
# UNIT requests_seconds seconds
requests_seconds_bucket{le="0.005",path="/"} 1.0 # {trace_id="abc"} 0.0012 1.7e+09
requests_seconds_bucket{le="1.0",path="/"} 2.0 # {trace_id="def\\"g"} 0.67
requests_seconds_bucket{le="+Inf",path="/"} 2.0
requests_seconds_count{path="/"} 2.0
requests_seconds_sum{path="/"} 0.6712
requests_seconds_created{path="/"} 1.7600000000123456e+09
# HELP build Versions.
# TYPE build info
build_info{version="1.2.3"} 1.0
# HELP mode State.
# TYPE mode stateset
mode{mode="idle"} 1.0
mode{mode="busy"} 0.0
# EOF
"""

# As kube-state-metrics writes them: gauges, info and stateset types, no _created.
KUBE = "".join(f"""# HELP kube_{name} {name}
# TYPE kube_{name} {kind}
""" + "".join(f'kube_{name}{{namespace="n{i % 3}",pod="p-{i}",uid="0{i}-é"}} {i % 2}\n' for i in range(30))
    for name, kind in (("pod_info", "info"), ("pod_status_phase", "stateset"),
                       ("pod_created", "gauge"), ("pod_restart_policy", "gauge"))) + "# EOF\n"

OPENMETRICS = {
    # real programs
    "python": ({}, lambda p: page(PYTHON.replace("341.0", f"{341 + p}.0"))),
    "kube": ({}, same(KUBE, "")),
    "kube_gzip": ({}, lambda p: page(KUBE, compress=True)),
    # the end of a page
    "no_eof": ({}, lambda p: page("a 1\nb 2\n" + ("" if p == 1 else "# EOF\n"))),
    "eof_no_feed": ({}, same("a 1\n", "# EOF")),
    "eof_then_line": ({}, same("a 1\n", "# EOF\nb 2\n")),
    "eof_then_feed": ({}, same("a 1\n", "# EOF\n\n")),
    "eof_crlf": ({}, same("a 1\n", "# EOF\r\n")),
    "eof_only": ({}, lambda p: page("# EOF\n" if p % 2 else "a 1\n# EOF\n")),
    "nothing": ({}, lambda p: page("" if p % 2 else "a 1\n# EOF\n")),
    "cut_middle": ({}, cut(PYTHON.index("requests_seconds_count"))),
    "cut_value": ({}, cut(PYTHON.index("29.0") + 2)),
    "cut_exemplar": ({}, cut(PYTHON.index("abc"))),
    "cut_before_exemplar": ({}, cut(PYTHON.index("# {trace"))),
    "cut_in_eof": ({}, cut(len(PYTHON) - 2)),
    # values
    "values": ({}, lambda p: page(f"a {p}\nb NaN\nc +Inf\nd -Inf\ne 1e308\nf 18446744073709551615\n"
                                  "g 4.9e-324\nh .5\ni 5.\nj 1E3\nk +1\nl nan\nm Infinity\n"
                                  "n 9007199254740993\no 00012\n# EOF\n")),
    "hexfloat": ({}, same("a 0x1p-2\n")),
    "underscore": ({}, same("a 1_000\n")),
    "toolarge": ({}, same("a 1e999\n")),
    # timestamps
    "timestamps": ({}, lambda p: page(f"a {p} {BEGIN_S + p}\nb 1\n# EOF\n")),
    "timestamps_off": ({"honor_timestamps": False}, lambda p: page(f"a {p} {p}.5\n# EOF\n")),
    "timestamps_back": ({}, same(f"a 1 {BEGIN_S + 1}\na 2 {BEGIN_S}\na 3 {BEGIN_S + 2}\n")),
    "timestamps_same": ({}, same(f"a 1 {BEGIN_S}\na 2 {BEGIN_S}\nb 3\n")),
    "timestamps_digits": ({}, same(f"a 1 {BEGIN_S + 0.0015:.6f}\nb 2 {BEGIN_S:.12e}\n")),
    "timestamps_huge": ({}, same("a 1 12345678901234567890.125\nb 1 1e300\nc 1\n")),
    "timestamps_nan": ({}, same("a 1\nb 1 NaN\n")),
    "timestamps_staleness": ({"track_timestamps_staleness": True},
                             lambda p: page((f"a {p} {BEGIN_S + p}\n" if p % 2 else "b 1\n") + "# EOF\n")),
    # lines
    "blank_line": ({}, same("a 1\n\nb 2\n")),
    "comment": ({}, same("a 1\n# what\nb 2\n")),
    "two_blanks": ({}, same("a 1\nb  2\n")),
    "tab": ({}, same("a 1\nb\t2\n")),
    "crlf": ({}, same("a 1\r\nb 2\r\n", "# EOF\r\n")),
    "trailing_blank": ({}, same("a 1\nb 2 \nc 3\n")),
    "trailing_hash": ({}, same("a 1\nb 2 # what\nc 3\n")),
    "leading_blank": ({}, same(" a 1\n")),
    "blank_before_brace": ({}, same('a {x="y"} 1\n')),
    "blanks_in_braces": ({}, same('a{ x="y" } 1\n')),
    "comma_last": ({}, same('a{x="y",} 1\n')),
    "comma_missing": ({}, same('a{x="y"z="w"} 1\n')),
    "braces_empty": ({}, same("a{} 1\n")),
    "feed_in_value": ({}, same('a{x="y\nz"} 1\n')),
    "nul_value": ({}, same('a{x="b\0c"} 1\n')),
    "nul_start": ({}, same("a 1\n\0b 1\n")),
    "nul_behind_help": ({}, same("# HELP a b\n\0a 1\n")),
    "escapes": ({}, same('a{x="q\\"b\\\\n\\nt\\t"} 1\n')),
    "utf8_name": ({}, same('{"höhe.über",x="1"} 1\n{"a b","c d"="e"} 2\n')),
    "utf8_feed": ({}, same('{"a\nb"} 1\n')),
    "utf8_bad": ({}, same(b'a{x="\xff"} 1\n# EOF\n')),
    "no_name": ({}, same('{x="1"} 1\n')),
    "empty_value": ({}, same('a{x=""} 1\na{y="1"} 2\n')),
    "label_twice": ({}, same('a{x="1",x="2"} 1\n')),
    "same_twice": ({}, same("a 1\na 2\nb 3\n")),
    # metadata
    "types": ({}, same("# TYPE a counter\na_total 1\na_created 1.5e9\n# TYPE b unknown\nb 1\n"
                       "# TYPE c gaugehistogram\nc_bucket{le=\"1\"} 1\nc_gsum 1\nc_gcount 1\n"
                       "# TYPE d info\nd_info{v=\"1\"} 1\n# TYPE e stateset\ne{e=\"x\"} 1\n")),
    "type_untyped": ({}, same("# TYPE a untyped\na 1\n")),
    "type_late": ({}, same('a{le="1"} 1\n# TYPE a histogram\na_bucket{le="1"} 1\n')),
    "counter_plain": ({}, same("# TYPE a counter\na 1\n# TYPE b counter\nb -1\n")),
    "histogram": ({}, same('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="2.50"} 2\n'
                           'h_bucket{le="1e3"} 3\nh_bucket{le="1000000"} 3\nh_bucket{le="+Inf"} 4\n'
                           "h_sum 5\nh_count 4\nh_created 1\n")),
    "summary": ({}, same('# TYPE s summary\ns{quantile="0.5"} 1\ns{quantile="1"} 2\n'
                         's{quantile=".99"} 2\ns_sum 1\ns_count 1\ns_created 2\n')),
    "unit": ({}, same("# TYPE a_seconds gauge\n# UNIT a_seconds seconds\na_seconds 1\n")),
    "unit_wrong": ({}, same("# UNIT a_seconds bytes\na_seconds 1\n")),
    "unit_empty": ({}, same("# UNIT a \na 1\n")),
    "help_none": ({}, same("# HELP a\na 1\n")),
    "mixed": ({}, same("a_total 1\n# TYPE b gauge\nc 1\nb 1\na_total{x=\"1\"} 2\nb{x=\"1\"} 2\n")),
    # exemplars
    "exemplars": ({}, lambda p: page(f'a_total {p} # {{t="x{p}"}} 1 {BEGIN_S + p}\nb 1 # {{}} NaN\n'
                                     f'c 1 {BEGIN_S + p} # {{t="y",}} 2\n# EOF\n')),
    "exemplar_bad": ({}, same("a 1\nb 1 # {x} 1\n")),
    "exemplar_no_value": ({}, same('a 1\nb 1 # {x="y"}\n')),
    "exemplar_time": ({}, same('a 1\nb 1 # {x="y"} 1 NaN\n')),
    "exemplar_quoted": ({}, same('a 1 # {"x y"="z"} 1\nb 1 # {"x"} 1\n')),
    # what comes with a page
    "type_variants": ({}, typed("a 1\n# EOF\n", "application/openmetrics-text",
                                "application/openmetrics-text; version=0.0.1; charset=utf-8",
                                "APPLICATION/OpenMetrics-Text;charset=x",
                                "application/openmetrics-text; version=2.7")),
    "type_changes": ({}, typed("a 1\n# EOF\n", TYPE, "text/plain; version=0.0.4")),
    "type_twice": ({}, typed("a 1\n# EOF\n", "application/openmetrics-text; v=1; v=2")),
    "type_none": ({}, typed("a 1\n# EOF\n", None)),
    "fallback": ({"fallback_scrape_protocol": "OpenMetricsText1.0.0"},
                 typed(f"a 1 {BEGIN_S}\n# EOF\n", None, "text/html", "", "x; y")),
    "fallback_no_eof": ({"fallback_scrape_protocol": "OpenMetricsText0.0.1"}, typed("a 1\n", None)),
    "fallback_unused": ({"fallback_scrape_protocol": "OpenMetricsText1.0.0"},
                        typed("a 1\n", "text/plain", TYPE)),
    "encoding_br": ({}, encoded("br", b"\x0b\x02\x80a 1\n\x03")),
    "encoding_zstd": ({}, encoded("zstd", b"(\xb5/\xfd\x04X")),
    "encoding_upper": ({}, encoded("GZIP", gzip.compress(b"a 1\n# EOF\n"))),
    "encoding_identity": ({}, encoded("identity", "a 1\n# EOF\n")),
    "encoding_odd": ({}, encoded("utf-8", "a 1\n# EOF\n")),
    # what is asked for
    "ask_text": ({"scrape_protocols": ["PrometheusText0.0.4"]}, same("a 1\n")),
    "ask_order": ({"scrape_protocols": ["PrometheusText1.0.0", "OpenMetricsText0.0.1",
                                        "OpenMetricsText1.0.0"],
                   "metric_name_escaping_scheme": "dots"}, same("a 1\n")),
    "ask_one": ({"scrape_protocols": ["OpenMetricsText1.0.0"],
                 "metric_name_validation_scheme": "legacy",
                 "metric_name_escaping_scheme": "underscores"}, same("a 1\n")),
    "relabeled": (targets({"target_label": "x", "replacement": "t"}), same('a{x="1"} 1 # {x="2"} 1\n')),
}
