"""The gRPC services: each method converts, calls one thing, and converts back."""
