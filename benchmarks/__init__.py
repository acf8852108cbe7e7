"""Ratios against PyTorch, measured in one run: ``make bench``."""
