// Calls to a running authority. tests/clients_go starts one, and names it in the environment.

package hushpost_test

import (
	"errors"
	"os"
	"strings"
	"testing"

	"hushpost/clients/go/hushpost"
	"hushpost/clients/go/hushpostv1"
)

const requestID = "0b8de2a6-5d9b-4c57-8f0e-6a9f3b0a7c21"

// connect returns a client with the API key of a role; the test is skipped if there is no authority.
func connect(t *testing.T, role string, options ...hushpost.Option) *hushpost.Client {
	t.Helper()
	target := os.Getenv("HUSHPOST_TEST_AUTHORITY")
	if target == "" {
		t.Skip("HUSHPOST_TEST_AUTHORITY names no authority")
	}
	key, err := os.ReadFile(os.Getenv("HUSHPOST_TEST_" + role + "_KEY_FILE"))
	if err != nil {
		t.Fatal(err)
	}
	client, err := hushpost.NewClient(target, strings.TrimSpace(string(key)), options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return client
}

// create creates a campaign with two links and one group.
func create(t *testing.T, sender *hushpost.Client, campaignID string) *hushpost.CreatedCampaign {
	t.Helper()
	created, err := sender.CreateCampaign(t.Context(), hushpost.CreateCampaignRequest{
		CampaignID:  campaignID,
		DisplayName: "Spring",
		Links: []hushpost.NewLink{
			{URL: "https://shop.example.com/?a=1&b=2", Label: "header"},
			{URL: "https://shop.example.com/"},
		},
		Groups: []hushpost.NewGroup{{GroupID: "all", ExpectedMessages: 10}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return created
}

func issue(t *testing.T, sender *hushpost.Client, campaignID string, contacts ...string) []hushpost.IssuedToken {
	t.Helper()
	tokens, err := sender.IssueTokens(t.Context(), hushpost.IssueTokensRequest{
		CampaignID: campaignID, GroupID: "all", ContactIDs: contacts, IncludePreferenceTokens: true,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tokens
}

func TestFailedCallsHaveReasons(t *testing.T) {
	sender := connect(t, "SENDER")

	_, err := sender.CreateCampaign(t.Context(), hushpost.CreateCampaignRequest{
		Links: []hushpost.NewLink{{URL: "https://example.com/"}, {URL: "mailto:ada@example.com"}},
	})
	var failed *hushpost.Error
	if !errors.As(err, &failed) || failed.Reason != hushpost.ReasonLinkURLInvalid ||
		failed.Metadata["index"] != "1" || failed.Retryable() || failed.RequestID == "" || failed.CallID == "" {
		t.Errorf("got %#v", err)
	}
	if _, err := sender.GetCampaign(t.Context(), "none"); !errors.Is(err, hushpost.ReasonCampaignNotFound) {
		t.Errorf("got %v", err)
	}
	for _, err := range sender.ListCampaigns(t.Context(), hushpost.ListCampaignsRequest{OrderBy: "color"}) {
		if !errors.Is(err, hushpost.ReasonFieldInvalid) {
			t.Errorf("got %v", err)
		}
	}
	if err := sender.RecordOpen(t.Context(), hushpost.Open{}); !errors.Is(err, hushpost.ReasonRoleNotAllowed) {
		t.Errorf("got %v", err)
	}
	other := connect(t, "SENDER", hushpost.WithTenant("other"))
	if _, err := other.GetPreference(t.Context(), "ada"); !errors.Is(err, hushpost.ReasonTenantNotAllowed) {
		t.Errorf("got %v", err)
	}
}

func TestOtherRPCsAreCalledWithTheStubs(t *testing.T) {
	edge := connect(t, "EDGE")
	stub := hushpostv1.NewTrackingServiceClient(edge.Conn())

	response, err := stub.GetSpoolPublicKey(t.Context(), &hushpostv1.GetSpoolPublicKeyRequest{})

	if err != nil || len(response.GetPublicKey()) != 32 {
		t.Errorf("got %v, %v", response, err)
	}
}
