/** Preferences of contacts and the log of their changes. */

import type { CallOptions, RequestIdOption, TenantOptions } from "./calls.js";
import type { Consent, DoNotTrack, History, Mode, PreferenceSource, Proof } from "./enums.js";

/** How a decision was made, for the log of changes. */
export interface DecisionDetails {
  /** The form, double opt-in, call or ticket; at most 256 bytes. */
  readonly sourceId?: string | undefined;
  /** The version of the wording that the recipient saw; at most 64 bytes. */
  readonly wordingVersion?: string | undefined;
  /** Its language, as a BCP 47 tag such as "fr" or "it-CH". */
  readonly wordingLanguage?: string | undefined;
  /** When the recipient decided; the log keeps it next to the time of recording. */
  readonly decisionTime?: Date | undefined;
}

/** A decision: `doNotTrack` for both purposes, or the consent to one or both. */
export interface Decision {
  readonly doNotTrack?: DoNotTrack;
  /** The consent to individual tracking of opens. Default: leave it as it is. */
  readonly opensConsent?: Consent;
  /** The consent to individual tracking of clicks. Default: leave it as it is. */
  readonly clicksConsent?: Consent;
  /** What proves it, such as a form or ticket id; at most 1,024 bytes. */
  readonly evidence?: string;
  /** How the decision was made. */
  readonly details?: DecisionDetails;
}

/** A decision, and what to do with the contact's earlier events. */
export interface DecisionToSet extends Decision {
  /** Default: the policy's `history_when_true`. */
  readonly history?: History;
}

/** Options of `setPreference`. */
export interface SetPreferenceOptions extends DecisionToSet, TenantOptions, RequestIdOption {
  /** Default: SENDER. RECIPIENT needs a preference token: `setPreferenceByToken`. */
  readonly source?: PreferenceSource;
}

/** Options of `setPreferenceByToken`. */
export interface SetPreferenceByTokenOptions extends DecisionToSet, CallOptions, RequestIdOption {}

/** One contact of `batchSetPreferences`. */
export interface PreferenceEntry extends Decision {
  /**
   * 1 to 128 bytes of UTF-8. Without a decision, the contact is created if it is unknown, and
   * its preference stays as it is.
   */
  readonly contactId: string;
  /** Default: SENDER. */
  readonly source?: PreferenceSource;
}

/** Options of `batchSetPreferences`. */
export interface BatchSetPreferencesOptions extends TenantOptions, RequestIdOption {
  /** What to do with earlier events. Default: the policy's `history_when_true`. */
  readonly history?: History;
  /** Whether imports may loosen recipients' decisions. */
  readonly overruleRecipients?: boolean;
  /** Whether to change nothing, and to return what the call would do. */
  readonly validateOnly?: boolean;
}

/** Options of `listContacts`: contacts must match all that are given. */
export interface ListContactsOptions extends TenantOptions {
  /** Contacts whose consent to opens is one of these. Default: any. */
  readonly opensConsents?: Iterable<Consent>;
  /** Contacts whose consent to clicks is one of these. Default: any. */
  readonly clicksConsents?: Iterable<Consent>;
  /** Contacts whose preference last changed before this time. */
  readonly decidedBefore?: Date;
  /** Contacts whose preference never changed. */
  readonly neverDecided?: boolean;
  /**
   * Contacts that may be asked for consent now: they have not granted both, and refused
   * neither within the policy's `reask_after_days`.
   */
  readonly mayBeAsked?: boolean;
  /** Contacts per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Options of `listInactiveContacts`. */
export interface ListInactiveContactsOptions extends TenantOptions {
  /** Contacts per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Options of `listPreferenceChanges`. */
export interface ListPreferenceChangesOptions extends TenantOptions {
  /** The contact. Default: all contacts of the tenant. */
  readonly contactId?: string;
  /** Changes with this source. Default: any. */
  readonly source?: PreferenceSource;
  /** Changes recorded at this time or later. */
  readonly startTime?: Date;
  /** Changes recorded before this time. */
  readonly endTime?: Date;
  /** Changes per page, at most 1,000. Default: 100. */
  readonly pageSize?: number;
}

/** Options of `eraseContact`. */
export interface EraseContactOptions extends TenantOptions, RequestIdOption {
  /** What to do with the contact's entries in the change log. Default: DELETE. */
  readonly proof?: Proof;
}

/** A contact's preference and the tracking modes that follow from it. */
export interface Preference {
  /** Undefined if the call named the contact by a preference token. */
  readonly contactId: string | undefined;
  /** The stricter of both purposes. */
  readonly doNotTrack: DoNotTrack | undefined;
  /** The mode for campaigns created now: the stricter of both purposes. */
  readonly mode: Mode | undefined;
  /** When the preference last changed; undefined if it never did. */
  readonly updateTime: Date | undefined;
  readonly opensConsent: Consent | undefined;
  readonly clicksConsent: Consent | undefined;
  readonly opensMode: Mode | undefined;
  readonly clicksMode: Mode | undefined;
}

/** What a preference page tells the recipient besides the preference. */
export interface RecipientView {
  /** The tenant's display name. */
  readonly senderName: string | undefined;
  /** Whether the consent to opens is the recipient's own decision, not the sender's statement. */
  readonly opensDecidedByRecipient: boolean;
  /** The same for clicks. */
  readonly clicksDecidedByRecipient: boolean;
  /** Whether opens set the date of the contact's last open. */
  readonly lastOpenRecorded: boolean;
}

/** A preference by token, with what a preference page says besides. */
export interface RecipientPreference extends Preference {
  readonly recipientView: RecipientView | undefined;
}

/** The result of `batchSetPreferences`; all counts are 0 for a repeated request id. */
export interface BatchOutcome {
  readonly createdCount: number;
  readonly changedCount: number;
  /** Changes to a less strict value for at least one purpose. */
  readonly loosenedCount: number;
  /** Changes to a stricter value for at least one purpose. */
  readonly tightenedCount: number;
  /**
   * Positions of imported entries that were skipped for a purpose, because they would have
   * loosened the recipient's own decision; ascending.
   */
  readonly protectedIndexes: readonly number[];
}

/** An entry of the change log, which proves consent and its withdrawal. */
export interface PreferenceChange {
  /** The contact; a digest if it was erased with PSEUDONYMIZE. */
  readonly contactId: string;
  readonly oldDoNotTrack: DoNotTrack | undefined;
  readonly newDoNotTrack: DoNotTrack | undefined;
  readonly source: PreferenceSource | undefined;
  /** What proves it, as given by the caller. */
  readonly evidence: string | undefined;
  /** The id of the API key that made the call. */
  readonly actor: string;
  /** When the change was committed, rounded down to milliseconds. */
  readonly changeTime: Date;
  readonly oldOpensConsent: Consent | undefined;
  readonly newOpensConsent: Consent | undefined;
  readonly oldClicksConsent: Consent | undefined;
  readonly newClicksConsent: Consent | undefined;
  /** Whether the call set the consent to opens, if only to the value that it had. */
  readonly opensDecided: boolean;
  /** The same for clicks. */
  readonly clicksDecided: boolean;
  /** How the decision was made, as given by the caller. */
  readonly details: DecisionDetails;
  /** Identifies the change in the tenant's log; ascending, with gaps. 64 bits. */
  readonly changeNumber: bigint;
}
