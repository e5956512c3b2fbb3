"""Results → tables (Markdown) and plots (SVG), without anything but the standard library."""
import html
import pathlib

# key, words, digits
FIGURES = [
    ("rss", "resident memory, MiB", 1),
    ("anonymous", "of it anonymous, MiB", 1),
    ("peak", "peak in the window, MiB", 1),
    ("cpu_per_million", "CPU seconds per million samples", 2),
    ("wire_per_sample", "bytes per sample on the wire", 2),
    ("written_per_sample", "bytes written to disk per sample", 2),
    ("disk_mib", "disk held at the end, MiB", 1),
    ("start_s", "start until ready, seconds", 3),
    ("peak_over_steady", "peak over steady state in the outage, MiB", 1),
    ("held", "samples held in the outage", 0),
    ("held_disk_per_sample", "bytes on disk per sample held", 2),
    ("wait_s", "seconds from the outage's end to the first request", 1),
    ("catch_up_s", "seconds from there until all held samples were in", 1),
    ("catch_up_2m_s", "the same for 2,000,000 samples", 1),
    ("restart_ready_s", "start after kill -9 until ready, seconds", 3),
    ("restart_first_request_s", "from there to the first request, seconds", 1),
    ("samples", "samples in the window", 0),
    ("samples_per_request", "samples per request", 0),
    ("missing", "samples missing", 0),
    ("out_of_order", "samples out of order", 0),
    ("duplicates", "samples that came twice", 0),
]
PLOTTED = ["rss", "cpu_per_million", "wire_per_sample", "written_per_sample"]
COLOURS = {"gleaner": "#2a7f62", "prometheus": "#e6522c", "vmagent": "#5b5ea6"}


def number(value: float, digits: int) -> str:
    return f"{value:,.{digits}f}"


def table(name: str, run: dict) -> str:
    agents = run["agents"]
    lines = [f"**{name}**: {run['about']}", "",
             "| figure | " + " | ".join(agents) + " |", "| --- |" + " ---: |" * len(agents)]
    for key, words, digits in FIGURES:
        if any(key in found for found in agents.values()):
            cells = [number(found[key], digits) if key in found else "failed"
                     for found in agents.values()]
            lines.append(f"| {words} | " + " | ".join(cells) + " |")
    for agent, found in agents.items():
        if "failed" in found:
            lines.append(f"\n{agent} failed: {found['failed'].splitlines()[0]}")
    return "\n".join(lines) + "\n"


def document(results: dict) -> str:
    lines = [f"Measured {results['begun']} on {results['machine']}, load {results['load_at_start']:.1f}"
             f" at the start, {'windows of 60 s' if results['quick'] else 'windows of 180 s'}.", ""]
    lines += [f"- {name}: {version}" for name, version in results["versions"].items()]
    return "\n".join(lines) + "\n\n" + "\n".join(
        table(name, run) for name, run in results["runs"].items())


# ---- plots ----

def svg(width: int, height: int, parts: list) -> str:
    return (f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="12">\n'
            f'<rect width="{width}" height="{height}" fill="white"/>\n' + "\n".join(parts)
            + "\n</svg>\n")


def text(x: float, y: float, words: str, **attributes) -> str:
    extra = "".join(f' {k.replace("_", "-")}="{v}"' for k, v in attributes.items())
    return f'<text x="{x:.1f}" y="{y:.1f}"{extra}>{html.escape(words)}</text>'


def bars(results: dict, key: str, words: str, digits: int) -> str:
    """One figure: a group of horizontal bars per workload."""
    parts = [text(10, 22, words, font_size=15, font_weight="bold")]
    runs = [(name, {a: f[key] for a, f in run["agents"].items() if key in f})
            for name, run in results["runs"].items()]
    runs = [(name, found) for name, found in runs if found]
    highest = max((v for _, found in runs for v in found.values()), default=0) or 1
    y = 40
    for name, found in runs:
        parts.append(text(10, y + 14, name, font_weight="bold"))
        for agent, value in found.items():
            width = 400 * value / highest
            parts.append(text(100, y + 14, agent))
            parts.append(f'<rect x="180" y="{y + 3}" width="{width:.1f}" height="14" '
                         f'fill="{COLOURS.get(agent, "#888")}"/>')
            parts.append(text(186 + width, y + 14, number(value, digits)))
            y += 20
        y += 10
    return svg(660, y + 5, parts)


def memory_lines(name: str, run: dict) -> str:
    """Resident memory over the time of a run."""
    lines = {a: f["line"] for a, f in run["agents"].items() if f.get("line")}
    end = max((p[0] for line in lines.values() for p in line), default=1)
    highest = max((p[1] for line in lines.values() for p in line), default=1) * 1.05
    parts = [text(10, 22, f"{name}: resident memory, MiB, over seconds", font_size=15,
                  font_weight="bold")]
    for i in range(5):
        y = 340 - 75 * i
        parts.append(f'<line x1="60" y1="{y}" x2="640" y2="{y}" stroke="#ddd"/>')
        parts.append(text(52, y + 4, number(highest * i / 4, 0), text_anchor="end"))
        parts.append(text(60 + 145 * i, 358, number(end * i / 4, 0), text_anchor="middle"))
    for i, (agent, line) in enumerate(lines.items()):
        colour = COLOURS.get(agent, "#888")
        points = " ".join(f"{60 + 580 * p[0] / end:.1f},{340 - 300 * p[1] / highest:.1f}"
                          for p in line)
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" '
                     'stroke-width="2"/>')
        parts.append(text(70 + 120 * i, 385, agent, fill=colour, font_weight="bold"))
    return svg(660, 395, parts)


def plots(results: dict, out: pathlib.Path) -> None:
    for key, words, digits in FIGURES:
        if key in PLOTTED:
            (out / f"{key}.svg").write_text(bars(results, key, words, digits))
    for name, run in results["runs"].items():
        (out / f"memory-{name}.svg").write_text(memory_lines(name, run))
