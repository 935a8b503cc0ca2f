"""Load generators for gRPC calls and HTTP clicks."""
