"""The pages of the dashboard. Each module has a class whose `routes()` the app composes."""
