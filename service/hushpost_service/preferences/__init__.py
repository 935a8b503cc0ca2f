"""Recipients' choices, and anonymizing what was recorded before they declined."""
