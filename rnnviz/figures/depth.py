"""tmp."""
def depth() -> None:
    """x."""
