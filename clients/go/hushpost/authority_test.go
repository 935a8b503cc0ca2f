// Calls to a running authority. tests/clients_go starts one, and names it in the environment.

package hushpost_test

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

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

func TestPreferencesAreSetAndProved(t *testing.T) {
	sender := connect(t, "SENDER")
	decided := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

	granted, err := sender.SetPreference(t.Context(), hushpost.SetPreferenceRequest{
		ContactID: "eve", OpensConsent: hushpost.ConsentGranted, Evidence: "form 7",
		Details: hushpost.DecisionDetails{WordingLanguage: "fr", DecisionTime: decided},
	})
	if err != nil {
		t.Fatal(err)
	}
	if granted.OpensConsent != hushpost.ConsentGranted || granted.ClicksConsent != hushpost.ConsentUnknown {
		t.Errorf("set %+v", granted)
	}
	create(t, sender, "preferences")
	token := issue(t, sender, "preferences", "eve")[0].PreferenceToken
	if _, err := sender.SetPreference(t.Context(), hushpost.SetPreferenceRequest{
		PreferenceToken: token, DoNotTrack: hushpost.DoNotTrackTrue,
	}); err != nil {
		t.Fatal(err)
	}

	got, err := sender.GetPreference(t.Context(), "eve")
	if err != nil {
		t.Fatal(err)
	}
	if got.DoNotTrack != hushpost.DoNotTrackTrue || got.OpensConsent != hushpost.ConsentWithdrawn ||
		got.ClicksConsent != hushpost.ConsentDenied || got.Mode != hushpost.ModeAnonymous ||
		got.UpdateTime.IsZero() {
		t.Errorf("got %+v", got)
	}
	byToken, err := sender.GetPreferenceByToken(t.Context(), token)
	if err != nil || byToken.ContactID != "" || byToken.DoNotTrack != hushpost.DoNotTrackTrue {
		t.Errorf("got %+v, %v", byToken, err)
	}
	var changes []*hushpost.PreferenceChange
	log := hushpost.ListPreferenceChangesRequest{ContactID: "eve", PageSize: 1}
	for change, err := range sender.ListPreferenceChanges(t.Context(), log) {
		if err != nil {
			t.Fatal(err)
		}
		changes = append(changes, change)
	}
	if len(changes) != 2 || changes[0].Evidence != "form 7" || changes[0].ClicksDecided ||
		changes[0].Details != (hushpost.DecisionDetails{WordingLanguage: "fr", DecisionTime: decided}) ||
		changes[1].Source != hushpost.SourceRecipient {
		t.Errorf("the changes are %+v", changes)
	}
}

func TestPreferencesAreSetInABatchAndErased(t *testing.T) {
	sender := connect(t, "SENDER")

	outcome, err := sender.BatchSetPreferences(t.Context(), hushpost.BatchSetPreferencesRequest{
		Entries: []hushpost.PreferenceEntry{
			{ContactID: "kim", DoNotTrack: hushpost.DoNotTrackFalse, Source: hushpost.SourceImport},
			{ContactID: "lou", ClicksConsent: hushpost.ConsentDenied},
		},
	})
	if err != nil || outcome.CreatedCount != 2 || outcome.LoosenedCount != 1 || outcome.TightenedCount != 1 {
		t.Errorf("got %+v, %v", outcome, err)
	}
	if err := sender.EraseContact(t.Context(), hushpost.EraseContactRequest{
		ContactID: "kim", Proof: hushpost.ProofPseudonymize,
	}); err != nil {
		t.Fatal(err)
	}
	got, err := sender.BatchGetPreferences(t.Context(), []string{"lou", "kim"})
	if err != nil || len(got) != 2 {
		t.Fatal(got, err)
	}
	if got[0].ClicksConsent != hushpost.ConsentDenied || got[1].OpensConsent != hushpost.ConsentUnknown {
		t.Errorf("got %+v, %+v", got[0], got[1])
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
	sender := connect(t, "SENDER")
	stub := hushpostv1.NewCampaignServiceClient(sender.Conn())

	response, err := stub.PreviewModes(t.Context(), &hushpostv1.PreviewModesRequest{
		ContactIds: []string{"unseen"},
	})

	if err != nil || response.GetModes()[0].GetOpenMode() != hushpostv1.Mode_MODE_IDENTIFIED {
		t.Errorf("got %v, %v", response, err)
	}
}
