"""tmp."""
def gates() -> None:
    """x."""
