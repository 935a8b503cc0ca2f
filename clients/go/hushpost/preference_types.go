// Preferences of contacts and the log of their changes.

package hushpost

import "time"

// A SetPreferenceRequest sets the preference of one contact: DoNotTrack for both purposes, or the
// consent to one or both.
type SetPreferenceRequest struct {
	// ContactID has 1 to 128 bytes of UTF-8; an unknown contact is created.
	ContactID string
	// PreferenceToken names the contact instead of ContactID, and makes the change the recipient's.
	PreferenceToken string
	// DoNotTrack is the preference for both purposes. Not with consent.
	DoNotTrack DoNotTrack
	// OpensConsent is the consent to individual tracking of opens; zero leaves it as it is.
	OpensConsent Consent
	// ClicksConsent is the consent to individual tracking of clicks; zero leaves it as it is.
	ClicksConsent Consent
	// Source is where the preference came from. [SourceRecipient] needs a preference token.
	Source PreferenceSource
	// Evidence is what proves it, such as a form or ticket id; at most 1,024 bytes.
	Evidence string
	// Details say how the decision was made, for the log.
	Details DecisionDetails
	// History is what to do with the contact's earlier events.
	History History
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// DecisionDetails say how a decision was made. All fields are optional.
type DecisionDetails struct {
	// SourceID is the form, double opt-in, call or ticket; at most 256 bytes.
	SourceID string
	// WordingVersion is the version of the wording that the recipient saw; at most 64 bytes.
	WordingVersion string
	// WordingLanguage is its language, as a BCP 47 tag such as "fr" or "it-CH".
	WordingLanguage string
	// DecisionTime is when the recipient decided. The log keeps it next to the time of recording.
	DecisionTime time.Time
}

// A PreferenceEntry is one contact of a batch. Without DoNotTrack and consent, an unknown contact is
// created, and the preference of a known one stays as it is.
type PreferenceEntry struct {
	// ContactID has 1 to 128 bytes of UTF-8.
	ContactID string
	// DoNotTrack is the preference for both purposes. Not with consent.
	DoNotTrack DoNotTrack
	// OpensConsent is the consent to individual tracking of opens; zero leaves it as it is.
	OpensConsent Consent
	// ClicksConsent is the consent to individual tracking of clicks; zero leaves it as it is.
	ClicksConsent Consent
	// Source is where the preference came from.
	Source PreferenceSource
	// Evidence is what proves it; at most 1,024 bytes.
	Evidence string
	// Details say how the decision was made, for the log.
	Details DecisionDetails
}

// A BatchSetPreferencesRequest sets preferences, all or none.
type BatchSetPreferencesRequest struct {
	// Entries are 1 to 10,000. If a contact occurs more than once, its last entry counts. Imports
	// that would loosen a decision of the recipient are skipped for that purpose and reported.
	Entries []PreferenceEntry
	// History is what to do with earlier events of all contacts.
	History History
	// OverruleRecipients lets imports loosen recipients' decisions.
	OverruleRecipients bool
	// ValidateOnly changes nothing, and returns what the call would do.
	ValidateOnly bool
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A BatchOutcome is the result of a batch. All counts are 0 if the call repeats an earlier request
// id.
type BatchOutcome struct {
	// CreatedCount is how many contacts were created.
	CreatedCount int32
	// ChangedCount is how many preferences changed.
	ChangedCount int32
	// LoosenedCount is how many of them changed to a less strict value for at least one purpose.
	LoosenedCount int32
	// TightenedCount is how many of them changed to a stricter value for at least one purpose.
	TightenedCount int32
	// ProtectedIndexes are the positions of imported entries that were skipped for a purpose.
	ProtectedIndexes []int32
}

// A Preference is a contact's preference, and the modes that follow from it for campaigns created
// now.
type Preference struct {
	// ContactID is the contact; empty if the call named it by a preference token.
	ContactID string
	// DoNotTrack is the stricter of both purposes.
	DoNotTrack DoNotTrack
	// Mode is the stricter of both modes.
	Mode Mode
	// UpdateTime is when the preference last changed, UTC; the zero time if it never did.
	UpdateTime time.Time
	// OpensConsent is the consent to individual tracking of opens.
	OpensConsent Consent
	// ClicksConsent is the consent to individual tracking of clicks.
	ClicksConsent Consent
	// OpensMode is the mode of opens.
	OpensMode Mode
	// ClicksMode is the mode of clicks.
	ClicksMode Mode
	// RecipientView is what a preference page says besides; nil unless the call named the contact by a
	// preference token.
	RecipientView *RecipientView
}

// A ListPreferenceChangesRequest selects changes. The zero value selects all of the tenant.
type ListPreferenceChangesRequest struct {
	// ContactID selects one contact.
	ContactID string
	// Source selects changes with this source.
	Source PreferenceSource
	// StartTime selects changes recorded at this time or later.
	StartTime time.Time
	// EndTime selects changes recorded before this time.
	EndTime time.Time
	// PageSize is how many changes to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// A PreferenceChange is an entry of the change log, which proves consent and its withdrawal.
type PreferenceChange struct {
	// ContactID is the contact; a digest if it was erased with [ProofPseudonymize].
	ContactID string
	// OldDoNotTrack is the preference before the change.
	OldDoNotTrack DoNotTrack
	// NewDoNotTrack is the preference after the change.
	NewDoNotTrack DoNotTrack
	// Source is where the preference came from.
	Source PreferenceSource
	// Evidence is what proves it, as given.
	Evidence string
	// Actor is the id of the API key that made the call.
	Actor string
	// ChangeTime is when the change was recorded, UTC.
	ChangeTime time.Time
	// OldOpensConsent is the consent to opens before the change.
	OldOpensConsent Consent
	// NewOpensConsent is the consent to opens after the change.
	NewOpensConsent Consent
	// OldClicksConsent is the consent to clicks before the change.
	OldClicksConsent Consent
	// NewClicksConsent is the consent to clicks after the change.
	NewClicksConsent Consent
	// OpensDecided is whether the call set the consent to opens, if only to the value that it had.
	OpensDecided bool
	// ClicksDecided is the same for clicks.
	ClicksDecided bool
	// Details say how the decision was made, as given.
	Details DecisionDetails
	// ChangeNumber identifies the change in the tenant's log; ascending, with gaps.
	ChangeNumber int64
}

// An EraseContactRequest names a contact to erase.
type EraseContactRequest struct {
	// ContactID is the contact; an unknown one is no error.
	ContactID string
	// Proof is what to do with its entries in the change log.
	Proof Proof
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}
