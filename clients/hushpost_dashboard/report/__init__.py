"""What the page of a campaign shows, computed from its statistics. Pure."""
