// Errors: what a caller finds in them.

package hushpost

import (
	"context"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"

	pb "hushpost/clients/go/hushpostv1"
)

func TestAnErrorHasReasonAndMetadata(t *testing.T) {
	server := start(t, []error{failure(codes.InvalidArgument, ReasonTokenInvalid, 0)})
	client, _ := server.client(t)

	err := client.RecordOpen(t.Context(), Open{Token: "token"})

	var failed *Error
	if !errors.As(err, &failed) {
		t.Fatalf("got %#v", err)
	}
	if failed.Reason != ReasonTokenInvalid || failed.Metadata["field"] != "name" || failed.CallID != "a-call" {
		t.Errorf("got %#v", failed)
	}
	if failed.Retryable() {
		t.Error("an invalid token stays invalid")
	}
	if !errors.Is(err, ReasonTokenInvalid) || errors.Is(err, ReasonOverloaded) {
		t.Error("errors.Is does not compare the reason")
	}
	if status.Code(err) != codes.InvalidArgument {
		t.Errorf("the status is %v", status.Code(err))
	}
	if err.Error() != "hushpost: TOKEN_INVALID: a message" {
		t.Errorf("the message is %q", err)
	}
}

func TestAnErrorWithoutReasonMatchesNone(t *testing.T) {
	if errors.Is(&Error{Code: codes.Unavailable}, Reason("")) {
		t.Error("an empty reason matches")
	}
}

func TestAnUnreachableAuthorityIsUnavailable(t *testing.T) {
	client, err := NewClient("127.0.0.1:1", "hp_key", WithRetry(RetryPolicy{MaxTries: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	err = client.RecordOpen(t.Context(), Open{Token: "token"})

	var failed *Error
	if !errors.As(err, &failed) || failed.Code != codes.Unavailable || !failed.Retryable() {
		t.Errorf("got %#v", err)
	}
}

func TestAnExpiredContextIsItsError(t *testing.T) {
	server := start(t, nil)
	client, _ := server.client(t)
	ctx, cancel := context.WithDeadline(t.Context(), time.Unix(0, 0))
	defer cancel()

	if err := client.RecordOpen(ctx, Open{}); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
}

func TestACallOfAClosedClientIsNotRetried(t *testing.T) {
	server := start(t, nil)
	client, slept := server.client(t)
	client.Close()

	err := client.RecordOpen(t.Context(), Open{Token: "token"})

	var failed *Error
	if !errors.As(err, &failed) || failed.Code != codes.Canceled || failed.Retryable() {
		t.Errorf("got %#v", err)
	}
	if len(*slept) != 0 {
		t.Errorf("slept %v", *slept)
	}
}

func TestEveryReasonAndEnumValueHasAConstant(t *testing.T) {
	for file, enums := range map[string][]map[int32]string{
		"reasons.go": {pb.ErrorReason_name},
		"enums.go": {
			pb.Consent_name, pb.DoNotTrack_name, pb.Mode_name, pb.History_name, pb.Verdict_name,
			pb.PreferenceSource_name, pb.Proof_name, pb.CampaignStatsView_name, pb.Engagement_name,
		},
	} {
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, enum := range enums {
			for number, value := range enum {
				wanted := "_" + value + ")"
				if file == "reasons.go" {
					wanted = `"` + strings.TrimPrefix(value, "ERROR_REASON_") + `"`
				}
				if number != 0 && !strings.Contains(string(source), wanted) {
					t.Errorf("%s lacks %s", file, value)
				}
			}
		}
	}
}

func TestNamesAreThoseOfTheInterface(t *testing.T) {
	for got, want := range map[string]string{
		ConsentWithdrawn.String():      "WITHDRAWN",
		DoNotTrackTrue.String():        "TRUE",
		ModeAggregate.String():         "AGGREGATE",
		HistoryKeep.String():           "KEEP",
		VerdictScanner.String():        "SCANNER",
		SourceImportEmptyCell.String(): "IMPORT_EMPTY_CELL",
		ProofPseudonymize.String():     "PSEUDONYMIZE",
		StatsHourly.String():           "HOURLY",
		EngagementClicked.String():     "CLICKED",
		Mode(99).String():              "99",
	} {
		if got != want {
			t.Errorf("%s instead of %s", got, want)
		}
	}
}
