"""Corrections of what was recognised: what they could be, and what is chosen."""

from collections.abc import Mapping, Sequence

from rnnviz.interop.limits import one_line


class Asked:
    """The corrections, what they could be, and what is chosen."""

    def __init__(self, corrections: Mapping[str, object]) -> None:
        given = {name: str(value) for name, value in corrections.items() if value is not None}
        if "reset_after" in given:
            after = given.pop("reset_after")
            given.setdefault("cell", {"True": "gru", "False": "gru_cho"}.get(after, after))
        self.given = given
        self.choices: dict[str, tuple[str, ...]] = {}
        self.chosen: dict[str, str] = {}
        self.notes: list[str] = []

    def choose(self, name: str, options: Sequence[str], likely: str) -> str:
        """The one that is asked for, or the likeliest.

        Raises
        ------
        ValueError
            If what is asked for is none of the options.
        """
        choice = self.given.get(name, likely)
        if choice not in options:
            words = ", ".join(one_line(option) for option in options)
            raise ValueError(f"{name} must be one of {words}, got {one_line(choice)}")
        self.choices[name], self.chosen[name] = tuple(options), choice
        return choice

    def check(self) -> None:
        """Refuse corrections that there is nothing to correct by."""
        if wrong := sorted(set(self.given) - set(self.choices)):
            raise ValueError(
                f"corrections must be among {', '.join(self.choices)}, got {one_line(wrong[0])}"
            )
