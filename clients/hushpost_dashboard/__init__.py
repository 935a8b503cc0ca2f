"""The dashboard: shows the statistics of campaigns in a browser, `hushpost dashboard`.

Pages are rendered on the server and work without scripts. People sign in with an API key of
role REPORTER. The dashboard stores nothing: sessions are encrypted cookies, and every page
reads from the authority.
"""
