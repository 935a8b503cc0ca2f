// Retries: which calls are tried again, when, and with which request id.

package hushpost

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	pb "hushpost/clients/go/hushpostv1"
)

var unavailable = failure(codes.Unavailable, ReasonDatabaseUnavailable, 0)

func TestEveryTryHasTheSameRequestID(t *testing.T) {
	server := start(t, []error{unavailable, unavailable, unavailable})
	client, slept := server.client(t)

	if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
		t.Fatal(err)
	}

	if len(server.requestIDs) != 4 {
		t.Errorf("%d tries instead of 4", len(server.requestIDs))
	}
	first := server.requestIDs[0]
	if first == "" || slices.ContainsFunc(server.requestIDs, func(id string) bool { return id != first }) {
		t.Errorf("the request ids differ: %q", server.requestIDs)
	}
	want := []time.Duration{100 * time.Millisecond, 200 * time.Millisecond, 400 * time.Millisecond}
	if !slices.Equal(*slept, want) {
		t.Errorf("the backoffs are %v instead of %v", *slept, want)
	}
}

func TestEveryCallHasARequestIDOfItsOwn(t *testing.T) {
	server := start(t, nil)
	client, _ := server.client(t)

	for range 2 {
		if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
			t.Fatal(err)
		}
	}
	if server.requestIDs[0] == server.requestIDs[1] {
		t.Errorf("both calls have the request id %q", server.requestIDs[0])
	}
}

func TestARequestIDOfTheCallerIsSent(t *testing.T) {
	server := start(t, []error{unavailable})
	client, _ := server.client(t)
	const id = "6f1c5b0e-4f3a-4a55-9a53-0a8f2b7d1c11"

	if err := client.RecordOpen(t.Context(), Open{Token: "token", RequestID: id}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(server.requestIDs, []string{id, id}) {
		t.Errorf("sent %q", server.requestIDs)
	}
}

func TestABackoffIncludesTheDelayThatTheAuthorityAskedFor(t *testing.T) {
	server := start(t, []error{failure(codes.Unavailable, ReasonShuttingDown, 3*time.Second)})
	client, slept := server.client(t)

	if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(*slept, []time.Duration{3100 * time.Millisecond}) {
		t.Errorf("slept %v", *slept)
	}
}

func TestNoTryStartsAfterTheDeadline(t *testing.T) {
	server := start(t, []error{failure(codes.Unavailable, ReasonShuttingDown, time.Hour)})
	client, slept := server.client(t)

	err := client.RecordOpen(t.Context(), Open{Token: "token"})

	var failed *Error
	if !errors.As(err, &failed) || failed.RetryAfter != time.Hour || !failed.Retryable() {
		t.Errorf("got %#v", err)
	}
	if len(server.requestIDs) != 1 || len(*slept) != 0 {
		t.Errorf("%d tries, slept %v", len(server.requestIDs), *slept)
	}
	if failed.RequestID != server.requestIDs[0] {
		t.Errorf("the error has the request id %q instead of %q", failed.RequestID, server.requestIDs[0])
	}
}

func TestTheLastTryFails(t *testing.T) {
	server := start(t, []error{unavailable, unavailable, unavailable})
	client, _ := server.client(t, WithRetry(RetryPolicy{MaxTries: 2}))

	err := client.RecordOpen(t.Context(), Open{Token: "token"})

	if !errors.Is(err, ReasonDatabaseUnavailable) || len(server.requestIDs) != 2 {
		t.Errorf("%d tries, got %v", len(server.requestIDs), err)
	}
}

func TestACallWithoutRequestIDIsNotRetried(t *testing.T) {
	server := start(t, []error{unavailable})
	client, _ := server.client(t)

	_, err := client.GetCampaignStats(t.Context(), "spring", StatsFull)

	if !errors.Is(err, ReasonDatabaseUnavailable) || server.reads != 1 {
		t.Errorf("%d tries, got %v", server.reads, err)
	}
}

func TestAnOverloadedAuthorityIsLeftToTheCaller(t *testing.T) {
	server := start(t, []error{failure(codes.ResourceExhausted, ReasonOverloaded, 2*time.Second)})
	client, _ := server.client(t)

	err := client.RecordOpen(t.Context(), Open{Token: "token"})

	var failed *Error
	if !errors.As(err, &failed) || !failed.Retryable() || failed.RetryAfter != 2*time.Second {
		t.Errorf("got %#v", err)
	}
	if len(server.requestIDs) != 1 {
		t.Errorf("%d tries", len(server.requestIDs))
	}
}

func TestACallThatTheServerCancelledIsRetried(t *testing.T) {
	server := start(t, []error{failure(codes.Canceled, "", 0)})
	client, _ := server.client(t)

	if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
		t.Error(err)
	}
}

