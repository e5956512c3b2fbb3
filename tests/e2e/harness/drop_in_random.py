"""The random jobs of test_drop_in_random.py: pages, what comes with them, limits, labels and rules.

Everything follows from the seed, but for the times, so that a run can be had again.
"""
import dataclasses
import gzip
import random
import re

from .drop_in_jobs import PHASES
from .exporter import Page

NAMES = ["a", "b", "a_total", "h_bucket", "h", "h_sum", "s", "_x", "a:b", '"é"', '"d.e"',
         "a_created", "x_info"]
# Only with a label that tells them apart: of the same series at one time, it is chance what comes first.
REPORTS = ["up", "scrape_samples_scraped", "scrape_series_added", "scrape_samples_post_metric_relabeling"]
LABELS = ["x", "y", "le", "quantile", "job", "instance", "exported_job", "exported_exported_job",
          "site", "t", "exported_instance", "z9", "_", '"l.é"', "__y", "zone"]
VALUES = ["1", "", "0.5", "1e3", "+Inf", "inf", "v\\\\n", 'q\\"', "l\\n", "é", "x" * 40, "1.0", "NaN",
          "b\0c", "a\\qz", "0x1p3", "1_0", "-0", "1e-7", "12345678901234567890", " "]
BAD_VALUES = ["\udcff", "\udcc3", "a\\", "\ufeff"]  # bytes that are no UTF-8 among them
NUMBERS = ["1", "2.5", "NaN", "+Inf", "-Inf", "inf", "nan", "1e3", "-0", "0", "3", "4.9e-324",
           "1e-400", ".5", "5.", "+7", "infinity", "1E+2", "9007199254740993", "00012", "1e308"]
BAD_NUMBERS = ["0x1p3", "1_0", "1e400", "0x10", "1e", "--1", "0b1", "0x1.8", "", "1,5", "０", "1f"]
COMMENTS = ["# TYPE h histogram", "# TYPE s summary", "# HELP a b", "# TYPE a_total counter",
            "# TYPE a_total gauge", "# HELP h ", "# HELP a c\\n\\d", "# UNIT a_seconds seconds"]
OPEN_COMMENTS = [*COMMENTS, "# TYPE a unknown", "# TYPE x_info info", "# TYPE b stateset"]
ODD = ["", "#", "# TYPE a unknown", "# TYPE b untyped", "# UNIT a a", "# HELP h", "# x", "# EOF",
       "# TYPE a gauge x", "# TYPE h HISTOGRAM", "#TYPE a gauge", " ", "a",
       "# TYPE a", "# TYPE  a gauge", "#  TYPE a gauge", "{} 1", "a{x} 1", "a{x=1} 1", 'a{x="1"', "a 1 2 3",
       'a{x="1"}1', "a\t1", " a 1", 'a {x="2"} 1', "a 1 # {} 1", 'a{"x"="1"} 1', "a 1 ", "\ufeffa 1",
       "\0", 'a{x="1",x="2"} 1', 'a{,x="1"} 1', 'a{x="1",,} 1', '{"a","b"} 1']
TEXT = ["text/plain", "text/plain; version=0.0.4", 'TEXT/PLAIN; Version="0.0.4"',
        "text/plain;version=1.0.0;escaping=allow-utf-8", "text/plain; charset=latin1"]
OPEN = ["application/openmetrics-text", "application/openmetrics-text; version=1.0.0; charset=utf-8",
        "application/openmetrics-text; version=0.0.1", "application/openmetrics-text;escaping=dots"]
NONE = [None, "", "text/html", "application/json", "text", ";", "text/plain; version=;", "a/b; c=d; c=e",
        "application/vnd.google.protobuf"]


