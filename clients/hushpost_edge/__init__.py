"""The edge: serves pixels and redirects over HTTP and spools events for the authority.

The main process runs the background shipper, which sends spooled events to the
authority and keeps a local copy of all links. Worker processes handle the HTTP
requests: each looks links up in the local copy and appends events to its own spool
file. Requests therefore do not wait for the authority.
"""
