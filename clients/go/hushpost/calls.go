// Makes calls: applies timeout and retries, translates errors.

package hushpost

import (
	"context"
	"errors"
	"io"
	"iter"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// calls makes the calls of one client.
//
// It has its own retry loop, because gRPC's service config chooses by method, not by the presence
// of a request id, and ignores RetryInfo.
type calls struct {
	timeout time.Duration
	retry   RetryPolicy
	closed  atomic.Bool
	now     func() time.Time
	sleep   func(context.Context, time.Duration) error
	uniform func() float64
}

type rpc[Request, Response any] func(context.Context, Request, ...grpc.CallOption) (Response, error)

type page interface{ GetNextPageToken() string }

func newCalls(timeout time.Duration, retry RetryPolicy) *calls {
	return &calls{
		timeout: timeout, retry: retry, now: time.Now, sleep: sleep,
		// Jitter spreads load; it needs no cryptographic randomness.
		uniform: rand.Float64,
	}
}

// unary makes a call and returns its response. Each try sends the same request, and therefore the
// same request id.
func unary[Request, Response any](
	ctx context.Context, c *calls, method rpc[Request, Response], request Request,
) (Response, error) {
	var none Response
	if _, ok := ctx.Deadline(); !ok {
		limited, cancel := context.WithTimeout(ctx, c.timeout)
		defer cancel()
		ctx = limited
	}
	requestID := requestIDOf(request)
	for failures := 1; ; failures++ {
		response, err := method(ctx, request)
		if err == nil {
			return response, nil
		}
		failed := c.translate(ctx, err)
		failed.RequestID = requestID
		backoff := c.retry.backoff(failures, failed.RetryAfter, c.uniform)
		// Without a request id, a second try could count twice.
		isLast := requestID == "" || failures >= c.retry.MaxTries
		if isLast || !failed.isUnavailable || !c.hasTimeFor(ctx, backoff) {
			return none, failed
		}
		if err := c.sleep(ctx, backoff); err != nil {
			failed = c.translate(ctx, err)
			failed.RequestID = requestID
			return none, failed
		}
	}
}

// pages returns the converted items of all pages. fetch takes a page token.
func pages[Page page, Message, Item any](
	fetch func(pageToken string) (Page, error),
	messages func(Page) []Message, convert func(Message) Item,
) iter.Seq2[Item, error] {
	return func(yield func(Item, error) bool) {
		for token, more := "", true; more; {
			fetched, err := fetch(token)
			if err != nil {
				var none Item
				yield(none, err)
				return
			}
			for _, message := range messages(fetched) {
				if !yield(convert(message), nil) {
					return
				}
			}
			token = fetched.GetNextPageToken()
			more = token != ""
		}
	}
}

// stream returns the responses of a stream until the context ends or the call fails for good; the
// error is the last thing that it yields. It opens the stream anew, with another request, for as long
// as the authority is unavailable.
func stream[Request, Response any](
	ctx context.Context, c *calls,
	method rpc[Request, grpc.ServerStreamingClient[Response]], nextRequest func() Request,
) iter.Seq2[*Response, error] {
	return func(yield func(*Response, error) bool) {
		failures := 0
		for {
			received, err := streamOnce(ctx, method, nextRequest(), func(response *Response) bool {
				return yield(response, nil)
			})
			if err == nil { // the caller stopped
				return
			}
			if received {
				failures = 0
			}
			failures++
			failed := c.translate(ctx, err)
			backoff := c.retry.backoff(failures, failed.RetryAfter, c.uniform)
			if !failed.isUnavailable {
				yield(nil, failed)
				return
			}
			if err := c.sleep(ctx, backoff); err != nil {
				yield(nil, c.translate(ctx, err))
				return
			}
		}
	}
}

// streamOnce passes on the responses of one stream. It returns whether there were any, and why the
// stream ended; nil if yield returned false.
func streamOnce[Request, Response any](
	ctx context.Context, method rpc[Request, grpc.ServerStreamingClient[Response]],
	request Request, yield func(*Response) bool,
) (received bool, err error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the stream when the caller stops iterating
	opened, err := method(ctx, request)
	if err != nil {
		return false, err
	}
	for {
		response, err := opened.Recv()
		if errors.Is(err, io.EOF) { // streams have no end
			err = status.Error(codes.Unavailable, "the authority ended the stream")
		}
		if err != nil {
			return received, err
		}
		received = true
		if !yield(response) {
			return received, nil
		}
	}
}

// hasTimeFor reports whether a try after the backoff starts before the deadline.
func (c *calls) hasTimeFor(ctx context.Context, backoff time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return !ok || c.now().Add(backoff).Before(deadline)
}

func sleep(ctx context.Context, duration time.Duration) error {
	timer := time.NewTimer(duration)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
