// The enums of the interface.

package hushpost

import (
	"strings"

	pb "hushpost/clients/go/hushpostv1"
)

// A Consent is what a contact decided about one purpose of individual tracking. Zero: not given.
type Consent int32

// The states of consent.
const (
	// ConsentUnknown: the contact has not decided, or the authority does not know it.
	ConsentUnknown = Consent(pb.Consent_CONSENT_UNKNOWN)
	// ConsentGranted: the contact agreed.
	ConsentGranted = Consent(pb.Consent_CONSENT_GRANTED)
	// ConsentDenied: the contact refused.
	ConsentDenied = Consent(pb.Consent_CONSENT_DENIED)
	// ConsentWithdrawn: the contact agreed before, and refused later.
	ConsentWithdrawn = Consent(pb.Consent_CONSENT_WITHDRAWN)
)

// String returns the name of the state, such as "GRANTED".
func (c Consent) String() string { return name(pb.Consent(c), "CONSENT_") }

// A DoNotTrack is the stricter of the consents to opens and to clicks. Zero: not given.
type DoNotTrack int32

// The values of do_not_track.
const (
	// DoNotTrackUnset: the contact has not decided, or the authority does not know it.
	DoNotTrackUnset = DoNotTrack(pb.DoNotTrack_DO_NOT_TRACK_UNSET)
	// DoNotTrackFalse: the contact agreed to individual tracking.
	DoNotTrackFalse = DoNotTrack(pb.DoNotTrack_DO_NOT_TRACK_FALSE)
	// DoNotTrackTrue: the contact declined individual tracking.
	DoNotTrackTrue = DoNotTrack(pb.DoNotTrack_DO_NOT_TRACK_TRUE)
)

// String returns the name of the value, such as "TRUE".
func (d DoNotTrack) String() string { return name(pb.DoNotTrack(d), "DO_NOT_TRACK_") }

// A Mode is how an event is stored, from the most to the least revealing. Zero as a limit: none.
type Mode int32

// The modes.
const (
	// ModeIdentified: as a row that names the contact.
	ModeIdentified = Mode(pb.Mode_MODE_IDENTIFIED)
	// ModeAnonymous: as a count of the group; repeats of one message are recognized without its
	// contact.
	ModeAnonymous = Mode(pb.Mode_MODE_ANONYMOUS)
	// ModeAggregate: as a count of the group; all its messages share one token.
	ModeAggregate = Mode(pb.Mode_MODE_AGGREGATE)
	// ModeOff: not at all; the message has no pixel and no rewritten links.
	ModeOff = Mode(pb.Mode_MODE_OFF)
)

// String returns the name of the mode, such as "ANONYMOUS".
func (m Mode) String() string { return name(pb.Mode(m), "MODE_") }

// A History is what an opt-out does with the contact's earlier identified events. Zero: the
// tenant's policy decides.
type History int32

// What to do with earlier events.
const (
	// HistoryAnonymize adds them to the anonymous counts and deletes the rows.
	HistoryAnonymize = History(pb.History_HISTORY_ANONYMIZE)
	// HistoryKeep keeps the rows; later events cannot be linked to them.
	HistoryKeep = History(pb.History_HISTORY_KEEP)
)

// String returns the name of the value, such as "KEEP".
func (h History) String() string { return name(pb.History(h), "HISTORY_") }

// A Verdict is what caused an event, as classified by the edge. Zero means VerdictUnknown.
type Verdict int32

// The verdicts.
const (
	// VerdictHuman: a person.
	VerdictHuman = Verdict(pb.Verdict_VERDICT_HUMAN)
	// VerdictProxy: an image proxy that fetches when the recipient reads. Counts as human.
	VerdictProxy = Verdict(pb.Verdict_VERDICT_PROXY)
	// VerdictPrefetch: a fetch that happens whether the mail is read or not. Counts as machine.
	VerdictPrefetch = Verdict(pb.Verdict_VERDICT_PREFETCH)
	// VerdictScanner: a security gateway or bot. Counts as machine.
	VerdictScanner = Verdict(pb.Verdict_VERDICT_SCANNER)
	// VerdictUnknown: no evidence of automation. Counts as human.
	VerdictUnknown = Verdict(pb.Verdict_VERDICT_UNKNOWN)
)

// String returns the name of the verdict, such as "PROXY".
func (v Verdict) String() string { return name(pb.Verdict(v), "VERDICT_") }

// A PreferenceSource is where a preference came from. Zero means the sender, or the recipient if
// the call has a preference token.
type PreferenceSource int32

