// The policies of tenants: their rules that map consent to tracking modes.

package hushpost

import "time"

// A Policy is a tenant's rules that map consent to tracking modes.
type Policy struct {
	// AnonymizationEnabled is the switch for the whole feature. While it is off, every contact is
	// IDENTIFIED.
	AnonymizationEnabled bool
	// OpensModes are the modes of opens.
	OpensModes ConsentModes
	// ClicksModes are the modes of clicks.
	ClicksModes ConsentModes
	// ModeWhenTrue is the strictest mode of contacts with [DoNotTrackTrue].
	ModeWhenTrue Mode
	// ModeWhenUnset is the stricter mode of contacts with [DoNotTrackUnset].
	ModeWhenUnset Mode
	// HistoryWhenTrue is what an opt-out does with earlier identified events.
	HistoryWhenTrue History
	// RetentionDays is the age at which identified events are deleted. The counts remain.
	RetentionDays int32
	// Release is how the anonymous counts of new campaigns are released.
	Release Release
	// Epsilon is the privacy budget per contact and campaign: less is more private, with more noise.
	Epsilon float64
	// ReleaseDelays are when counts are released: ascending times after the first message.
	ReleaseDelays []time.Duration
	// MaxAnonymousMessages is how many ANONYMOUS messages a contact gets in 90 days, over all
	// campaigns. Further ones are OFF.
	MaxAnonymousMessages int32
	// ReaskAfterDays is how long a contact that refused is not asked again; see
	// [ListContactsRequest.MayBeAsked].
	ReaskAfterDays int32
	// RecordLastOpens is whether opens of contacts whose consent to opens is UNKNOWN update the date
	// of their last open, and nothing else.
	RecordLastOpens bool
	// Branding is the tenant's part of preference pages; empty in a [PolicyChange].
	Branding PageBranding
	// DefaultTrackingDomain is the tracking domain that senders use unless they name another; empty
	// for none, and in a [PolicyChange].
	DefaultTrackingDomain string
}

// ConsentModes are the modes of one purpose by consent. GRANTED is always IDENTIFIED. In a
// [PolicyUpdate], zero leaves a mode as it is.
type ConsentModes struct {
	// WhenUnknown is the mode of contacts who have not decided: any mode.
	WhenUnknown Mode
	// WhenDenied is the mode of contacts who denied: ANONYMOUS, AGGREGATE or OFF.
	WhenDenied Mode
	// WhenWithdrawn is the mode of contacts who withdrew: ANONYMOUS, AGGREGATE or OFF.
	WhenWithdrawn Mode
}

// A PolicyUpdate has the settings of a policy to change. The zero value of a field leaves the setting
// as it is; in [CreateTenantRequest] it means the default. Since Go 1.26, new(int32(90)) is a pointer
// to a value.
type PolicyUpdate struct {
	// AnonymizationEnabled is the switch for the whole feature.
	AnonymizationEnabled *bool
	// OpensModes are the modes of opens. They take precedence over ModeWhenTrue and ModeWhenUnset.
	OpensModes ConsentModes
	// ClicksModes are the modes of clicks; like OpensModes.
	ClicksModes ConsentModes
	// ModeWhenTrue sets the modes of DENIED and WITHDRAWN of both purposes.
	ModeWhenTrue Mode
	// ModeWhenUnset sets the modes of UNKNOWN of both purposes.
	ModeWhenUnset Mode
	// HistoryWhenTrue is what an opt-out does with earlier identified events.
	HistoryWhenTrue History
	// RetentionDays is from 1 to 3,650.
	RetentionDays *int32
	// Release is how anonymous counts are released. [ReleaseExact] only where the operator allows it.
	Release Release
	// Epsilon is from 0.01 to the limit of the installation.
	Epsilon *float64
	// ReleaseDelays are 1 to 6 ascending times, in whole seconds. Nil leaves them as they are.
	ReleaseDelays []time.Duration
	// MaxAnonymousMessages is from 1 to 1,000.
	MaxAnonymousMessages *int32
	// ReaskAfterDays is from 1 to 3,650.
	ReaskAfterDays *int32
	// RecordLastOpens is whether to keep the dates of last opens.
	RecordLastOpens *bool
	// Branding is the branding to change.
	Branding PageBrandingUpdate
	// DefaultTrackingDomain is a verified domain of the tenant. An empty text removes it.
	DefaultTrackingDomain *string
}

// A PageBrandingUpdate has the fields of the branding to change. Nil leaves a field as it is; an empty
// text, image or list removes it.
type PageBrandingUpdate struct {
	// AccentColor is the color of buttons and links, as "#rrggbb".
	AccentColor *string
	// Logo is a PNG, JPEG, WebP or SVG image of at most 65,536 bytes.
	Logo []byte
	// ImprintURL is an absolute https URL of at most 2,048 bytes.
	ImprintURL *string
	// PrivacyPolicyURL is the same for the privacy policy.
	PrivacyPolicyURL *string
	// Intro is an introduction in at most 20 languages, each of at most 2,000 bytes.
	Intro []LocalizedText
	// DefaultLanguage is the language for readers whose browser asks for none that the page has.
	DefaultLanguage *string
}

// An UpdatePolicyRequest has the settings to change.
type UpdatePolicyRequest struct {
	// TenantID is the tenant. Empty: that of the client ([WithTenant]) or of its key.
	TenantID string
	// Policy has the settings to change; at least one.
	Policy PolicyUpdate
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A ListPolicyChangesRequest selects the policies of one tenant.
type ListPolicyChangesRequest struct {
	// TenantID is the tenant. Empty: that of the client ([WithTenant]) or of its key.
	TenantID string
	// PageSize is how many changes to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// A PolicyChange is an entry of the audit log of a tenant's policy.
type PolicyChange struct {
	// Version is 1 for the policy that the tenant was created with, then ascending.
	Version int32
	// ChangeTime is when the policy took effect, UTC. It was replaced at the ChangeTime of the next
	// version.
	ChangeTime time.Time
	// Actor is the id of the API key that made the change.
	Actor string
	// Policy is the complete policy, including settings that did not change.
	Policy Policy
}
