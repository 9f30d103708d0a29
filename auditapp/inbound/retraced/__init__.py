"""Retraced: its Create Event API, and files of its events."""
