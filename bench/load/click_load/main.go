// Sends prepared calls to a gRPC server, as fast as a number of callers can: a closed loop.
//
// Compiled, because a client in Python takes more CPU time per call than the authority, so that
// the load generator would be what is measured.
//
//	click_load -target HOST:PORT -method /package.Service/Method -callers 64 -connections 1 < REQUESTS
//
// REQUESTS is a sequence of serialized messages, each after its length (4 bytes, big endian).
// Each is sent once, with the header "authorization" from the environment variable
// AUTHORIZATION. Prints a JSON object with the seconds that the calls took, and the CPU
// seconds that they took here. Fails if a call does.
package main

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/metadata"
)

// Passes messages through as bytes.
type rawCodec struct{}

func (rawCodec) Marshal(v any) ([]byte, error) { return *v.(*[]byte), nil }

func (rawCodec) Unmarshal(data []byte, v any) error {
	*v.(*[]byte) = data
	return nil
}

func (rawCodec) Name() string { return "proto" }

func readRequests(input io.Reader) ([][]byte, error) {
	reader := bufio.NewReaderSize(input, 1<<20)
	var requests [][]byte
	for {
		var length uint32
		err := binary.Read(reader, binary.BigEndian, &length)
		if err == io.EOF {
			return requests, nil
		}
		if err != nil {
			return nil, err
		}
		request := make([]byte, length)
		if _, err := io.ReadFull(reader, request); err != nil {
			return nil, err
		}
		requests = append(requests, request)
	}
}

func cpuSeconds() float64 {
	var usage syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &usage); err != nil {
		fail(err)
	}
	return time.Duration(usage.Utime.Nano() + usage.Stime.Nano()).Seconds()
}

func fail(err error) {
	fmt.Fprintln(os.Stderr, err)
	os.Exit(1)
}

func main() {
	target := flag.String("target", "", "address of the server")
	method := flag.String("method", "", "path of the method")
	callers := flag.Int("callers", 64, "concurrent callers")
	connections := flag.Int("connections", 1, "connections that the callers share")
	flag.Parse()

	requests, err := readRequests(os.Stdin)
	if err != nil {
		fail(err)
	}
	channels := make([]*grpc.ClientConn, *connections)
	for number := range channels {
		channels[number], err = grpc.NewClient(
			*target,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodec(rawCodec{})),
		)
		if err != nil {
			fail(err)
		}
		channels[number].Connect()
	}
	ctx := metadata.AppendToOutgoingContext(context.Background(), "authorization", os.Getenv("AUTHORIZATION"))
	var next, failed atomic.Int64
	var lastError atomic.Value
	var group sync.WaitGroup
	start, cpu := time.Now(), cpuSeconds()
	for caller := range *callers {
		channel := channels[caller%len(channels)]
		group.Add(1)
		go func() {
			defer group.Done()
			for {
				number := next.Add(1) - 1
				if number >= int64(len(requests)) {
					return
				}
				var response []byte
				call, cancel := context.WithTimeout(ctx, 30*time.Second)
				if err := channel.Invoke(call, *method, &requests[number], &response); err != nil {
					failed.Add(1)
					lastError.Store(err.Error())
				}
				cancel()
			}
		}()
	}
	group.Wait()
	seconds := time.Since(start).Seconds()
	if message, ok := lastError.Load().(string); ok {
		fail(fmt.Errorf("%d calls failed, for example: %s", failed.Load(), message))
	}
	if err := json.NewEncoder(os.Stdout).Encode(map[string]any{
		"seconds": seconds, "cpu_seconds": cpuSeconds() - cpu,
	}); err != nil {
		fail(err)
	}
}
