"""Models and data from elsewhere."""
