"""A run as one HTML file that needs nothing else: no server, no network, no account."""

from collections.abc import Iterable, Mapping, Sequence
from html import escape

import plotly.graph_objects as go
from plotly.offline import get_plotlyjs

from rnnviz.figures.theme import PALETTES, Palette

_POLICY = "default-src 'none'; script-src 'unsafe-inline'; style-src 'unsafe-inline'; img-src data:"
"""What the page may load: nothing that is not in it, so that opening it tells nobody."""

_DRAW = """
const figures = JSON.parse(document.getElementById("figures").textContent);
document.querySelectorAll(".plot").forEach((plot, index) => {
  const { data, layout } = figures[index];
  const image = { format: "svg", filename: layout.meta?.name ?? "figure" };
  const config = { responsive: true, displaylogo: false, toImageButtonOptions: image };
  Plotly.newPlot(plot, data, layout, config);
});
"""


def write_html(
    figures: Iterable[go.Figure],
    *,
    title: str,
    verdict: str = "",
    intro: str = "",
    method: str = "",
    sources: Sequence[str] = (),
    script: str = "",
    settings: Mapping[str, object] | None = None,
) -> str:
    """The figures, with their questions and guides, as one page that opens without a network.

    Parameters
    ----------
    figures : from ``rnnviz.figures``; what stands around each comes from its ``layout.meta``
    title : the page's heading
    verdict : the sentence that answers it
    intro : a text below, its paragraphs parted by empty lines
    method : what was computed and how, its paragraphs parted by empty lines
    sources : a paper each
    script : the Python that makes it again
    settings : what made the figures, a row each

    Examples
    --------
    >>> page = write_html([], title="A <run>", settings={"gain": 1.0})
    >>> "<h1>A &lt;run&gt;</h1>" in page, "<th>gain</th><td>1.0</td>" in page
    (True, True)
    """
    drawn = list(figures)
    body = [
        f"<h1>{escape(title)}</h1>",
        f'<p class="verdict">{escape(verdict)}</p>' if verdict else "",
        _paragraphs(intro),
        *(_section(figure) for figure in drawn),
        f"<h2>Method</h2>{_paragraphs(method)}" if method else "",
        _list(sources),
        f"<h2>In Python</h2><pre><code>{escape(script)}</code></pre>" if script else "",
        _table(settings or {}),
    ]
    return "\n".join(
        [
            "<!doctype html>",
            '<html lang="en">',
            '<head><meta charset="utf-8">',
            f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
            '<meta name="viewport" content="width=device-width, initial-scale=1">',
            f"<title>{escape(title)}</title>",
            f"<style>{_style(_palette(drawn))}</style></head>",
            "<body><main>",
            *filter(None, body),
            "</main>",
            f'<script type="application/json" id="figures">{_data(drawn)}</script>',
            f"<script>{get_plotlyjs()}</script>",
            f"<script>{_DRAW}</script>",
            "</body></html>",
        ]
    )


def _section(figure: go.Figure) -> str:
    """One figure between its question and its guide; an empty place where it will be drawn."""
    words = {"question": "", "subtitle": "", "how_to_read": "", "alt": "", **(_meta(figure))}
    text = {name: escape(str(value)) for name, value in words.items()}
    height = int(figure.layout.height or 450)
    guide = _paragraphs(str(words["how_to_read"]))
    return "\n".join(
        [
            "<section>",
            f"<h2>{text['question']}</h2>",
            f'<p class="subtitle">{text["subtitle"]}</p>',
            f'<div class="plot" style="height:{height}px" role="img" aria-label="{text["alt"]}">'
            "</div>",
            f"<details><summary>How to read this</summary>{guide}</details>" if guide else "",
            "</section>",
        ]
    )


def _meta(figure: go.Figure) -> dict[str, object]:
    meta = figure.layout.meta
    return meta if isinstance(meta, dict) else {}


def _paragraphs(text: str) -> str:
    parts = [escape(part.strip()) for part in text.split("\n\n") if part.strip()]
    return "".join(f"<p>{part}</p>" for part in parts)


def _list(sources: Sequence[str]) -> str:
    items = "".join(f"<li>{escape(source)}</li>" for source in sources)
    return f"<h2>Sources</h2>\n<ul>{items}</ul>" if items else ""


def _table(settings: Mapping[str, object]) -> str:
    rows = "".join(
        f"<tr><th>{escape(str(name))}</th><td>{escape(str(value))}</td></tr>"
        for name, value in settings.items()
    )
    return f"<h2>Settings</h2>\n<table>{rows}</table>" if rows else ""


def _data(figures: list[go.Figure]) -> str:
    """The figures as JSON; Plotly writes each "<" as an escape, so nothing ends the script."""
    listed = ",".join(figure.to_json() for figure in figures)
    return f"[{listed}]"


def _palette(figures: list[go.Figure]) -> Palette:
    """That of the first figure, so that the page is as light or as dark as what is drawn on it."""
    paper = figures[0].layout.template.layout.paper_bgcolor if figures else None
    return next((own for own in PALETTES.values() if own.paper == paper), PALETTES["light"])


def _style(palette: Palette) -> str:
    return f"""
body {{ margin: 0; background: {palette.paper}; color: {palette.ink};
  font: 16px/1.5 system-ui, sans-serif; }}
main {{ max-width: 62rem; margin: 0 auto; padding: 1.5rem 1rem 3rem; }}
h1 {{ font-size: 1.6rem; line-height: 1.25; }}
h2 {{ font-size: 1.15rem; margin: 2.5rem 0 0; }}
.verdict {{ border-left: 4px solid {palette.shrinking}; padding: 0.25rem 0.9rem;
  font-size: 1.1rem; }}
.subtitle {{ color: {palette.muted}; font-size: 0.85rem; margin: 0.15rem 0 0.5rem; }}
.plot {{ width: 100%; }}
details {{ font-size: 0.9rem; }}
summary {{ cursor: pointer; }}
pre {{ background: {palette.grid}; padding: 0.75rem; overflow-x: auto; font-size: 0.8rem; }}
table {{ border-collapse: collapse; font-size: 0.9rem; }}
th, td {{ border-bottom: 1px solid {palette.grid}; padding: 0.2rem 1.25rem 0.2rem 0;
  text-align: left; vertical-align: top; font-weight: normal; overflow-wrap: anywhere; }}
th {{ color: {palette.muted}; }}
"""