// The sources.
const (
	// SourceRecipient: the recipient, with a preference token.
	SourceRecipient = PreferenceSource(pb.PreferenceSource_PREFERENCE_SOURCE_RECIPIENT)
	// SourceSender: the sender's system, also for consent given on the sender's form or in person.
	SourceSender = PreferenceSource(pb.PreferenceSource_PREFERENCE_SOURCE_SENDER)
	// SourceImport: a cell of an imported file.
	SourceImport = PreferenceSource(pb.PreferenceSource_PREFERENCE_SOURCE_IMPORT)
	// SourceImportEmptyCell: an empty cell of an imported file, which proves no consent.
	SourceImportEmptyCell = PreferenceSource(
		pb.PreferenceSource_PREFERENCE_SOURCE_IMPORT_EMPTY_CELL)
)

// String returns the name of the source, such as "SENDER".
func (s PreferenceSource) String() string {
	return name(pb.PreferenceSource(s), "PREFERENCE_SOURCE_")
}

// A Proof is what an erasure does with the contact's entries in the change log. Zero means
// ProofDelete.
type Proof int32

// What to do with the entries.
const (
	// ProofDelete deletes them.
	ProofDelete = Proof(pb.Proof_PROOF_DELETE)
	// ProofPseudonymize keeps them; a salted digest replaces the contact id, and the salt is
	// discarded.
	ProofPseudonymize = Proof(pb.Proof_PROOF_PSEUDONYMIZE)
)

// String returns the name of the value, such as "DELETE".
func (p Proof) String() string { return name(pb.Proof(p), "PROOF_") }

// A StatsView is which parts of a campaign's statistics to read. Zero means StatsFull.
type StatsView int32

// The views.
const (
	// StatsSummary: the campaign's totals, without groups, links and hours.
	StatsSummary = StatsView(pb.CampaignStatsView_CAMPAIGN_STATS_VIEW_SUMMARY)
	// StatsHourly: totals and hours.
	StatsHourly = StatsView(pb.CampaignStatsView_CAMPAIGN_STATS_VIEW_HOURLY)
	// StatsFull: everything.
	StatsFull = StatsView(pb.CampaignStatsView_CAMPAIGN_STATS_VIEW_FULL)
)

// String returns the name of the view, such as "FULL".
func (v StatsView) String() string {
	return name(pb.CampaignStatsView(v), "CAMPAIGN_STATS_VIEW_")
}

// An Engagement is what a contact must have done to be listed. Zero means EngagementAny.
type Engagement int32

// What a contact must have done.
const (
	// EngagementAny: opened or clicked.
	EngagementAny = Engagement(pb.Engagement_ENGAGEMENT_ANY)
	// EngagementOpened: opened.
	EngagementOpened = Engagement(pb.Engagement_ENGAGEMENT_OPENED)
	// EngagementClicked: clicked.
	EngagementClicked = Engagement(pb.Engagement_ENGAGEMENT_CLICKED)
)

// String returns the name of the value, such as "OPENED".
func (e Engagement) String() string { return name(pb.Engagement(e), "ENGAGEMENT_") }

// A Role is what an API key may do. Zero: not given.
type Role int32

// The roles.
const (
	// RoleSender: campaigns, tokens and preferences of one tenant.
	RoleSender = Role(pb.Role_ROLE_SENDER)
	// RoleEdge: events, links, and preferences by token; of all tenants or of some.
	RoleEdge = Role(pb.Role_ROLE_EDGE)
	// RoleReporter: statistics of one tenant.
	RoleReporter = Role(pb.Role_ROLE_REPORTER)
	// RoleAdmin: tenants, policies and API keys; of one tenant, or of the whole installation.
	RoleAdmin = Role(pb.Role_ROLE_ADMIN)
)

// String returns the name of the role, such as "SENDER".
func (r Role) String() string { return name(pb.Role(r), "ROLE_") }

// A Release is how the anonymous counts of a campaign are released. Zero: not given.
type Release int32

// The releases.
const (
	// ReleaseNoisy: with differential privacy, on a schedule.
	ReleaseNoisy = Release(pb.Release_RELEASE_NOISY)
	// ReleaseExact: exact and live, without any protection; a reader of reports can find out what a
	// single contact did. Only where the operator allows it.
	ReleaseExact = Release(pb.Release_RELEASE_EXACT)
)

// String returns the name of the value, such as "NOISY".
func (r Release) String() string { return name(pb.Release(r), "RELEASE_") }

// name returns the name of a value without the prefix of its enum; of a value that only a newer
// authority knows, the number.
func name(value interface{ String() string }, prefix string) string {
	return strings.TrimPrefix(value.String(), prefix)
}
