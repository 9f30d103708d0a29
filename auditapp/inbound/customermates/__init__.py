"""Customermates: its audit log as a file, and its webhooks."""