def raw_answers(body: bytes, kind: str) -> list:
    """Answers as they go over the wire; not all of them are HTTP."""
    kind = b"Content-Type: " + kind.encode() + b"\r\n"
    head = b"HTTP/1.1 200 OK\r\n" + kind
    packed = gzip.compress(body, mtime=0)
    chunk = b"%x\r\n%s\r\n" % (len(body), body)
    chunked = head + b"Transfer-Encoding: chunked\r\n\r\n"
    zipped = head + b"Content-Encoding: gzip\r\n"
    length = b"Content-Length: %d\r\n" % len(body)
    return [
        head + b"Content-Length: %d\r\n\r\n" % (len(body) + 5) + body,
        head + b"Content-Length: %d\r\n\r\n" % (len(body) // 2) + body,
        head + b"\r\n" + body,
        head + length + b"Content-Type: text/html\r\n\r\n" + body,
        chunked + chunk + b"0\r\n\r\n",
        chunked + chunk,
        chunked + chunk[:-4],
        chunked + b"zz\r\n" + body,
        zipped + length + b"\r\n" + body,
        zipped + b"Content-Length: %d\r\n\r\n" % len(packed) + packed,
        zipped + b"\r\n" + packed[:-9],
        zipped + b"\r\n" + packed[:12],
        zipped + b"\r\n",
        zipped + b"\r\n" + packed + packed,
        zipped + b"\r\n" + packed + b"junk",
        head + b"Content-Encoding: deflate\r\n" + length + b"\r\n" + body,
        head + b"Content-Encoding: GZIP\r\n\r\n" + packed,
        head + b"Content-Encoding: gzip, gzip\r\n\r\n" + packed,
        b"HTTP/1.0 200 OK\r\n\r\n" + body,
        b"HTTP/1.1 200\r\n" + length + kind + b"\r\n" + body,
        b"HTTP/1.1 100 Continue\r\n\r\n" + head + length + b"\r\n" + body,
        b"HTTP/1.1 200 OK\r\ncontent-type:text/plain\r\n" + length + b"\r\n" + body,
        b"HTTP/1.1 200 OK\r\nbroken\r\n\r\n" + body,
        b"nonsense\r\n\r\n", b"HTTP/1.1 ", b"",
    ]


RAW = len(raw_answers(b"", ""))
STATUS = [201, 202, 204, 206, 301, 302, 304, 307, 308, 400, 401, 404, 429, 500, 503]


@dataclasses.dataclass
class Answer:
    """A page whose times are not known yet."""
    body: str  # @n@: n ms after the phase's begin
    opened: bool  # OpenMetrics: in seconds
    page: Page
    raw: int = None  # one of raw_answers

    def text(self, phase: int, begin_ms: int) -> str:
        if phase == 0:  # Prometheus does not send what is older than itself
            return re.sub(" @.*?@", "", self.body)
        divisor = 1000 if self.opened else 1
        return re.sub("@(.*?)@", lambda m: f"{(begin_ms + int(m[1])) / divisor:.17g}", self.body)

    def make(self, phase: int, begin_ms: int) -> Page:
        body = self.text(phase, begin_ms)
        body = body.encode(errors="surrogateescape")
        page = dataclasses.replace(self.page, body=body)
        if self.raw is not None:
            page.raw = raw_answers(body, page.content_type)[self.raw]
        return page


class Maker(random.Random):
    """What is likely is chosen by weight; odd things are rare enough that most pages are good."""

    def often(self, chance: float) -> bool:
        return self.random() < chance

    # ---- pages ----

    def labels(self) -> list:
        pairs = [(self.choice(LABELS), self.choice(BAD_VALUES if self.often(.003) else VALUES))
                 for _ in range(self.randrange(4))]
        return pairs if self.often(.02) else list(dict(pairs).items())

    def stamp(self) -> str:
        """Milliseconds after the phase's begin, which Stamped knows."""
        return f" @{self.choice([0, 0, 0, 1, 2, 5, 10**7, 10**14])}@"

    def line(self, opened: bool) -> str:
        name = self.choice(NAMES)
        pairs = self.labels()
        if self.often(.02):
            name, pairs = self.choice(REPORTS), [("page", "1")]
        inner = ",".join(f'{name}="{value}"' for name, value in pairs)
        number = self.choice(BAD_NUMBERS) if self.often(.01) else self.choice(NUMBERS)
        stamp = self.stamp() if self.often(self.stamps) else ""
        if name[0] == '"':
            series = f'{{{name}{"," if inner else ""}{inner}}}'
        else:
            series = f"{name}{{{inner}}}" if inner or self.often(.1) else name
        # One text for a series: two that end as one are told apart in Prometheus's cache.
        same = (name, frozenset((name, value) for name, value in pairs if value))
        series = self.texts.setdefault(same, series)
        exemplar = ' # {t="1"} 1' if opened and self.often(.05) else ""
        return f"{series} {number}{stamp}{exemplar}"

    def page(self, opened: bool) -> str:
        out = []
        for _ in range(self.randrange(1, 12)):
            if self.often(.85):
                out.append(self.line(opened))
            elif self.often(.15):
                out.append(self.choice(ODD))
            else:
                out.append(self.choice(OPEN_COMMENTS if opened else COMMENTS))
        for _ in range(self.randrange(3) if self.often(.2) else 0):
            out.insert(self.randrange(len(out) + 1), self.choice(out))
        if self.often(.03):
            return ""
        if opened and not self.often(.03):
            out.append("# EOF")
        feed = "\r\n" if self.often(.01) else "\n"
        return feed.join(out) + ("" if self.often(.03) else feed)

    def pages(self, opened: bool) -> list:
        pages = [self.page(opened) for _ in range(PHASES)]
        if self.often(.5):
            pages[2] = pages[0]
        if self.often(.3):
            lines = pages[0].splitlines(True)
            pages[1] = "".join(self.sample(lines, self.randrange(len(lines) + 1)))
            if opened:
                pages[1] = re.sub("# EOF\n?", "", pages[1]) + "# EOF\n"
        if self.often(.2):
            pages[3] = pages[1]
        return pages

    # ---- what comes with a page ----

    def answer(self, body: str, opened: bool) -> "Answer":
        kind = self.choice(OPEN if opened else TEXT)
        answer = Answer(body, opened, Page("", content_type=kind, compress=self.often(.2)))
        if not self.odd or self.often(.5):
            return answer
        page = answer.page
        if self.often(.5):
            answer.raw = self.randrange(RAW)
        elif self.often(.3):
            page.status = self.choice(STATUS)
            if 301 <= page.status <= 308 and self.often(.8):
                page.headers["Location"] = self.choice(["/again", "again", "//", "http://127.0.0.1:1/", ""])
        elif self.often(.3):
            page.cut_at = self.randrange(len(answer.text(0, 0)) + 1)
        elif self.often(.2):
            page.delay = self.choice([.1, 3])
        else:
            page.content_type = self.choice(NONE + TEXT + OPEN)
        return answer

    # ---- settings ----

    def rule(self) -> dict:
        action = self.choice(["replace", "replace", "replace", "drop", "keep", "labeldrop", "labelkeep",
                              "labelmap", "lowercase", "uppercase", "hashmod", "keepequal", "dropequal"])
        if action in ("labeldrop", "labelkeep"):  # the job stays: what two targets share is chance
            return {"action": action, "regex": self.choice(
                ["x|y", "le", "exported_.*", "z.*", "instance"] if action == "labeldrop" else
                ["__name__|job|instance", "__name__|job|x", "__name__|job|le|[xyz].*"])}
        if action == "labelmap":
            return {"action": action, "regex": self.choice(["(x)", "exported_(.*)", "(.)", "_?(_name_)_"]),
                    "replacement": self.choice(["$1", "m_$1", "__name__", "x"])}
        rule = {"action": action, "source_labels": self.sample(["__name__", "x", "y", "job", "le"],
                                                               self.randrange(1, 3))}
        if action in ("drop", "keep"):
            rule["regex"] = self.choice(["a.*", "1", "h.*;?.*", ".*", "a;1", "a|b|a:b|_x|s;?.*"])
            return rule
        rule["target_label"] = self.choice(["__name__", "x", "q", "instance", "le", "exported_job", "__name__"])
        if action == "replace":
            rule["regex"] = self.choice(["(.*)", "a(.*)", "(.*);.*", "()"])
            rule["replacement"] = self.choice(["$1", "", "m", "$1_x", "9$1", "a b", "é$1", "$2", "${1}1"])
        if action == "hashmod":
            rule["modulus"] = self.choice([1, 7])
        if action in ("keepequal", "dropequal"):
            del rule["source_labels"]
            rule["source_labels"] = ["x"]
        return rule

    def limits(self, pages: list) -> dict:
        size = len(re.sub(" @.*?@", "", pages[0]).encode(errors="surrogateescape"))
        lines = sum(1 for line in pages[0].splitlines() if line and line[0] != "#")
        choices = {
            "sample_limit": [1, 4, lines, lines, lines + 1, max(lines - 1, 1)],
            "label_limit": [2, 3, 4, 5, 6],
            "label_name_length_limit": [4, 7, 8, 9, 12, 13],
            "label_value_length_limit": [5, 14, 15, 20, 40],
            "body_size_limit": [f"{n}B" for n in (40, 120, size, size + 1, max(size - 1, 1))] + ["1KB"],
            "target_limit": [1, 2],
            "keep_dropped_targets": [1],
        }
        return {key: self.choice(values) for key, values in choices.items()
                if self.often(.12)}

    def protocols(self) -> dict:
        out = {}
        if self.often(.08):
            out["fallback_scrape_protocol"] = self.choice(
                ["PrometheusText0.0.4", "PrometheusText1.0.0", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1"])
        if self.often(.08):
            out["scrape_protocols"] = self.sample(
                ["PrometheusText0.0.4", "PrometheusText1.0.0", "OpenMetricsText1.0.0", "OpenMetricsText0.0.1"],
                self.randrange(1, 5))
        if self.often(.1):
            out["metric_name_validation_scheme"] = "legacy"
            out["metric_name_escaping_scheme"] = self.choice(["underscores", "dots", "values"])
        elif self.often(.1):
            out["metric_name_escaping_scheme"] = self.choice(
                ["underscores", "dots", "values", "allow-utf-8"])
        return out

    def settings(self, pages: list) -> dict:
        out = {**self.limits(pages), **self.protocols()}
        for key, value, chance in (("honor_labels", True, .3), ("honor_timestamps", False, .2),
                                   ("track_timestamps_staleness", True, .3),
                                   ("enable_compression", False, .1), ("follow_redirects", False, .1)):
            if self.often(chance):
                out[key] = value
        if self.often(.1):
            out["scrape_timeout"] = self.choice(["1s800ms", "1900ms"])
        if self.often(.05):
            out.update(scrape_interval="1s500ms", scrape_timeout=self.choice(["1500ms", "1400ms"]))
        if self.often(.05):
            out.update(always_scrape_classic_histograms=True, native_histogram_bucket_limit=1)
        if self.often(.1):
            out["params"] = {"x": ["1", "a b&é"], "": [""]}
        if self.often(.3):
            out["relabel_configs"] = [{"target_label": self.choice(
                ["t", "le", "x", "exported_job", "exported_t", "__param_x", "__tmp"]),
                "replacement": self.choice(["1", "", "é", "tt"])} for _ in range(self.randrange(1, 3))]
        if self.often(.35):
            out["metric_relabel_configs"] = [self.rule() for _ in range(self.randrange(1, 4))]
        return out

    def job(self) -> tuple:
        """(settings, Answer of each phase)"""
        opened = self.often(.25)
        self.stamps = self.choice([0, 0, 0, .1, .5])
        self.odd = self.often(.25)
        self.texts = {}
        pages = self.pages(opened)
        return self.settings(pages), [self.answer(body, opened) for body in pages]


def jobs(seed: int, n: int) -> dict:
    maker = Maker(seed)
    return {f"j{i}": maker.job() for i in range(n)}
