"""tmp."""
def roads() -> None:
    """x."""
