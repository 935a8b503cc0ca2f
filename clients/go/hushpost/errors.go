// The error of a failed call.

package hushpost

import (
	"context"
	"errors"
	"time"

	"google.golang.org/genproto/googleapis/rpc/errdetails"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

// An Error is a call that failed. Get it with [errors.As], or compare it with a [Reason] with
// [errors.Is]. If the context of the call ended, it also is [context.Canceled] or
// [context.DeadlineExceeded].
type Error struct {
	// Code is the status of the call.
	Code codes.Code
	// Reason is what to branch on. Empty if the error did not come from the authority, for example
	// because it could not be reached.
	Reason Reason
	// Message is for people and may change between versions.
	Message string
	// Metadata has details of the reason, such as "field" or "index".
	Metadata map[string]string
	// RetryAfter is how long to wait before the next try, as suggested by the authority.
	RetryAfter time.Duration
	// RequestID is the idempotency key of the call; empty for calls without one. Repeating the call
	// with it counts once.
	RequestID string
	// CallID identifies the failed call in the log of the authority; quote it to the operator. Empty
	// if the error did not come from the authority.
	CallID string

	cause         error
	isUnavailable bool
	hasRetryInfo  bool
}

// Error returns the reason and the message.
func (e *Error) Error() string {
	if e.Reason == "" {
		return "hushpost: " + e.Code.String() + ": " + e.Message
	}
	return "hushpost: " + string(e.Reason) + ": " + e.Message
}

// Unwrap returns [context.Canceled] or [context.DeadlineExceeded] if that ended the call.
func (e *Error) Unwrap() error {
	return e.cause
}

// Is reports whether the target is the reason of the error.
func (e *Error) Is(target error) bool {
	var reason Reason
	return errors.As(target, &reason) && reason != "" && reason == e.Reason
}

// Retryable reports whether the same call can succeed later, after RetryAfter. Repeat a write with
// the same RequestID: it may have been committed or not.
//
// The client has already retried what was unavailable. An overloaded authority ([ReasonOverloaded])
// is left to the caller, because retries would add to the load.
func (e *Error) Retryable() bool {
	return e.isUnavailable || e.hasRetryInfo || e.Code == codes.DeadlineExceeded
}

// GRPCStatus returns the status, for [status.Code] and [status.FromError].
func (e *Error) GRPCStatus() *status.Status {
	return status.New(e.Code, e.Message)
}

// translate returns the error of a failed call.
func (c *calls) translate(ctx context.Context, err error) *Error {
	reported, ok := status.FromError(err)
	if !ok {
		reported = status.FromContextError(err)
	}
	failed := &Error{Code: reported.Code(), Message: reported.Message()}
	for _, detail := range reported.Details() {
		switch detail := detail.(type) {
		case *errdetails.ErrorInfo:
			failed.Reason, failed.Metadata = Reason(detail.GetReason()), detail.GetMetadata()
		case *errdetails.RequestInfo:
			failed.CallID = detail.GetRequestId()
		case *errdetails.RetryInfo:
			failed.hasRetryInfo = true
			failed.RetryAfter = detail.GetRetryDelay().AsDuration()
		}
	}
	switch failed.Code {
	case codes.DeadlineExceeded:
		failed.cause = context.DeadlineExceeded
	case codes.Canceled:
		failed.cause = ctx.Err()
		// gRPC ends calls that arrive while an authority stops, and streams that are not read.
		failed.isUnavailable = failed.cause == nil && !c.closed.Load()
	case codes.Unavailable:
		failed.isUnavailable = true
	}
	return failed
}
