// Events and their statistics, with a running authority.

package hushpost_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"hushpost/clients/go/hushpost"
)

func TestEventsAreCounted(t *testing.T) {
	sender, edge, reporter := connect(t, "SENDER"), connect(t, "EDGE"), connect(t, "REPORTER")
	create(t, sender, "counted")
	tokens := issue(t, sender, "counted", "ada", "bob")
	ada, bob := tokens[0], tokens[1]
	if ada.ContactID != "ada" || ada.Mode != hushpost.ModeIdentified || ada.ClickToken != ada.Token {
		t.Errorf("issued %+v", ada)
	}

	if err := edge.RecordOpen(t.Context(), hushpost.Open{
		Token: ada.Token, Verdict: hushpost.VerdictHuman,
	}); err != nil {
		t.Fatal(err)
	}
	url, err := edge.RecordClick(t.Context(), hushpost.Click{Token: ada.ClickToken, LinkNumber: 1})
	if err != nil || url != "https://shop.example.com/?a=1&b=2" {
		t.Errorf("the URL is %q, %v", url, err)
	}
	recorded, err := edge.RecordEvents(t.Context(), hushpost.RecordEventsRequest{
		Events: []hushpost.Event{
			{Token: bob.Token, Time: time.Now().Add(-time.Hour)},
			{Token: "damaged"},
			{Token: bob.ClickToken, LinkNumber: 2, Verdict: hushpost.VerdictScanner},
			{Token: bob.ClickToken, LinkNumber: 9},
		},
	})
	if err != nil {
		t.Fatal(err)
	}
	reasons := map[int32]hushpost.Reason{}
	for _, rejected := range recorded.Rejected {
		reasons[rejected.Index] = rejected.Reason
	}
	if recorded.AcceptedCount != 2 || len(reasons) != 2 ||
		reasons[1] != hushpost.ReasonTokenInvalid || reasons[3] != hushpost.ReasonLinkNotFound {
		t.Errorf("recorded %+v", recorded)
	}
	if url, err := edge.ResolveLink(t.Context(), bob.Token, 2); url != "https://shop.example.com/" {
		t.Errorf("resolved %q, %v", url, err)
	}

	stats, err := reporter.GetCampaignStats(t.Context(), "counted", hushpost.StatsFull)
	if err != nil {
		t.Fatal(err)
	}
	if stats.Sent.Total != 2 || stats.Opens.Human.Identified != (hushpost.Count{Total: 2, Unique: 2}) {
		t.Errorf("sent %+v, opens %+v", stats.Sent, stats.Opens)
	}
	if stats.Clicks.Human.Identified.Total != 1 || stats.Clicks.Machine.Identified.Total != 1 {
		t.Errorf("clicks %+v", stats.Clicks)
	}
	if len(stats.Groups) != 1 || stats.Groups[0].GroupID != "all" || len(stats.Links) != 2 ||
		stats.Links[0].Label != "header" || len(stats.Hours) == 0 {
		t.Errorf("got %+v", stats)
	}
	var clicked []string
	for contact, err := range reporter.ListEngagedContacts(t.Context(), hushpost.ListEngagedContactsRequest{
		CampaignID: "counted", Engagement: hushpost.EngagementClicked,
	}) {
		if err != nil {
			t.Fatal(err)
		}
		clicked = append(clicked, fmt.Sprintf("%s %d %d", contact.ContactID, contact.OpenCount, contact.ClickCount))
	}
	if !slices.Equal(clicked, []string{"ada 1 1"}) {
		t.Errorf("clicked: %v", clicked)
	}
}

func TestStatisticsAreWatched(t *testing.T) {
	sender, edge, reporter := connect(t, "SENDER"), connect(t, "EDGE"), connect(t, "REPORTER")
	create(t, sender, "watched")
	token := issue(t, sender, "watched", "ada")[0].Token

	var opens []int64
	for stats, err := range reporter.WatchCampaignStats(t.Context(), "watched", hushpost.StatsSummary) {
		if err != nil {
			t.Fatal(err)
		}
		opens = append(opens, stats.Opens.Human.Identified.Total)
		if len(opens) == 2 {
			break
		}
		if err := edge.RecordOpen(t.Context(), hushpost.Open{Token: token}); err != nil {
			t.Fatal(err)
		}
	}

	if !slices.Equal(opens, []int64{0, 1}) {
		t.Errorf("saw %v opens", opens)
	}
}

func TestStatisticsAreListed(t *testing.T) {
	sender, reporter := connect(t, "SENDER"), connect(t, "REPORTER")
	create(t, sender, "listed")
	if _, err := sender.ExtendCampaign(t.Context(), hushpost.ExtendCampaignRequest{
		CampaignID: "listed", Groups: []hushpost.NewGroup{{GroupID: "more"}},
	}); err != nil {
		t.Fatal(err)
	}
	issue(t, sender, "listed", "ada")

	var found []string
	groups := hushpost.ListStatsRequest{CampaignID: "listed", OrderBy: "group_id desc", PageSize: 1}
	for group, err := range reporter.ListGroupStats(t.Context(), groups) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, fmt.Sprint(group.GroupID, ": ", group.Sent.Total))
	}
	links := hushpost.ListStatsRequest{CampaignID: "listed", Filter: "HEAD"}
	for link, err := range reporter.ListLinkStats(t.Context(), links) {
		if err != nil {
			t.Fatal(err)
		}
		found = append(found, link.URL)
	}

	if !slices.Equal(found, []string{"more: 0", "all: 1", "https://shop.example.com/?a=1&b=2"}) {
		t.Errorf("found %q", found)
	}
}

func TestLinksAreWatched(t *testing.T) {
	sender, edge := connect(t, "SENDER"), connect(t, "EDGE")
	number := create(t, sender, "links").CampaignNumber

	watched := map[int32]string{}
	for update, err := range edge.WatchLinks(t.Context(), "") {
		if err != nil {
			t.Fatal(err)
		}
		for _, link := range update.Links {
			if link.CampaignNumber == number {
				watched[link.LinkNumber] = link.URL
			}
		}
		if update.SnapshotComplete {
			break
		}
	}

	if len(watched) != 2 || watched[2] != "https://shop.example.com/" {
		t.Errorf("watched %v", watched)
	}
}
