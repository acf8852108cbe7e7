"""Which recurrent modules of a file read each other, and in which directions."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice, permutations
from typing import Final

from rnnviz.interop.raw import Level, natural

BEHIND: Final = " > "
"""Stands between the names of modules that read each other."""
_TRIED: Final = 720
_OFFERED: Final = 12


def orders(modules: Mapping[str, Sequence[Level]], *, ordered: bool) -> tuple[str, ...]:
    """The ways to put modules on each other that fit by their sizes, the likeliest first.

    All of them together first, then each by itself.

    Parameters
    ----------
    modules : the levels of each, by its name
    ordered : whether the order of the modules is known to be that in which they read
    """
    names = list(modules)
    given = [names] if ordered else [sorted(names, key=natural), names]
    tried = [*given, *(list(order) for order in islice(permutations(names), _TRIED))]
    fitting = (BEHIND.join(order) for order in tried if _fits(stacked(modules, order)))
    return tuple(islice(_once([*fitting, *names]), _OFFERED))


def _fits(levels: Sequence[Level]) -> bool:
    return chains(levels) or in_pairs(levels) is not None


def stacked(modules: Mapping[str, Sequence[Level]], names: Sequence[str]) -> tuple[Level, ...]:
    """The levels of several modules on each other."""
    return tuple(level for name in names for level in modules[name])


def chains(levels: Sequence[Level]) -> bool:
    """Whether each level reads what the one below gives."""
    below = [sum(layer.hidden_size for layer in level) for level in levels]
    above = [{layer.input_size for layer in level} for level in levels[1:]]
    return all(sizes == {size} for size, sizes in zip(below, above, strict=False))


def in_pairs(levels: Sequence[Level]) -> tuple[Level, ...] | None:
    """The levels with each second one in reverse beside the first; None where that cannot be."""
    if len(levels) % 2 or any(len(level) > 1 for level in levels):
        return None
    pairs = tuple(
        (forward, replace(backward, reverse=True))
        for (forward,), (backward,) in zip(levels[::2], levels[1::2], strict=True)
    )
    return pairs if all(_alike(pair) for pair in pairs) and chains(pairs) else None


def _alike(pair: Level) -> bool:
    return (pair[0].input_size, pair[0].hidden_size) == (pair[1].input_size, pair[1].hidden_size)


def _once(names: Sequence[str]) -> Iterator[str]:
    yield from dict.fromkeys(names)
