// The retry policy: exponential backoff with full jitter.

package hushpost

import (
	"errors"
	"time"
)

// A RetryPolicy says how often and how soon a call is tried again while the authority is
// unavailable.
//
// Only calls with a request id are, because only those count once however often they arrive; every
// write that could count twice has one. The backoff is random between zero and a bound that doubles
// from InitialBackoff to MaxBackoff ("full jitter", so that clients do not return in a wave), plus
// the delay that the authority requested. No try starts after the deadline of the call. Streams
// reconnect with the same backoff, without a limit of tries.
type RetryPolicy struct {
	// MaxTries is how often to try, including the first time; 1 disables retries.
	MaxTries int
	// InitialBackoff is the bound of the first backoff.
	InitialBackoff time.Duration
	// MaxBackoff is the bound of every backoff.
	MaxBackoff time.Duration
}

// DefaultRetryPolicy returns five tries, with bounds from 100 ms to one second.
func DefaultRetryPolicy() RetryPolicy {
	return RetryPolicy{MaxTries: 5, InitialBackoff: 100 * time.Millisecond, MaxBackoff: time.Second}
}

func (p RetryPolicy) validate() error {
	if p.MaxTries < 1 {
		return errors.New("RetryPolicy.MaxTries must be at least 1")
	}
	if p.InitialBackoff < 0 || p.InitialBackoff > p.MaxBackoff {
		return errors.New("RetryPolicy.InitialBackoff must be between 0 and MaxBackoff")
	}
	return nil
}

// backoff returns how long to wait after a number of failures in a row, from 1. uniform returns a
// random number from 0 to 1.
func (p RetryPolicy) backoff(
	failures int, retryAfter time.Duration, uniform func() float64,
) time.Duration {
	bound := p.InitialBackoff
	for doublings := 1; doublings < failures && 0 < bound && bound < p.MaxBackoff; doublings++ {
		bound *= 2
	}
	return retryAfter + time.Duration(uniform()*float64(min(bound, p.MaxBackoff)))
}
