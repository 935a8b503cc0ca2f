// Clicks on links over HTTP/1.1 and checks every redirect.
//
// Compiled, because a load generator in Python takes almost twice the CPU time per click, which is then
// missing to the servers on the same machine.
//
// Reads commands as JSON from stdin, and answers each with a line of JSON:
//
//	{"tokens": […], "urls": […]}                                   sets the messages to click on
//	{"port": 80, "connections": 64, "seconds": 1.5, "rate": 500}   clicks; without a rate, as fast as possible
//
// Message i clicks on link i modulo their number. Exits at the end of stdin.
package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
)

type command struct {
	Tokens []string `json:"tokens"`
	URLs   []string `json:"urls"`
	load
}

func main() {
	// At most one core for the load; threads need not wake each other.
	runtime.GOMAXPROCS(1)
	// An interrupt is for the parent, which then closes stdin.
	signal.Ignore(os.Interrupt)
	if err := serve(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func serve() error {
	responses := json.NewEncoder(os.Stdout)
	var cycle clickCycle
	for next := range commands() {
		var response any = struct{}{}
		if next.Tokens != nil {
			cycle = newClickCycle(next.Tokens, next.URLs)
		} else if result, err := next.load.run(&cycle); err != nil {
			response = map[string]string{"error": err.Error()}
		} else {
			response = result
		}
		if err := responses.Encode(response); err != nil {
			return err
		}
	}
	return nil
}

// Returns the commands; exits at their end, also during a load.
func commands() <-chan command {
	received := make(chan command)
	go func() {
		decoder := json.NewDecoder(os.Stdin)
		for {
			var next command
			if err := decoder.Decode(&next); errors.Is(err, io.EOF) {
				os.Exit(0)
			} else if err != nil {
				fmt.Fprintln(os.Stderr, err)
				os.Exit(1)
			}
			received <- next
		}
	}()
	return received
}
