"""Everything on a page to take away: as Python, as a notebook, as pictures, with its sources."""

from rnnviz.takeaway.bibliography import Source, bibliography, sources_of
from rnnviz.takeaway.pages import Comparison, Page, Saved, Training
from rnnviz.takeaway.script import as_notebook, as_python

__all__ = [
    "Comparison",
    "Page",
    "Saved",
    "Source",
    "Training",
    "as_notebook",
    "as_python",
    "bibliography",
    "sources_of",
]
