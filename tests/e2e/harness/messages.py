"""Remote write and remote read messages in protobuf's wire format, written by hand.

A series is a tuple of (name, value) pairs in the order they were sent; a sample is
(timestamp in ms, the double's 64 bits).
"""
import struct


def _varint(data: bytes, at: int) -> tuple:
    byte = data[at]
    if byte < 0x80:
        return byte, at + 1
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 63:
            raise ValueError("varint too long")


def _fields(data: bytes, at: int, end: int):
    """(number, wire type, value); for length-delimited ones the value is (start, end)."""
    while at < end:
        key, at = _varint(data, at)
        kind = key & 7
        if kind == 0:
            value, at = _varint(data, at)
        elif kind == 1:
            value = data[at:at + 8]
            at += 8
        elif kind == 2:
            n, at = _varint(data, at)
            value = (at, at + n)
            at += n
        elif kind == 5:
            value = data[at:at + 4]
            at += 4
        else:
            raise ValueError(f"wire type {kind}")
        if at > end:
            raise ValueError("field past the end")
        yield key >> 3, kind, value


def _label(data: bytes, at: int, end: int) -> tuple:
    name = value = ""
    for number, _, span in _fields(data, at, end):
        if number == 1:
            name = data[span[0]:span[1]].decode()
        elif number == 2:
            value = data[span[0]:span[1]].decode()
    return name, value


def _sample(data: bytes, at: int, end: int) -> tuple:
    bits = time_ms = 0
    for number, _, value in _fields(data, at, end):
        if number == 1:
            bits = int.from_bytes(value, "little")
        elif number == 2:
            time_ms = value - (1 << 64) if value >> 63 else value
    return time_ms, bits


def _series(data: bytes, at: int, end: int) -> tuple:
    labels, samples = [], []
    for number, _, span in _fields(data, at, end):
        if number == 1:
            labels.append(_label(data, *span))
        elif number == 2:
            samples.append(_sample(data, *span))
    return tuple(labels), samples


def decode_write_request(data: bytes) -> list:
    """[(labels, samples)]; field 3 (metadata) is skipped."""
    return [_series(data, *span)
            for number, _, span in _fields(data, 0, len(data)) if number == 1]


def _series_of_2(data: bytes, at: int, end: int, symbols: list) -> tuple:
    refs, samples = [], []
    for number, kind, value in _fields(data, at, end):
        if number == 1 and kind == 2:
            at, stop = value
            while at < stop:
                ref, at = _varint(data, at)
                refs.append(ref)
        elif number == 1:
            refs.append(value)
        elif number == 2:
            samples.append(_sample(data, *value))
        elif number == 3:
            raise ValueError("a histogram")
    if len(refs) % 2:
        raise ValueError("a label without a value")
    texts = [symbols[ref] for ref in refs]
    return tuple(zip(texts[::2], texts[1::2])), samples


def decode_request_2(data: bytes) -> list:
    """[(labels, samples)] of a 2.0 request; ValueError for symbols that are not as they must be."""
    fields = list(_fields(data, 0, len(data)))
    symbols = [data[span[0]:span[1]].decode() for number, _, span in fields if number == 4]
    if not symbols or symbols[0] or len(set(symbols)) != len(symbols):
        raise ValueError("the first symbol is not empty, or one is there twice")
    return [_series_of_2(data, *span, symbols) for number, _, span in fields if number == 5]


def decode_read_response(data: bytes) -> list:
    """[[(labels, samples)]], one list per query."""
    results = []
    for number, _, span in _fields(data, 0, len(data)):
        if number == 1:
            results.append([_series(data, *inner)
                            for n, _, inner in _fields(data, *span) if n == 1])
    return results


def _put_varint(out: bytearray, value: int) -> None:
    value &= (1 << 64) - 1
    while value >= 0x80:
        out.append(value & 0x7f | 0x80)
        value >>= 7
    out.append(value)


def _put_bytes(out: bytearray, number: int, data: bytes) -> None:
    _put_varint(out, number << 3 | 2)
    _put_varint(out, len(data))
    out += data


def encode_write_request(series: list) -> bytes:
    request = bytearray()
    for labels, samples in series:
        message = bytearray()
        for name, value in labels:
            label = bytearray()
            _put_bytes(label, 1, name.encode())
            _put_bytes(label, 2, value.encode())
            _put_bytes(message, 1, label)
        for time_ms, bits in samples:
            sample = bytearray([1 << 3 | 1])
            sample += bits.to_bytes(8, "little")
            sample.append(2 << 3)
            _put_varint(sample, time_ms)
            _put_bytes(message, 2, sample)
        _put_bytes(request, 1, message)
    return bytes(request)


MATCH_EQUAL, MATCH_NOT_EQUAL, MATCH_REGEX, MATCH_NOT_REGEX = range(4)


def encode_read_request(start_ms: int, end_ms: int, matchers: list) -> bytes:
    """One query; matchers are (kind, name, value). Asks for the SAMPLES answer (the default)."""
    query = bytearray()
    for number, value in ((1, start_ms), (2, end_ms)):
        query.append(number << 3)
        _put_varint(query, value)
    for kind, name, value in matchers:
        matcher = bytearray()
        if kind:
            matcher.append(1 << 3)
            matcher.append(kind)
        _put_bytes(matcher, 2, name.encode())
        _put_bytes(matcher, 3, value.encode())
        _put_bytes(query, 3, matcher)
    request = bytearray()
    _put_bytes(request, 1, query)
    return bytes(request)


def bits_of(value: float) -> int:
    return struct.unpack("<Q", struct.pack("<d", value))[0]


def float_of(bits: int) -> float:
    return struct.unpack("<d", struct.pack("<Q", bits))[0]


STALE = 0x7ff0000000000002
NAN = 0x7ff8000000000001
