// The statistics of a campaign.

package hushpost

import "time"

// A Count is a number of identified events. Exact.
type Count struct {
	// Total is all events, including repeats.
	Total int64
	// Unique is distinct messages, each counted once.
	Unique int64
}

// An Estimate is a released number: the count plus random noise, unless counts are exact.
type Estimate struct {
	// Total is events: of aggregate events; of anonymous ones only if counts are exact, otherwise 0.
	Total int64
	// Unique is people; 0 for aggregate events.
	Unique int64
	// Margin: with a probability of 95%, the noise is at most this. 0 if exact.
	Margin int64
	// IsNoise is whether the number is smaller than its margin: it cannot be told from noise.
	IsNoise bool
}

// EngagementStats are counts by what is known about the contacts. The estimates are nil before the
// first release, in hours, and for groups that share their counts (CampaignStats.OtherGroups).
type EngagementStats struct {
	// Identified is events that name a contact. Exact and live.
	Identified Count
	// Anonymous is people with anonymous messages.
	Anonymous *Estimate
	// Aggregate is events of whole groups, and of browsers that sent a privacy signal.
	Aggregate *Estimate
	// Combined is people, identified and anonymous: the number to read first.
	Combined *Estimate
}

// SignalStats are opens or clicks.
type SignalStats struct {
	// Human is events with the verdict HUMAN, PROXY or UNKNOWN.
	Human EngagementStats
	// Machine is events with the verdict PREFETCH or SCANNER.
	Machine EngagementStats
}

// SentStats are messages sent. The modes are those of the last release, 0 before it and for groups
// that share their counts; live if counts are exact.
type SentStats struct {
	// Total is all messages. Live.
	Total int64
	// Identified is messages in mode IDENTIFIED.
	Identified int64
	// Anonymous is messages in mode ANONYMOUS.
	Anonymous int64
	// Aggregate is messages in mode AGGREGATE.
	Aggregate int64
	// Off is messages in mode OFF.
	Off int64
	// Margin: with a probability of 95%, the noise of each mode's number is at most this.
	Margin int64
}

// A Rate is from 0 to 1; 0 if the denominator is 0.
type Rate struct {
	// Combined is identified and anonymous people together.
	Combined float64
	// Identified is identified people only.
	Identified float64
	// Anonymous is anonymous people only, estimated; 0 where there is no estimate.
	Anonymous float64
	// Margin: with a probability of 95%, the noise changes Combined by at most this.
	Margin float64
}

// Rates are rates by unique human counts.
type Rates struct {
	// OpenRate is opens ÷ sent, without messages whose opens are known to be in mode OFF.
	OpenRate Rate
	// ClickThroughRate is clicks ÷ sent, without messages whose clicks are known to be OFF.
	ClickThroughRate Rate
	// ClickToOpenRate is clicks ÷ opens.
	ClickToOpenRate Rate
}

// GroupStats are the statistics of one group.
type GroupStats struct {
	// GroupID is the group.
	GroupID string
	// Sent is messages sent, by the mode of their opens.
	Sent SentStats
	// ClicksSent is the same messages, by the mode of their clicks.
	ClicksSent SentStats
	// Opens are opens.
	Opens SignalStats
	// Clicks are clicks on any link; a contact that clicked two links is one unique.
	Clicks SignalStats
	// Rates are the rates of the group.
	Rates Rates
}

// LinkStats are the statistics of one link, over all groups.
type LinkStats struct {
	// Number is 1…n in the campaign.
	Number int32
	// URL is the destination.
	URL string
	// Label is the place of the link in the message; may be empty.
	Label string
	// Clicks are clicks.
	Clicks SignalStats
}

// HourStats are the identified events of one hour, over the whole campaign.
type HourStats struct {
	// StartTime is the start of the hour, UTC.
	StartTime time.Time
	// Sent is messages sent in this hour, by the mode of their opens.
	Sent SentStats
	// Opens are opens.
	Opens SignalStats
	// Clicks are clicks.
	Clicks SignalStats
}

// ReleaseInfo is how and when the anonymous counts of a campaign are released.
type ReleaseInfo struct {
	// Exact is whether they are exact and live, without any protection.
	Exact bool
	// Epsilon is the privacy budget per contact of all releases together; 0 if exact.
	Epsilon float64
	// ReleaseTime is when the counts were released, UTC; the zero time before the first release.
	ReleaseTime time.Time
	// NextReleaseTime is when the next release is due, UTC; the zero time before the first message
	// and after the last release.
	NextReleaseTime time.Time
}

// CampaignStats are the statistics of a campaign. Parts that the [StatsView] leaves out are nil.
type CampaignStats struct {
	// CampaignID is the campaign.
	CampaignID string
	// Release is how and when anonymous counts are released.
	Release ReleaseInfo
	// Sent is messages sent, by the mode of their opens.
	Sent SentStats
	// ClicksSent is the same messages, by the mode of their clicks.
	ClicksSent SentStats
	// Opens are opens of the whole campaign.
	Opens SignalStats
	// Clicks are clicks of the whole campaign, on any link.
	Clicks SignalStats
	// Rates are the rates of the whole campaign.
	Rates Rates
	// Groups are in the order in which they were added.
	Groups []GroupStats
	// OtherGroups is the groups that share their anonymous counts, together, with an empty GroupID;
	// nil if there are none, before the first release, and if counts are exact.
	OtherGroups *GroupStats
	// Links are sorted by number.
	Links []LinkStats
	// Hours are ascending; hours without messages and events are left out.
	Hours []HourStats
}

// A ListEngagedContactsRequest selects contacts that opened or clicked.
type ListEngagedContactsRequest struct {
	// CampaignID is the campaign.
	CampaignID string
	// Engagement is what the contacts must have done.
	Engagement Engagement
	// LinkNumber selects clicks on this link, with [EngagementClicked]; 0 for any link.
	LinkNumber int32
	// IncludeMachine is whether events with the verdict PREFETCH or SCANNER count.
	IncludeMachine bool
	// PageSize is how many contacts to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// An EngagedContact is a contact that opened or clicked, with its identified events.
type EngagedContact struct {
	// ContactID is the contact.
	ContactID string
	// OpenCount is how many opens, including repeats.
	OpenCount int64
	// ClickCount is how many clicks, including repeats.
	ClickCount int64
	// FirstEventTime is the time of the first event, UTC.
	FirstEventTime time.Time
	// LastEventTime is the time of the last event, UTC.
	LastEventTime time.Time
}

// A ListStatsRequest selects groups or links of a campaign.
type ListStatsRequest struct {
	// CampaignID is the campaign.
	CampaignID string
	// Filter must occur in the id of a group, or in the URL or label of a link; upper and lower case
	// are the same.
	Filter string
	// OrderBy is a field, optionally with " desc". Of groups: "group_id", "sent", "opens", "clicks"
	// (people), "open_rate", "click_through_rate" or "click_to_open_rate"; empty: the order of their
	// creation. Of links: "link_number", "url", "label" or "clicks"; empty: ascending numbers.
	OrderBy string
	// PageSize is how many to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}
