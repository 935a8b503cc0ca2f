// Preferences, with a running authority.

package hushpost_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"hushpost/clients/go/hushpost"
)

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

func TestTheHolderOfATokenSeesWhatThePageSays(t *testing.T) {
	sender, edge := connect(t, "SENDER"), connect(t, "EDGE")
	create(t, sender, "page")
	token := issue(t, sender, "page", "mia")[0].PreferenceToken

	set, err := edge.SetPreference(t.Context(), hushpost.SetPreferenceRequest{
		PreferenceToken: token, ClicksConsent: hushpost.ConsentGranted,
	})
	if err != nil {
		t.Fatal(err)
	}
	got, err := edge.GetPreferenceByToken(t.Context(), token)
	if err != nil {
		t.Fatal(err)
	}

	for _, view := range []*hushpost.RecipientView{set.RecipientView, got.RecipientView} {
		if view == nil || view.OpensDecidedByRecipient || !view.ClicksDecidedByRecipient ||
			view.Branding.AccentColor != "#336699" ||
			!slices.Equal(view.Branding.Intro, []hushpost.LocalizedText{{Language: "de", Text: "Hallo"}}) {
			t.Errorf("the view is %+v", view)
		}
	}
	if named, err := sender.GetPreference(t.Context(), "mia"); err != nil || named.RecipientView != nil {
		t.Errorf("got %+v, %v", named, err)
	}
}

func TestContactsAreListedByConsent(t *testing.T) {
	sender := connect(t, "SENDER")
	var entries []hushpost.PreferenceEntry
	for _, id := range []string{"list-1", "list-2", "list-3"} {
		entries = append(entries, hushpost.PreferenceEntry{
			ContactID:     id,
			OpensConsent:  hushpost.ConsentDenied,
			ClicksConsent: hushpost.ConsentGranted,
		})
	}
	entries[1].OpensConsent = hushpost.ConsentGranted
	batch := hushpost.BatchSetPreferencesRequest{Entries: entries}
	if _, err := sender.BatchSetPreferences(t.Context(), batch); err != nil {
		t.Fatal(err)
	}

	var listed []string
	for contact, err := range sender.ListContacts(t.Context(), hushpost.ListContactsRequest{
		OpensConsents:  []hushpost.Consent{hushpost.ConsentDenied},
		ClicksConsents: []hushpost.Consent{hushpost.ConsentGranted},
		PageSize:       1,
	}) {
		if err != nil {
			t.Fatal(err)
		}
		listed = append(listed, contact.ContactID)
	}

	if !slices.Equal(listed, []string{"list-1", "list-3"}) {
		t.Errorf("listed %v", listed)
	}
}

func TestInactiveContactsNeedAPolicy(t *testing.T) {
	sender := connect(t, "SENDER")

	request := hushpost.ListInactiveContactsRequest{Before: time.Now().AddDate(0, -6, 0)}
	for id, err := range sender.ListInactiveContacts(t.Context(), request) {
		if !errors.Is(err, hushpost.ReasonLastOpensDisabled) {
			t.Errorf("got %q, %v", id, err)
		}
	}
}
