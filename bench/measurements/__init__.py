"""One module per measurement; `bench.registry` lists them."""
