"""Every statement, by area: named, described, its columns enumerated.

`$1` is the tenant wherever a statement has one.
"""
