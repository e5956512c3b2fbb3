"""The harness itself, without the agent: what judges others has to be right first."""
import random
import ssl
import struct
import time
import unittest
import urllib.error
import urllib.request

from harness import exposition, messages, snappy, truth
from harness.case import Case
from harness.certificates import Certificates
from harness.exporter import FakeExporter, Page, RecordingProxy
from harness.paths import fetch_peers
from harness.peers import Nginx, Prometheus, VictoriaMetrics, get, post
from harness.throttle import ThrottleProxy

HEADERS = {"Content-Type": "application/x-protobuf", "Content-Encoding": "snappy",
           "X-Prometheus-Remote-Write-Version": "0.1.0", "User-Agent": "harness/1"}


def body_of(series: list) -> bytes:
    return snappy.encode(messages.encode_write_request(series))


class Codecs(unittest.TestCase):
    def test_snappy_block_with_copies(self):
        # "abcd" then copies: kind 1 (overlapping), kind 2.
        self.assertEqual(b"abcdabcdabcdcd",
                         snappy.decode(bytes([14, 3 << 2]) + b"abcd"
                                       + bytes([4 << 2 | 1, 4])
                                       + bytes([1 << 2 | 2, 2, 0])))
        for size in (0, 1, 59, 60, 65536, 200000):
            data = random.Random(size).randbytes(size)
            self.assertEqual(data, snappy.decode(snappy.encode(data)))
        for bad in (b"", b"\x05\x00", b"\x04\x0cab", b"\x04\x01\x00"):
            with self.assertRaises((ValueError, IndexError)):
                snappy.decode(bad)

    def test_write_request_round_trip(self):
        series = [((("__name__", "a"), ("l", "ü")), [(1, messages.STALE), (-5, 0)]),
                  ((("__name__", "b"),), [(1 << 40, messages.bits_of(-1.5))])]
        self.assertEqual(series,
                         messages.decode_write_request(messages.encode_write_request(series)))

    def test_exposition(self):
        page = ('# TYPE h histogram\nh_bucket{le="1"} 1\nh_bucket{le="1000000"} 2\n'
                'h_bucket{le="+Inf"} NaN\nx{a="b\\"\\n",e=""} 1e-3 12\nplain -Inf\n')
        got = exposition.parse(page)
        self.assertEqual(["1.0", "1e+06", "+Inf"], [row[0]["le"] for row in got[:3]])
        self.assertEqual(messages.NAN, got[2][1])
        self.assertEqual(({"__name__": "x", "a": 'b"\n'}, messages.bits_of(1e-3), 12), got[3])
        self.assertEqual(struct.unpack("<d", struct.pack("<Q", got[4][1]))[0], float("-inf"))

    def test_truth_markers(self):
        target = truth.Target({"job": "j", "instance": "i"}, {"cluster": "c"})
        target.good(1000, 'a 1\nb{job="x"} 2\n')
        target.good(2000, "a 3\n")
        target.failed(3000)
        b = (("__name__", "b"), ("cluster", "c"), ("exported_job", "x"), ("instance", "i"),
             ("job", "j"))
        a = (("__name__", "a"), ("cluster", "c"), ("instance", "i"), ("job", "j"))
        self.assertEqual({1000: messages.bits_of(2), 2000: messages.STALE}, target.samples[b])
        self.assertEqual({1000: messages.bits_of(1), 2000: messages.bits_of(3),
                          3000: messages.STALE}, target.samples[a])
        found = {k: sorted((t, 0 if v == truth.ANY else v) for t, v in s.items())
                 for k, s in target.samples.items()}
        self.assertEqual([], truth.compare(target.samples, found))
        found[a].pop()
        found[b][0] = (1000, 7)
        found[(("__name__", "z"),)] = [(1, 1)]
        self.assertEqual(3, len(truth.compare(target.samples, found)))


class Servers(Case):
    def test_exporter_and_recorder(self):
        exporter = self.stopped(FakeExporter({"/metrics": lambda n: Page(f"a {n}\n",
                                                                         compress=True)}))
        proxy = self.stopped(RecordingProxy(exporter.address))
        for _ in range(2):
            get(f"http://{proxy.address}/metrics", headers={"Accept-Encoding": "gzip"})
        # It notes an exchange when it is over, which may be after the client's end of it.
        self.wait(lambda: len(proxy.recorded()) == 2, "both exchanges")
        self.assertEqual(["a 0\n", "a 1\n"], [s.text for s in proxy.recorded()])
        self.assertTrue(all(s.delivered for s in proxy.recorded()))

    def test_receiver_finds_disorder(self):
        receiver = self.receiver()
        name = (("__name__", "a"), ("job", "j"))
        post(receiver.url, body_of([(name, [(2000, 1)])]), HEADERS)
        self.assert_no_faults(receiver)
        post(receiver.url, body_of([(name, [(1000, 1)])]), HEADERS)
        post(receiver.url, body_of([((("b", "1"), ("__name__", "a")), [(1, 1)])]), HEADERS)
        self.assertEqual(2, len(receiver.faults))

    def test_throttle(self):
        receiver = self.receiver(keep=False)
        slow = self.stopped(ThrottleProxy(("127.0.0.1", receiver.port), 256_000))
        begin = time.monotonic()
        post(f"http://{slow.address}/x", body_of([((("__name__", "a" * 30000),), [(1, 1)])]),
             HEADERS)
        self.assertGreater(time.monotonic() - begin, 0.5)  # the link's arithmetic: 0.94 s
        slow.away()
        with self.assertRaises(OSError):
            post(f"http://{slow.address}/x", b"", HEADERS)
        slow.back()
        post(f"http://{slow.address}/x", body_of([]), HEADERS)


class RealReceivers(Case):
    @classmethod
    def setUpClass(cls):
        fetch_peers()

    def test_write_through_nginx_and_read_back(self):
        prometheus = self.started(Prometheus(self.work / "prometheus"))
        victoria = self.started(VictoriaMetrics(self.work / "victoria"))
        certificates = Certificates(self.work / "tls")
        nginx = self.started(Nginx(self.work / "nginx",
                                   {"/p": f"{prometheus.url}/api/v1/write",
                                    "/v": f"{victoria.url}/api/v1/write"},
                                   certificates.pair("server")))
        now = int(time.time() * 1000)
        labels = (("__name__", "a"), ("job", "j"))
        samples = [(now - 2000, messages.bits_of(0.1)), (now - 1000, messages.NAN),
                   (now, messages.STALE)]
        context = ssl.create_default_context(cafile=certificates.ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        for path in ("/p", "/v"):
            request = urllib.request.Request(nginx.url + path, body_of([(labels, samples)]),
                                             HEADERS)
            urllib.request.urlopen(request, timeout=30, context=context).close()
        self.assertEqual({labels: samples}, prometheus.read(now - 10000, now + 10000))
        # What tests of order rely on: it counts what is out of order, and refuses it.
        older = body_of([(labels, [(now - 5000, 0)])])
        with self.assertRaises(urllib.error.HTTPError):
            post(f"{prometheus.url}/api/v1/write", older, HEADERS)
        self.assertEqual(1, prometheus.own("prometheus_tsdb_out_of_order_samples_total"))
        exported = victoria.export()[labels]
        self.assertEqual((now - 2000, 0.1), exported[0])


if __name__ == "__main__":
    unittest.main()
