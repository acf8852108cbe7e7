"""Which correction makes our network give what the model gave."""

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Final

from rnnviz.arrays import Array, Float
from rnnviz.interop.parity import parity
from rnnviz.interop.recognise import recognise

TRIED: Final = ("cell", "gates", "directions", "modules", "readout")
"""The corrections that are tried one by one; the first two together as well."""


def suggest(
    arrays: Mapping[str, Array], x: Float[Array, "T B I"], y: Array, **corrections: object
) -> dict[str, str]:
    """The corrections with which a model's outputs are ours to rounding; none if none are.

    Parameters
    ----------
    arrays : the weights, from ``read_arrays``
    x : (T, B, I), from ``probe``
    y : the model's outputs, as for ``parity``
    corrections : what is corrected already, for ``recognise``

    Examples
    --------
    >>> import rnnviz as rv
    >>> from rnnviz.interop import probe
    >>> network = rv.build(rv.RunConfig(cell="relu", hidden_size=5), input_size=2, output_size=3)
    >>> x = probe(network)
    >>> suggest(network.params, x, rv.predict(network, x))
    {'cell': 'relu'}
    """
    found = recognise(arrays, **corrections)
    for asked in _ways(found.choices, found.chosen):
        try:
            compared = parity(recognise(arrays, **{**corrections, **asked}).network(), x, y)
        except ValueError:  # sizes that do not fit, or a choice that another correction took away
            continue
        if compared.precision:
            return asked
    return {}


def _ways(
    choices: Mapping[str, tuple[str, ...]], chosen: Mapping[str, str]
) -> Iterator[dict[str, str]]:
    for name in TRIED:
        for option in choices.get(name, ()):
            if option != chosen[name]:
                yield {name: option}
    for cell, gates in product(choices.get("cell", ()), choices.get("gates", ())):
        if cell != chosen["cell"] and gates != chosen["gates"]:
            yield {"cell": cell, "gates": gates}
