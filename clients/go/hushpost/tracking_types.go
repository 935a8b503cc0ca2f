// Opens and clicks to record.

package hushpost

import "time"

// An Open says that a message was opened.
type Open struct {
	// Token is the token from the pixel's URL, 56 characters of base64url.
	Token string
	// Time is when it was opened; the zero time for now. At most five minutes ahead of and 30 days
	// behind the authority's clock.
	Time time.Time
	// Verdict is what caused it, as classified by the edge.
	Verdict Verdict
	// PrivacySignal is whether the browser sent "Sec-GPC: 1" or "DNT: 1". Such an event is never
	// stored as IDENTIFIED.
	PrivacySignal bool
	// Repeated is whether the same client caused the same event shortly before. Such an event is not
	// counted if its mode is AGGREGATE.
	Repeated bool
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A Click says that a link was followed.
type Click struct {
	// Token is the token from the link's URL.
	Token string
	// LinkNumber is 1…n in the campaign.
	LinkNumber int32
	// Time is when it was clicked; see [Open].
	Time time.Time
	// Verdict is what caused it, as classified by the edge.
	Verdict Verdict
	// PrivacySignal is like that of [Open].
	PrivacySignal bool
	// Repeated is like that of [Open].
	Repeated bool
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// An Event is one open or click of a batch.
type Event struct {
	// Token is the token from the URL.
	Token string
	// LinkNumber is 1…n for a click on that link, and 0 for an open.
	LinkNumber int32
	// Time is when it happened; see [Open].
	Time time.Time
	// Verdict is what caused it, as classified by the edge.
	Verdict Verdict
	// PrivacySignal is like that of [Open].
	PrivacySignal bool
	// Repeated is like that of [Open].
	Repeated bool
}

// A RecordEventsRequest is a batch of events.
type RecordEventsRequest struct {
	// Events are 1 to 10,000 opens and clicks of any tenants.
	Events []Event
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// RecordedEvents is the result of a batch. Events that are not in Rejected are committed.
type RecordedEvents struct {
	// AcceptedCount is how many events were accepted. A call that repeats an earlier request id
	// returns the same number and counts nothing twice.
	AcceptedCount int32
	// Rejected are the rejected events by ascending index.
	Rejected []RejectedEvent
}

// A RejectedEvent is an event of a batch that was not recorded. After [ReasonTokenInvalid] it never
// can be. Other reasons may pass: send it later, under a new request id.
type RejectedEvent struct {
	// Index is its position in the batch, from 0.
	Index int32
	// Reason is what to branch on.
	Reason Reason
	// Message is for people and may change between versions.
	Message string
}

// A LinkUpdate is a part of the stream of links, in the order of their registration.
type LinkUpdate struct {
	// Links are at most 1,000. May be empty.
	Links []WatchedLink
	// Cursor is the position after these links. Store it together with them, and pass it to
	// WatchLinks to continue from here.
	Cursor string
	// SnapshotComplete is whether the stream has delivered every link that was registered before the
	// call.
	SnapshotComplete bool
}

// A WatchedLink is a link of any campaign, as an edge stores it.
type WatchedLink struct {
	// CampaignNumber is the campaign: bytes 2 to 9 of the token, big-endian.
	CampaignNumber int64
	// LinkNumber is 1…n in the campaign.
	LinkNumber int32
	// URL is where to redirect.
	URL string
}
