"""All SQL statements, one module per area. Each has a name and a description.

`$1` is the tenant in every statement that concerns one tenant.
"""
