"""One servicer per gRPC service: each method converts, calls one use case, converts back."""
