"""The authority: records opens and clicks and honours each recipient's choice."""
