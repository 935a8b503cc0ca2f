// Campaigns and tokens, with a running authority.

package hushpost_test

import (
	"errors"
	"slices"
	"testing"

	"hushpost/clients/go/hushpost"
)

func TestACampaignIsCreatedExtendedAndClosed(t *testing.T) {
	sender := connect(t, "SENDER")

	created := create(t, sender, "lifecycle")
	if len(created.IssueKey) == 0 || created.CampaignNumber == 0 {
		t.Errorf("created %+v", created)
	}
	extended, err := sender.ExtendCampaign(t.Context(), hushpost.ExtendCampaignRequest{
		CampaignID: "lifecycle",
		Links:      []hushpost.NewLink{{URL: "https://shop.example.com/more"}},
		Groups:     []hushpost.NewGroup{{GroupID: "pupils", MaxMode: hushpost.ModeAggregate}},
	})
	if err != nil {
		t.Fatal(err)
	}
	wanted := []hushpost.Link{
		{Number: 1, URL: "https://shop.example.com/?a=1&b=2", Label: "header"},
		{Number: 2, URL: "https://shop.example.com/"},
		{Number: 3, URL: "https://shop.example.com/more"},
	}
	if !slices.Equal(extended.Links, wanted) {
		t.Errorf("the links are %+v", extended.Links)
	}
	closed, err := sender.CloseCampaign(t.Context(), "lifecycle")
	if err != nil {
		t.Fatal(err)
	}
	got, err := sender.GetCampaign(t.Context(), "lifecycle")
	if err != nil {
		t.Fatal(err)
	}
	if got.CloseTime.IsZero() || !got.CloseTime.Equal(closed.CloseTime) || got.DisplayName != "Spring" {
		t.Errorf("got %+v", got)
	}
	if got.Groups[1] != (hushpost.Group{GroupID: "pupils", MaxMode: hushpost.ModeAggregate}) {
		t.Errorf("the groups are %+v", got.Groups)
	}
}

func TestListsFetchPageAfterPage(t *testing.T) {
	sender := connect(t, "SENDER")
	for _, id := range []string{"page-1", "page-2", "page-3"} {
		create(t, sender, id)
	}

	var listed []string
	list := hushpost.ListCampaignsRequest{Filter: "page-", OrderBy: "create_time", PageSize: 2}
	for campaign, err := range sender.ListCampaigns(t.Context(), list) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, campaign.CampaignID)
	}

	if !slices.Equal(listed, []string{"page-1", "page-2", "page-3"}) {
		t.Errorf("listed %v", listed)
	}
}

func TestARepeatedRequestCountsOnce(t *testing.T) {
	sender, reporter := connect(t, "SENDER"), connect(t, "REPORTER")
	create(t, sender, "repeated")
	request := hushpost.IssueTokensRequest{
		CampaignID: "repeated", GroupID: "all", ContactIDs: []string{"ada"}, RequestID: requestID,
	}

	first, err := sender.IssueTokens(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	second, err := sender.IssueTokens(t.Context(), request)
	if err != nil || !slices.Equal(first, second) {
		t.Errorf("issued %+v, %v", second, err)
	}
	request.ContactIDs = []string{"bob"}
	if _, err := sender.IssueTokens(t.Context(), request); !errors.Is(err, hushpost.ReasonRequestIDReused) {
		t.Errorf("got %v", err)
	}
	stats, err := reporter.GetCampaignStats(t.Context(), "repeated", hushpost.StatsSummary)
	if err != nil || stats.Sent.Total != 1 || stats.Groups != nil {
		t.Errorf("got %+v, %v", stats, err)
	}
}

func TestTheMessageOfACampaignIsKept(t *testing.T) {
	sender, reporter := connect(t, "SENDER"), connect(t, "REPORTER")
	const message = "<p>Grüße</p>"
	if _, err := sender.CreateCampaign(t.Context(), hushpost.CreateCampaignRequest{
		CampaignID: "message", MessageHTML: message,
	}); err != nil {
		t.Fatal(err)
	}

	html, err := reporter.GetCampaignMessage(t.Context(), "message")

	if err != nil || html != message {
		t.Errorf("got %q, %v", html, err)
	}
}

func TestModesArePreviewed(t *testing.T) {
	sender := connect(t, "SENDER")
	if _, err := sender.SetPreference(t.Context(), hushpost.SetPreferenceRequest{
		ContactID: "previewed", ClicksConsent: hushpost.ConsentDenied,
	}); err != nil {
		t.Fatal(err)
	}
	create(t, sender, "preview")

	modes, err := sender.PreviewModes(t.Context(), hushpost.PreviewModesRequest{
		CampaignID: "preview", GroupID: "all", ContactIDs: []string{"unseen", "previewed"},
	})

	if err != nil || !slices.Equal(modes, []hushpost.MessageModes{
		{Mode: hushpost.ModeIdentified, ClickMode: hushpost.ModeIdentified},
		{Mode: hushpost.ModeIdentified, ClickMode: hushpost.ModeAnonymous},
	}) {
		t.Errorf("got %+v, %v", modes, err)
	}
}
