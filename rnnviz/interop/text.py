"""A visitor's text as a task: the next character from those before it."""

from collections.abc import Sequence
from typing import Final

from rnnviz.interop.limits import one_line, shown
from rnnviz.interop.plain_text import decoded
from rnnviz.interop.series import PAPER
from rnnviz.tasks.characters import Text

CHARACTERS: Final = 1 << 20
"""The longest text."""
ALPHABET: Final = 512
"""The most different characters."""
SHORTEST: Final = 20
"""The shortest text, whose last tenth is held out and has a character with a next one."""


class OwnText(Text):
    """Predict each next character of a given text."""

    paper = PAPER

    def __init__(self, text: str, alphabet: str, name: str) -> None:
        self.name = self.title = name
        self._text, self.alphabet = text, alphabet
        self.note = (
            f"Reads {name} character by character, {len(alphabet)} different ones, and predicts "
            f"the next; trained on the first {self.split:,} characters, validated on the last "
            f"{len(text) - self.split:,}."
        )

    @property
    def text(self) -> str:
        """All of it."""
        return self._text


def text(characters: str, alphabet: Sequence[str] = "", name: str = "the text") -> OwnText:
    """A text as a task: characters in, the next character out.

    Parameters
    ----------
    characters : all of it
    alphabet : the characters in the order of a model's inputs; those that occur, in the order of
        their code points, if left out
    name : what it is called

    Raises
    ------
    ValueError
        If it is too short or too long, or has a character that is not in the alphabet.

    Examples
    --------
    >>> task = text("abracadabra abracadabra")
    >>> task.alphabet, task.input_size
    (' abcdr', 6)
    """
    if not SHORTEST <= len(characters) <= CHARACTERS:
        raise ValueError(
            f"{shown(name)} must have {SHORTEST} to {CHARACTERS:,} characters, got "
            f"{len(characters):,}"
        )
    occur = sorted(set(characters))
    known = "".join(alphabet) or "".join(occur)
    if not 2 <= len(known) <= ALPHABET or len(set(known)) != len(known):
        raise ValueError(
            f"the alphabet of {shown(name)} must have 2 to {ALPHABET} different characters, got "
            f"{len(known):,}"
        )
    if strange := set(occur) - set(known):
        first = characters.index(min(strange))
        raise ValueError(
            f"the alphabet must hold every character of {shown(name)}, got one that it lacks: "
            f"{one_line(characters[first])!r} at {first:,}"
        )
    return OwnText(characters, known, shown(name))


def read_text(data: bytes, name: str) -> str:
    """The characters of a text file, every line end as one.

    Raises
    ------
    ValueError
        One sentence that names the file and the cause.
    """
    found, _ = decoded(data, name)
    return found.replace("\r\n", "\n").replace("\r", "\n")
