// Campaigns, their links, and the tokens of their messages.

package hushpost

import "time"

// A NewLink is a link to register.
type NewLink struct {
	// URL is an absolute http or https URL of at most 8,192 bytes.
	URL string
	// Label is the place of the link in the message, such as "header"; at most 128 bytes.
	Label string
}

// A NewGroup is a group of recipients to register.
type NewGroup struct {
	// GroupID has 1 to 128 bytes of UTF-8.
	GroupID string
	// ExpectedMessages is how many messages the group will get at most; 0 means 16,384. Someone who
	// reads the authority's database can tell the messages beyond that number from the earlier ones.
	// A message counts as two if its opens are IDENTIFIED and its clicks ANONYMOUS, or the other way
	// round.
	ExpectedMessages int64
	// MaxMode is the most revealing mode that its messages may have, such as [ModeAggregate] for a
	// mailing to minors. It cannot be changed.
	MaxMode Mode
}

// A CreateCampaignRequest describes a campaign to create.
type CreateCampaignRequest struct {
	// CampaignID has 1 to 128 bytes of UTF-8. Empty: the authority generates one.
	CampaignID string
	// DisplayName is for people; at most 256 bytes.
	DisplayName string
	// Links are numbered 1…n in this order; at most 10,000.
	Links []NewLink
	// Groups have distinct ids; at most 10,000.
	Groups []NewGroup
	// MaxMode limits all groups; the stricter of both limits counts. It cannot be changed.
	MaxMode Mode
	// MessageHTML is the HTML of the message, for pictures of it in reports: at most 1 MiB of UTF-8,
	// without anything personal. It cannot be changed.
	MessageHTML string
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// An ExtendCampaignRequest has links and groups to add to a campaign.
type ExtendCampaignRequest struct {
	// CampaignID is the campaign.
	CampaignID string
	// Links are numbered after the existing ones.
	Links []NewLink
	// Groups that exist are left as they are.
	Groups []NewGroup
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A ListCampaignsRequest selects campaigns.
type ListCampaignsRequest struct {
	// Filter must occur in the id or the display name; upper and lower case are the same.
	Filter string
	// OrderBy is "create_time desc", "create_time", "display_name" or "display_name desc". Empty:
	// the newest first.
	OrderBy string
	// PageSize is how many campaigns to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// An IssueTokensRequest names the recipients of messages.
type IssueTokensRequest struct {
	// CampaignID is the campaign.
	CampaignID string
	// GroupID is a group of the campaign.
	GroupID string
	// ContactIDs are 1 to 10,000 contacts. One that occurs twice gets two messages, the second in
	// mode AGGREGATE or stricter.
	ContactIDs []string
	// IncludePreferenceTokens issues tokens for the contacts' preference pages, too.
	IncludePreferenceTokens bool
	// IssueKey is that of the created campaign; needed once by API keys other than the one that
	// created the campaign.
	IssueKey []byte
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A Campaign is a mailing.
type Campaign struct {
	// TenantID is the tenant that owns it.
	TenantID string
	// CampaignID is the id that the tenant gave it, or that the authority generated.
	CampaignID string
	// DisplayName is for people; may be empty.
	DisplayName string
	// CampaignNumber is the number that its tokens contain.
	CampaignNumber int64
	// Links are sorted by number; none in lists of campaigns.
	Links []Link
	// Groups are in the order in which they were added; none in lists of campaigns.
	Groups []Group
	// CreateTime is when it was created, UTC.
	CreateTime time.Time
	// CloseTime is when it was closed, UTC; the zero time while it is open.
	CloseTime time.Time
	// MaxMode is the most revealing mode that its messages may have.
	MaxMode Mode
}

// A CreatedCampaign is a new campaign and its secret, which it hides where it is printed, logged or
// encoded as JSON.
type CreatedCampaign struct {
	Campaign
	// IssueKey is what other API keys of the tenant must pass to IssueTokens once. Keep it like an
	// API key. Empty if another API key repeats the call.
	IssueKey []byte
}

// A Link is a registered link of a campaign.
type Link struct {
	// Number is 1…n in the campaign.
	Number int32
	// URL is the destination, byte for byte as registered.
	URL string
	// Label is the place of the link in the message; may be empty.
	Label string
}

// A Group is a group of recipients of a campaign.
type Group struct {
	// GroupID is the tenant's id of the group.
	GroupID string
	// MaxMode is the most revealing mode that its messages may have.
	MaxMode Mode
}

// IssuedTokens are the tokens of messages, in the order of the contacts.
type IssuedTokens []IssuedToken

// An IssuedToken has the tokens of one message. It hides them where it is printed or logged; JSON
// has them.
type IssuedToken struct {
	// ContactID is the recipient of the message.
	ContactID string
	// Mode is the mode of the message's opens.
	Mode Mode
	// Token is the token for the pixel, 56 characters of base64url; empty for no pixel. With
	// [ModeOff], it updates the date of the contact's last open and nothing else.
	Token string
	// ClickMode is the mode of the message's clicks.
	ClickMode Mode
	// ClickToken is the token for all links, the same as Token for most messages; empty for
	// unchanged links.
	ClickToken string
	// PreferenceToken is the token for the contact's preference page; empty unless requested.
	PreferenceToken string
}

// A PreviewModesRequest names contacts whose modes to preview.
type PreviewModesRequest struct {
	// CampaignID is the campaign. Empty: one created now, without a limit of the mode.
	CampaignID string
	// GroupID is a group of the campaign; required if a campaign is given, and only then.
	GroupID string
	// ContactIDs are 1 to 10,000 contacts.
	ContactIDs []string
}

// MessageModes are the modes of one message.
type MessageModes struct {
	// Mode is the mode of opens.
	Mode Mode
	// ClickMode is the mode of clicks.
	ClickMode Mode
}
