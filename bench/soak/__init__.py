"""A long run under steady load that looks for growth: leaks, bloat, and calls that get slower."""
