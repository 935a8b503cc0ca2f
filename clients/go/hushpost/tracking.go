// Opens, clicks and links. Require a key of role EDGE.

package hushpost

import (
	"context"
	"iter"

	pb "hushpost/clients/go/hushpostv1"
)

// RecordOpen records that the message of a token was opened. The open is committed when the call
// returns.
//
// Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, TENANT_NOT_ALLOWED, CAMPAIGN_NOT_FOUND,
// EVENT_TIME_IN_FUTURE, EVENT_TIME_TOO_OLD, REQUEST_ID_INVALID, REQUEST_ID_REUSED, OVERLOADED,
// DATABASE_UNAVAILABLE, SHUTTING_DOWN.
func (c *Client) RecordOpen(ctx context.Context, o Open) error {
	_, err := unary(ctx, c.calls, c.tracking.RecordOpen, &pb.RecordOpenRequest{
		Token:         o.Token,
		OpenTime:      toTimestamp(o.Time),
		Verdict:       pb.Verdict(o.Verdict),
		PrivacySignal: o.PrivacySignal,
		Repeated:      o.Repeated,
		RequestId:     requestIDOrNew(o.RequestID),
	})
	return err
}

// RecordClick records a click and returns the URL to redirect to. The click is committed when the
// call returns.
//
// Reasons: those of RecordOpen, and LINK_NOT_FOUND.
func (c *Client) RecordClick(ctx context.Context, k Click) (url string, err error) {
	response, err := unary(ctx, c.calls, c.tracking.RecordClick, &pb.RecordClickRequest{
		Token:         k.Token,
		LinkNumber:    k.LinkNumber,
		ClickTime:     toTimestamp(k.Time),
		Verdict:       pb.Verdict(k.Verdict),
		PrivacySignal: k.PrivacySignal,
		Repeated:      k.Repeated,
		RequestId:     requestIDOrNew(k.RequestID),
	})
	return response.GetUrl(), err
}

// RecordEvents records a batch of opens and clicks of any tenants, with a far higher throughput than
// RecordOpen and RecordClick. It returns invalid events by index; the others are committed when the
// call returns.
//
// Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, REQUEST_ID_INVALID, REQUEST_ID_REUSED, OVERLOADED,
// DATABASE_UNAVAILABLE, SHUTTING_DOWN.
func (c *Client) RecordEvents(
	ctx context.Context, r RecordEventsRequest,
) (*RecordedEvents, error) {
	response, err := unary(ctx, c.calls, c.tracking.RecordEvents, &pb.RecordEventsRequest{
		Events: each(r.Events, event), RequestId: requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return &RecordedEvents{
		AcceptedCount: response.GetAcceptedCount(),
		Rejected:      each(response.GetRejected(), rejectedEvent),
	}, nil
}

// ResolveLink returns the URL of a link and records nothing. It needs only the unencrypted header
// of the token, so that links work in URLs that a mail program has damaged.
//
// Reasons: TOKEN_INVALID, TENANT_NOT_ALLOWED, CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND,
// DATABASE_UNAVAILABLE.
func (c *Client) ResolveLink(
	ctx context.Context, token string, linkNumber int32,
) (url string, err error) {
	response, err := unary(ctx, c.calls, c.tracking.ResolveLink, &pb.ResolveLinkRequest{
		Token: token, LinkNumber: linkNumber,
	})
	return response.GetUrl(), err
}

// WatchLinks returns the links of all campaigns of the key's tenants, then new ones as they are
// registered, until the context ends or the caller stops.
//
// The cursor is that of the last update that was stored; an empty one starts with all existing links.
// It resumes where it was interrupted, for as long as the authority is unavailable. An error is the
// last thing that it yields.
//
// Reasons: CURSOR_INVALID.
func (c *Client) WatchLinks(ctx context.Context, cursor string) iter.Seq2[*LinkUpdate, error] {
	return func(yield func(*LinkUpdate, error) bool) {
		position := cursor
		nextRequest := func() *pb.WatchLinksRequest {
			return &pb.WatchLinksRequest{Cursor: position}
		}
		for response, err := range stream(ctx, c.calls, c.tracking.WatchLinks, nextRequest) {
			if err != nil {
				yield(nil, err)
				return
			}
			position = response.GetCursor()
			if !yield(linkUpdate(response), nil) {
				return
			}
		}
	}
}
