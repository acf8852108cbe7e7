"""A page as Python: a script that gives its numbers to the bit, and a notebook of the same."""

import textwrap
from collections.abc import Sequence

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from rnnviz.takeaway.pages import NONE, Page, Pictures, Step, steps_of

_IMPORTS = "import rnnviz as rv"
_TAKES = "from itertools import islice"


def as_python(page: Page, pictures: Pictures = NONE, title: str = "") -> str:
    """A script that computes what a page shows, each picture into an HTML file beside it.

    Parameters
    ----------
    page : the settings: of a run, a training, a comparison or a sweep
    pictures : what to draw beside the page's own: a question by the name of the picture's file
    title : the sentence at the head of the script

    Examples
    --------
    >>> import rnnviz as rv
    >>> script = as_python(rv.RunConfig(hidden_size=4, steps=9), {"eigenvalues": "How large?"})
    >>> "record = rv.run(config)" in script, "rv.figures.eigenvalues(spectrum)" in script
    (True, True)
    """
    steps = steps_of(page, pictures)
    parts = [_docstring(title), _imports(steps), *(_commented(step) for step in steps)]
    return "\n\n".join(filter(None, parts)) + "\n"


def as_notebook(page: Page, pictures: Pictures = NONE, title: str = "", method: str = "") -> str:
    """The same as a Jupyter notebook, with each picture below the lines that make it.

    Examples
    --------
    >>> import rnnviz as rv
    >>> notebook = nbformat.reads(as_notebook(rv.RunConfig(hidden_size=4)), as_version=4)
    >>> notebook.cells[1].source
    'import rnnviz as rv'
    """
    steps = steps_of(page, pictures)
    head = "\n\n".join(filter(None, [f"# {_plain(title or 'rnnviz')}", _plain(method)]))
    cells = [new_markdown_cell(head), new_code_cell(_imports(steps))]
    for step in steps:
        shown = "\n".join(filter(None, [step.code, step.figure]))
        cells += [new_markdown_cell(_plain(step.words)), new_code_cell(shown)]
    for number, cell in enumerate(cells):
        cell.id = f"rnnviz-{number}"  # nbformat draws one at random
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    notebook = new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.validate(notebook)
    return str(nbformat.writes(notebook)) + "\n"


def _plain(text: str) -> str:
    """Text that Markdown shows as it is."""
    return "".join(f"\\{sign}" if sign in r"\`*_[]<>#$" else sign for sign in text)


def _docstring(title: str) -> str:
    text = title.replace("\\", "\\\\").replace('"""', "'''")
    end = "\n" if len(text) > 73 else ""
    return f'"""{textwrap.fill(text, 79)}{end}"""' if text else ""


def _imports(steps: Sequence[Step]) -> str:
    uses = any("islice(" in step.code for step in steps)
    return f"{_TAKES}\n\n{_IMPORTS}" if uses else _IMPORTS


def _commented(step: Step) -> str:
    comment = textwrap.fill(step.words, 96, initial_indent="# ", subsequent_indent="# ")
    saved = f'{step.figure}.write_html("rnnviz-{step.name}.html")' if step.figure else ""
    return "\n".join(filter(None, [comment, step.code, saved]))
