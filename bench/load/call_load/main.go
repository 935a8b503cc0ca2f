// Sends prepared calls to a gRPC server and reports how each one ended.
//
// Compiled, because a client in Python takes more CPU time per call than the authority, so that
// the load generator would be what is measured.
//
//	call_load -target HOST:PORT -method /package.Service/Method -callers 64 < MESSAGES
//	call_load -target HOST:PORT -method /package.Service/Method -rate 1500 -calls 9000 < MESSAGES
//
// With -callers, each caller sends its next call after a response: a closed loop. With -rate,
// calls are due at fixed intervals, whether or not earlier ones have returned: an open loop.
//
// MESSAGES are serialized requests, each after its length (4 bytes, big endian). They are sent
// in turn, with the header "authorization" from the environment variable AUTHORIZATION. Prints
// the report (see loop.go) as JSON.
package main

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"runtime"
	"time"

	"google.golang.org/grpc/metadata"
)

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run() error {
	target := flag.String("target", "", "address of the server")
	method := flag.String("method", "", "path of the method")
	connections := flag.Int("connections", 1, "connections that the calls share")
	callers := flag.Int("callers", 0, "concurrent callers of a closed loop")
	rate := flag.Float64("rate", 0, "calls per second of an open loop")
	calls := flag.Int("calls", 0, "number of calls; without it, each message is sent once")
	timeout := flag.Duration("timeout", 30*time.Second, "deadline of each call")
	requestID := flag.Int("request-id-field", 0, "number of a string field that gets a new UUID for each call")
	expected := flag.String("expected", "", "serialized response, in hexadecimal; others count as unexpected")
	flag.Parse()
	// At most one core for the load, and a quarter less CPU time per call in an open loop: threads
	// need not wake each other.
	runtime.GOMAXPROCS(1)

	expectedResponse, err := hex.DecodeString(*expected)
	if err != nil {
		return err
	}
	messages, err := readMessages(os.Stdin)
	if err != nil {
		return err
	}
	if *calls == 0 {
		*calls = len(messages)
	}
	if len(messages) == 0 || (*callers > 0) == (*rate > 0) {
		return fmt.Errorf("needs messages, and either -callers or -rate")
	}
	channels, err := connect(*target, *connections)
	if err != nil {
		return err
	}
	sender := &sender{
		context:   metadata.AppendToOutgoingContext(context.Background(), "authorization", os.Getenv("AUTHORIZATION")),
		channels:  channels,
		method:    *method,
		timeout:   *timeout,
		messages:  messages,
		requestID: *requestID,
		expected:  expectedResponse,
	}
	loop := newLoop(sender, *calls)
	if *callers > 0 {
		loop.runCallers(*callers)
	} else {
		loop.runAtRate(*rate)
	}
	return json.NewEncoder(os.Stdout).Encode(loop.finish())
}
