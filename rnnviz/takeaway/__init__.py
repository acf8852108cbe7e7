"""Everything on a page to take away: as Python, as a notebook, as pictures, with its sources."""

from rnnviz.takeaway.bibliography import Source, bibliography, sources_of
from rnnviz.takeaway.document import as_html, questions
from rnnviz.takeaway.method import method
from rnnviz.takeaway.pages import Comparison, Page, Saved, Training
from rnnviz.takeaway.picture import FORMATS, MIME, WIDTHS, browser, picture
from rnnviz.takeaway.script import as_notebook, as_python

__all__ = [
    "FORMATS",
    "MIME",
    "WIDTHS",
    "Comparison",
    "Page",
    "Saved",
    "Source",
    "Training",
    "as_html",
    "as_notebook",
    "as_python",
    "bibliography",
    "browser",
    "method",
    "picture",
    "questions",
    "sources_of",
]
