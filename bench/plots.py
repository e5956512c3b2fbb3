"""Plots (SVG) by hand: bars, lines. Nothing but the standard library."""
import html

COLOURS = {"gleaner": "#2a7f62", "prometheus": "#e6522c", "vmagent": "#5b5ea6"}
WIDTH, LEFT, RIGHT = 660, 60, 640
TOP, BOTTOM = 40, 340


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def colour(agent: str) -> str:
    return COLOURS.get(agent, "#888")


def svg(width: float, height: float, parts: list) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts)
            + "\n</svg>\n")


def text(x: float, y: float, words: str, **attributes) -> str:
    extra = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{html.escape(words)}</text>'


def title(x: float, words: str, y: float = 22) -> str:
    return text(x, y, words, font_size=15, font_weight="bold")


def bars(runs: dict, words: str, digits: int, at: tuple = (0, 0)) -> tuple:
    """runs: workload → agent → value; a group of horizontal bars for each. (parts, height)."""
    left, top = at
    highest = max((v for found in runs.values() for v in found.values()), default=0) or 1
    parts = [title(left + 10, words, top + 22)]
    y = top + TOP
    for name, found in runs.items():
        parts.append(text(left + 10, y + 14, name, font_weight="bold"))
        for agent, value in found.items():
            width = 400 * value / highest
            parts.append(text(left + 100, y + 14, agent))
            parts.append(f'<rect x="{left + 180}" y="{y + 3}" width="{width:.1f}" height="14" '
                         f'fill="{colour(agent)}"/>')
            parts.append(text(left + 186 + width, y + 14, number(value, digits)))
            y += 20
        y += 10
    return parts, y + 5 - top


def bar_chart(runs: dict, words: str, digits: int) -> str:
    parts, height = bars(runs, words, digits)
    return svg(WIDTH, height, parts)


def bar_charts(charts: list) -> str:
    """Several below each other: (runs, words, digits)."""
    parts, y = [], 0
    for runs, words, digits in charts:
        more, height = bars(runs, words, digits, (0, y))
        parts += more
        y += height
    return svg(WIDTH, y, parts)


def short(value: float) -> str:
    """1500000 → 1.5m."""
    for size, unit in ((1e6, "m"), (1e3, "k")):
        if value >= size:
            return f"{value / size:.3g}{unit}"
    return f"{value:.3g}"


def lines(words: str, series: dict, points: bool = False, spans: tuple = ()) -> str:
    """series: agent → [(x, y)]; both axes are linear and begin at 0. spans: grey, from x to x."""
    end = max((p[0] for line in series.values() for p in line), default=0) or 1
    highest = (max((p[1] for line in series.values() for p in line), default=0) or 1) * 1.05

    def place(x: float, y: float) -> tuple:
        return LEFT + (RIGHT - LEFT) * x / end, BOTTOM - (BOTTOM - TOP) * y / highest

    parts = [title(10, words)]
    for start, stop in spans:
        x0, x1 = place(start, 0)[0], place(min(stop, end), 0)[0]
        parts.append(f'<rect x="{x0:.1f}" y="{TOP}" width="{x1 - x0:.1f}" '
                     f'height="{BOTTOM - TOP}" fill="#eee"/>')
    for i in range(5):
        x, y = place(end * i / 4, highest * i / 4)
        parts.append(f'<line x1="{LEFT}" y1="{y:.1f}" x2="{RIGHT}" y2="{y:.1f}" stroke="#ddd"/>')
        parts.append(text(LEFT - 8, y + 4, short(highest * i / 4), text_anchor="end"))
        parts.append(text(x, BOTTOM + 18, short(end * i / 4), text_anchor="middle"))
    for i, (agent, line) in enumerate(series.items()):
        places = [place(p[0], p[1]) for p in line]
        parts.append('<polyline points="' + " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
                     + f'" fill="none" stroke="{colour(agent)}" stroke-width="2"/>')
        if points:
            parts += [f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour(agent)}"/>'
                      for x, y in places]
        parts.append(text(70 + 120 * i, BOTTOM + 45, agent, fill=colour(agent),
                          font_weight="bold"))
    return svg(WIDTH, BOTTOM + 55, parts)
