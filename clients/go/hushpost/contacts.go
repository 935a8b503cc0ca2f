// Lists of contacts by their preferences. Require a key of role SENDER.

package hushpost

import (
	"context"
	"iter"
	"time"

	pb "hushpost/clients/go/hushpostv1"
)

// A ListContactsRequest selects contacts, which must match all filters that are set.
type ListContactsRequest struct {
	// OpensConsents selects contacts whose consent to opens is one of these.
	OpensConsents []Consent
	// ClicksConsents selects contacts whose consent to clicks is one of these.
	ClicksConsents []Consent
	// DecidedBefore selects contacts whose preference last changed before this time.
	DecidedBefore time.Time
	// NeverDecided selects contacts whose preference never changed.
	NeverDecided bool
	// MayBeAsked selects contacts that may be asked for consent now: they have not granted it for at
	// least one purpose, and refused neither lately.
	MayBeAsked bool
	// PageSize is how many contacts to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// A ListInactiveContactsRequest selects contacts that opened nothing lately.
type ListInactiveContactsRequest struct {
	// Before selects contacts whose last open was before this date (UTC) or who have not opened
	// anything, and who got their first message before it. Required.
	Before time.Time
	// PageSize is how many contacts to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// ListContacts returns contacts and their preferences, sorted by id, for asking again and for
// synchronization with other systems. It fetches pages on demand; an error is the last thing that it
// yields.
//
// Reasons: FIELD_INVALID, PAGE_SIZE_INVALID.
func (c *Client) ListContacts(
	ctx context.Context, r ListContactsRequest,
) iter.Seq2[*Preference, error] {
	fetch := func(pageToken string) (*pb.ListContactsResponse, error) {
		return unary(ctx, c.calls, c.preferences.ListContacts, &pb.ListContactsRequest{
			TenantId:       c.tenantID,
			OpensConsents:  each(r.OpensConsents, toConsent),
			ClicksConsents: each(r.ClicksConsents, toConsent),
			DecidedBefore:  toTimestamp(r.DecidedBefore),
			NeverDecided:   r.NeverDecided,
			MayBeAsked:     r.MayBeAsked,
			PageSize:       r.PageSize,
			PageToken:      pageToken,
		})
	}
	return pages(fetch, (*pb.ListContactsResponse).GetContacts, preference)
}

// ListInactiveContacts returns the ids of contacts that have consent UNKNOWN to opens and have not
// opened a message since a date, in no particular order. It fetches pages on demand; an error is the
// last thing that it yields.
//
// Reasons: FIELD_INVALID, LAST_OPENS_DISABLED, PAGE_SIZE_INVALID.
func (c *Client) ListInactiveContacts(
	ctx context.Context, r ListInactiveContactsRequest,
) iter.Seq2[string, error] {
	fetch := func(pageToken string) (*pb.ListInactiveContactsResponse, error) {
		return unary(
			ctx, c.calls, c.preferences.ListInactiveContacts,
			&pb.ListInactiveContactsRequest{
				TenantId:  c.tenantID,
				Before:    toTimestamp(r.Before),
				PageSize:  r.PageSize,
				PageToken: pageToken,
			},
		)
	}
	contactID := func(id string) string { return id }
	return pages(fetch, (*pb.ListInactiveContactsResponse).GetContactIds, contactID)
}
