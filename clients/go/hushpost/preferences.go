// Preferences of contacts. Require a key of role SENDER; EDGE may use preference tokens.

package hushpost

import (
	"context"
	"iter"

	pb "hushpost/clients/go/hushpostv1"
)

// SetPreference sets a contact's preference and returns it.
//
// Once a call that declines a purpose has returned, no row names what the contact did of that kind:
// past events are anonymized (unless History is [HistoryKeep]), and events in flight are stored in
// the new mode.
//
// Reasons: CONTACT_ID_INVALID, FIELD_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED,
// DATABASE_UNAVAILABLE; with a preference token also TOKEN_INVALID, TOKEN_KEY_UNKNOWN,
// CONTACT_ERASED.
func (c *Client) SetPreference(ctx context.Context, r SetPreferenceRequest) (*Preference, error) {
	request := setPreferenceRequest(c.tenantID, r)
	response, err := unary(ctx, c.calls, c.preferences.SetPreference, request)
	if err != nil {
		return nil, err
	}
	return preferenceAndView(response), nil
}

// GetPreference returns a contact's preference. An unknown contact has consent UNKNOWN.
//
// Reasons: CONTACT_ID_INVALID.
func (c *Client) GetPreference(ctx context.Context, contactID string) (*Preference, error) {
	return c.getPreference(ctx, &pb.GetPreferenceRequest{
		TenantId: c.tenantID, Contact: &pb.GetPreferenceRequest_ContactId{ContactId: contactID},
	})
}

// GetPreferenceByToken returns the preference of the contact that a preference token names, without
// the contact's id.
//
// Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, CONTACT_ERASED.
func (c *Client) GetPreferenceByToken(
	ctx context.Context, preferenceToken string,
) (*Preference, error) {
	return c.getPreference(ctx, &pb.GetPreferenceRequest{
		TenantId: c.tenantID,
		Contact:  &pb.GetPreferenceRequest_PreferenceToken{PreferenceToken: preferenceToken},
	})
}

func (c *Client) getPreference(
	ctx context.Context, request *pb.GetPreferenceRequest,
) (*Preference, error) {
	response, err := unary(ctx, c.calls, c.preferences.GetPreference, request)
	if err != nil {
		return nil, err
	}
	return preferenceAndView(response), nil
}

// BatchGetPreferences returns the preferences of 1 to 10,000 contacts, in the given order. Unknown
// contacts have consent UNKNOWN.
//
// Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata "index").
func (c *Client) BatchGetPreferences(
	ctx context.Context, contactIDs []string,
) ([]*Preference, error) {
	response, err := unary(
		ctx, c.calls, c.preferences.BatchGetPreferences,
		&pb.BatchGetPreferencesRequest{TenantId: c.tenantID, ContactIds: contactIDs},
	)
	if err != nil {
		return nil, err
	}
	return each(response.GetPreferences(), preference), nil
}

// BatchSetPreferences sets up to 10,000 preferences, all or none.
//
// Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata "index"), FIELD_INVALID,
// REQUEST_ID_INVALID, REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
func (c *Client) BatchSetPreferences(
	ctx context.Context, r BatchSetPreferencesRequest,
) (*BatchOutcome, error) {
	response, err := unary(
		ctx, c.calls, c.preferences.BatchSetPreferences,
		&pb.BatchSetPreferencesRequest{
			TenantId:           c.tenantID,
			Entries:            each(r.Entries, preferenceEntry),
			History:            pb.History(r.History),
			OverruleRecipients: r.OverruleRecipients,
			ValidateOnly:       r.ValidateOnly,
			RequestId:          requestIDOrNew(r.RequestID),
		},
	)
	if err != nil {
		return nil, err
	}
	return batchOutcome(response), nil
}

// ListPreferenceChanges returns the change log of one contact, or of all, oldest entry first. It
// fetches pages on demand; an error is the last thing that it yields.
//
// Reasons: CONTACT_ID_INVALID, FIELD_INVALID, PAGE_SIZE_INVALID.
func (c *Client) ListPreferenceChanges(
	ctx context.Context, r ListPreferenceChangesRequest,
) iter.Seq2[*PreferenceChange, error] {
	fetch := func(pageToken string) (*pb.ListPreferenceChangesResponse, error) {
		return unary(
			ctx, c.calls, c.preferences.ListPreferenceChanges,
			&pb.ListPreferenceChangesRequest{
				TenantId:  c.tenantID,
				ContactId: r.ContactID,
				Source:    pb.PreferenceSource(r.Source),
				StartTime: toTimestamp(r.StartTime),
				EndTime:   toTimestamp(r.EndTime),
				PageSize:  r.PageSize,
				PageToken: pageToken,
			},
		)
	}
	return pages(fetch, (*pb.ListPreferenceChangesResponse).GetChanges, preferenceChange)
}

// EraseContact erases a contact and its preference, and anonymizes its events.
//
// Reasons: CONTACT_ID_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
func (c *Client) EraseContact(ctx context.Context, r EraseContactRequest) error {
	_, err := unary(ctx, c.calls, c.preferences.EraseContact, &pb.EraseContactRequest{
		TenantId:  c.tenantID,
		ContactId: r.ContactID,
		Proof:     pb.Proof(r.Proof),
		RequestId: requestIDOrNew(r.RequestID),
	})
	return err
}
