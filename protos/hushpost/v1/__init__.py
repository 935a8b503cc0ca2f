"""Version 1: generated from the .proto files in this folder."""
