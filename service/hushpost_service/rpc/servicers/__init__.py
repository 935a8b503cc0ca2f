"""One servicer per gRPC service: each method converts, calls one thing, and converts back."""
