// Sends one call at a time over one of several connections.
package main

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/connectivity"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/mem"
)

const connectTimeout = 30 * time.Second

type sender struct {
	context   context.Context
	channels  []*grpc.ClientConn
	method    string
	timeout   time.Duration
	messages  []mem.Buffer
	requestID int
	expected  []byte
}

// Connects before the load begins, so that no call waits for it.
func connect(target string, connections int) ([]*grpc.ClientConn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	channels := make([]*grpc.ClientConn, connections)
	for number := range channels {
		channel, err := grpc.NewClient(
			target,
			grpc.WithTransportCredentials(insecure.NewCredentials()),
			grpc.WithDefaultCallOptions(grpc.ForceCodecV2(rawCodec{})),
		)
		if err != nil {
			return nil, err
		}
		channel.Connect()
		for state := channel.GetState(); state != connectivity.Ready; state = channel.GetState() {
			if !channel.WaitForStateChange(ctx, state) {
				return nil, fmt.Errorf("cannot connect to %s: %s", target, state)
			}
		}
		channels[number] = channel
	}
	return channels, nil
}

// Sends the call with this number; returns whether the response is as expected.
func (s *sender) send(number int) (bool, error) {
	request := mem.BufferSlice{s.messages[number%len(s.messages)]}
	if s.requestID > 0 {
		request = append(request, newRequestID(s.requestID))
	}
	ctx, cancel := context.WithTimeout(s.context, s.timeout)
	defer cancel()
	var response []byte
	if err := s.channels[number%len(s.channels)].Invoke(ctx, s.method, request, &response); err != nil {
		return true, err
	}
	return len(s.expected) == 0 || bytes.Equal(response, s.expected), nil
}
