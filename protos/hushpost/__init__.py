"""The stubs of Hushpost's interface, one sub-package per version of it."""
