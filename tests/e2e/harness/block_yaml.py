"""YAML as emitters write it: block maps and lists, one-line scalars, flow lists of words. Every
scalar is a text; {} and [] are empty."""
import json
import re

KEY = re.compile(r"""((?:"(?:[^"\\]|\\.)*")|(?:'(?:[^']|'')*')|[^\s'"\[{&*#-][^:]*|-[^\s:][^:]*):(?: (.*))?$""")


def scalar(text: str):
    if text.startswith('"'):
        return json.loads(text.replace("\\x", "\\u00"))
    if text.startswith("'"):
        return text[1:-1].replace("''", "'")
    if text in ("[]", "{}"):
        return [] if text == "[]" else {}
    if text.startswith("["):
        return [scalar(word) for word in text[1:-1].split(", ")]
    return text


def parse(text: str):
    """Maps, lists and texts; None for nothing."""
    lines = [line for line in text.split("\n") if line.strip()]
    value, rest = block(lines, 0)
    assert not rest, rest[0]
    return value


def indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def block(lines: list, depth: int):
    """What begins at this depth, and the lines behind it."""
    if not lines or indent(lines[0]) < depth:
        return None, lines
    depth = indent(lines[0])
    if lines[0][depth:].startswith("- "):
        return items(lines, depth)
    found = KEY.match(lines[0][depth:])
    if not found:
        return scalar(lines[0][depth:]), lines[1:]
    out = {}
    while lines and indent(lines[0]) == depth and not lines[0][depth:].startswith("- "):
        found = KEY.match(lines[0][depth:])
        assert found, lines[0]
        key, value = scalar(found.group(1)), found.group(2)
        if value:
            out[key], lines = scalar(value), lines[1:]
        elif len(lines) > 1 and lines[1][depth:].startswith("- ") and indent(lines[1]) == depth:
            out[key], lines = items(lines[1:], depth)
        else:
            out[key], lines = block(lines[1:], depth + 1)
    return out, lines


def items(lines: list, depth: int):
    out = []
    while lines and indent(lines[0]) == depth and lines[0][depth:].startswith("- "):
        lines = [" " * (depth + 2) + lines[0][depth + 2:]] + lines[1:]
        value, lines = block(lines, depth + 2)
        out.append(value)
    return out, lines
