"""The gRPC server: servicers, interceptors and load shedding."""
