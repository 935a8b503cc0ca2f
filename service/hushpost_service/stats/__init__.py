"""Reads and publishes the statistics of campaigns, and lays them out as reports."""
