"""The edge: answers pixels and links over HTTP, and keeps events until the authority has them.

One process, `serve`, holds the *courier*: it ships what is spooled and follows
the links of all campaigns. Each *worker* process answers readers: it looks links
up in a local file and appends events to a spool file of its own. Nobody waits
for the authority.
"""