func TestACancelledContextEndsTheRetries(t *testing.T) {
	server := start(t, []error{unavailable, unavailable})
	client, _ := server.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	client.calls.sleep = func(ctx context.Context, _ time.Duration) error {
		cancel()
		return ctx.Err()
	}

	err := client.RecordOpen(ctx, Open{Token: "token"})

	if !errors.Is(err, context.Canceled) || len(server.requestIDs) != 1 {
		t.Errorf("%d tries, got %v", len(server.requestIDs), err)
	}
}

func TestAStreamIsOpenedAnewAndRepeatsNothing(t *testing.T) {
	first, second := &pb.CampaignStats{CampaignId: "first"}, &pb.CampaignStats{CampaignId: "second"}
	// A nil error would keep the stream open.
	server := start(t, []error{unavailable, failure(codes.Canceled, "", 0), unavailable})
	server.streams = [][]*pb.CampaignStats{{}, {first}, {}, {first, second}}
	client, slept := server.client(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()

	var seen []string
	for stats, err := range client.WatchCampaignStats(ctx, "spring", StatsFull) {
		if err != nil {
			if !errors.Is(err, context.Canceled) {
				t.Error(err)
			}
			break
		}
		seen = append(seen, stats.CampaignID)
		if stats.CampaignID == "second" {
			cancel()
		}
	}

	if !slices.Equal(seen, []string{"first", "second"}) {
		t.Errorf("saw %v", seen)
	}
	// A response resets the backoff; an interruption without one doubles it.
	want := []time.Duration{100 * time.Millisecond, 100 * time.Millisecond, 200 * time.Millisecond}
	if !slices.Equal(*slept, want) {
		t.Errorf("the backoffs are %v instead of %v", *slept, want)
	}
}

func TestTheStreamOfLinksContinuesWhereItWasInterrupted(t *testing.T) {
	server := start(t, []error{unavailable, unavailable})
	client, _ := server.client(t)

	var seen []string
	for update, err := range client.WatchLinks(t.Context(), "cursor-0") {
		if err != nil {
			t.Fatal(err)
		}
		seen = append(seen, update.Cursor)
		if len(seen) == 3 {
			break
		}
	}

	if !slices.Equal(seen, []string{"cursor-1", "cursor-2", "cursor-3"}) {
		t.Errorf("saw %q", seen)
	}
	if !slices.Equal(server.cursors, []string{"cursor-0", "cursor-1", "cursor-2"}) {
		t.Errorf("asked from %q", server.cursors)
	}
}

func TestAStreamEndsWithAnErrorThatWaitingDoesNotHelp(t *testing.T) {
	server := start(t, []error{failure(codes.NotFound, ReasonCampaignNotFound, 0)})
	client, slept := server.client(t)

	var errs []error
	for _, err := range client.WatchCampaignStats(t.Context(), "spring", StatsFull) {
		errs = append(errs, err)
	}

	if len(errs) != 1 || !errors.Is(errs[0], ReasonCampaignNotFound) || len(*slept) != 0 {
		t.Errorf("got %v, slept %v", errs, *slept)
	}
}

func TestTheBackoffDoublesUpToItsBound(t *testing.T) {
	policy := DefaultRetryPolicy()
	var bounds []time.Duration
	for _, failures := range []int{1, 2, 3, 4, 5, 6, 10_000} {
		bounds = append(bounds, policy.backoff(failures, 0, func() float64 { return 1 })/time.Millisecond)
	}
	if want := []time.Duration{100, 200, 400, 800, 1000, 1000, 1000}; !slices.Equal(bounds, want) {
		t.Errorf("%v instead of %v ms", bounds, want)
	}
}

func TestPoliciesAreChecked(t *testing.T) {
	for _, policy := range []RetryPolicy{
		{MaxTries: 0},
		{MaxTries: 1, InitialBackoff: -1},
		{MaxTries: 1, InitialBackoff: time.Second, MaxBackoff: time.Millisecond},
	} {
		if _, err := NewClient("localhost:1", "hp_key", WithRetry(policy)); err == nil {
			t.Errorf("%+v is accepted", policy)
		}
	}
}
