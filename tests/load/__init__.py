"""What the app holds under a class of visitors: ``python -m tests.load``, or ``make load``."""
