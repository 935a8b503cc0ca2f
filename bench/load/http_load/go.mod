module hushpost/bench/load/http_load

go 1.26.0
