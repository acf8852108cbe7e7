"""The app and its charts in a real Chromium."""
