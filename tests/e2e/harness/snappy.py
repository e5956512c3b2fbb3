"""Snappy's block format. Encoding writes literals only: legal, and all that a test needs."""


def _uvarint(data: bytes, at: int) -> tuple:
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 0x7f) << shift
        if byte < 0x80:
            return value, at
        shift += 7
        if shift > 35:
            raise ValueError("length is no uvarint")


def decode(data: bytes) -> bytes:
    length, at = _uvarint(data, 0)
    out = bytearray()
    end = len(data)
    while at < end:
        tag = data[at]
        at += 1
        kind = tag & 3
        if kind == 0:
            n = tag >> 2
            if n >= 60:
                width = n - 59
                n = int.from_bytes(data[at:at + width], "little")
                at += width
            n += 1
            if at + n > end:
                raise ValueError("literal past the end")
            out += data[at:at + n]
            at += n
            continue
        if kind == 1:
            n = 4 + ((tag >> 2) & 7)
            offset = (tag >> 5) << 8 | data[at]
            at += 1
        else:
            width = 2 if kind == 2 else 4
            n = 1 + (tag >> 2)
            offset = int.from_bytes(data[at:at + width], "little")
            at += width
        if offset == 0 or offset > len(out):
            raise ValueError("copy from before the start")
        start = len(out) - offset
        if offset >= n:
            out += out[start:start + n]
        else:
            run = bytes(out[start:])
            out += (run * (n // offset + 1))[:n]
    if len(out) != length:
        raise ValueError(f"{len(out)} bytes instead of {length}")
    return bytes(out)


def encode(data: bytes) -> bytes:
    out = bytearray()
    n = len(data)
    while n >= 0x80:
        out.append(n & 0x7f | 0x80)
        n >>= 7
    out.append(n)
    for at in range(0, len(data), 65536):
        piece = data[at:at + 65536]
        out.append(61 << 2)
        out += (len(piece) - 1).to_bytes(2, "little")
        out += piece
    return bytes(out)
