"""A figure as it was drawn, before Plotly has taken it apart."""

from typing import Any

import plotly.graph_objects as go


class Picture(go.Figure):  # type: ignore[misc]
    """A Plotly figure that is built when something of Plotly's is first asked of it.

    Building one copies its dicts several times, which takes longer than to make them, and what
    sends a picture to a browser needs nothing but ``plain``.
    """

    def __init__(self, data: list[dict[str, Any]], layout: dict[str, Any]) -> None:
        self._drawn = {"data": data, "layout": layout}

    def __getattr__(self, name: str) -> Any:
        """Whatever is missing until Plotly has built its part."""
        drawn = self.__dict__.pop("_drawn", None)
        if drawn is None:
            raise AttributeError(name)
        super().__init__(drawn["data"], drawn["layout"], _validate=False)
        return getattr(self, name)

    def __reduce__(self) -> tuple[type[go.Figure], tuple[dict[str, Any]]]:
        return go.Figure, (self.to_dict(),)


def plain(figure: go.Figure) -> dict[str, Any]:
    """A figure as dicts with its arrays in them, to be read only.

    ``figure.to_dict()`` makes base64 of the arrays, and a deep copy of everything.
    """
    drawn: dict[str, Any] | None = vars(figure).get("_drawn")
    return drawn or {"data": figure._data, "layout": figure._layout}
