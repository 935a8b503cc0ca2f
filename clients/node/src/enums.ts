/**
 * The enums of the interface, as unions of the names in `hushpost.v1`.
 *
 * Where a value may be absent, or comes from a newer authority and is unknown to this
 * version, it is undefined.
 */

/** What a contact decided about one purpose of individual tracking. */
export type Consent =
  /** The contact has not decided. Contacts that the authority does not know are UNKNOWN. */
  | "UNKNOWN"
  /** The contact agreed. */
  | "GRANTED"
  /** The contact refused. */
  | "DENIED"
  /** The contact agreed before, and refused later. */
  | "WITHDRAWN";

/** A contact's tracking preference: the stricter of the consents to opens and to clicks. */
export type DoNotTrack =
  /** The contact has not decided. Contacts that the authority does not know are UNSET. */
  | "UNSET"
  /** The contact agreed to individual tracking. */
  | "FALSE"
  /** The contact declined individual tracking. */
  | "TRUE";

/** How an event is stored, from the most to the least revealing. */
export type Mode =
  /** As a row that names the contact. */
  | "IDENTIFIED"
  /** As a count of the group; repeats of one message are recognized without its contact. */
  | "ANONYMOUS"
  /** As a count of the group; all its messages share one token. */
  | "AGGREGATE"
  /** Not at all: the message has no pixel and no rewritten links. */
  | "OFF";

/** What an opt-out does with the contact's earlier identified events. */
export type History =
  /** Add them to the anonymous counts and delete the rows. */
  | "ANONYMIZE"
  /** Keep the rows; later events cannot be linked to them. */
  | "KEEP";

/** What caused an event, as classified by the edge. */
export type Verdict =
  /** A person. */
  | "HUMAN"
  /** An image proxy that fetches when the recipient reads. Counts as human. */
  | "PROXY"
  /** A fetch that happens whether the mail is read or not. Counts as machine. */
  | "PREFETCH"
  /** A security gateway or bot. Counts as machine. */
  | "SCANNER"
  /** No evidence of automation. Counts as human. */
  | "UNKNOWN";

/** Where a preference came from. */
export type PreferenceSource =
  /** The recipient, with a preference token. */
  | "RECIPIENT"
  /** The sender's system, also for consent given on the sender's form or in person. */
  | "SENDER"
  /** A cell of an imported file. */
  | "IMPORT"
  /** An empty cell of an imported file: FALSE by convention, no proof of consent. */
  | "IMPORT_EMPTY_CELL";

/** What an erasure does with the contact's entries in the change log. */
export type Proof =
  /** Delete them. */
  | "DELETE"
  /** Keep them; a salted digest replaces the contact id, and the salt is discarded. */
  | "PSEUDONYMIZE";

/** What an API key may do. */
export type Role =
  /** Campaigns, tokens and preferences of one tenant. */
  | "SENDER"
  /** Events, links, and preferences by token; of all tenants or of some. */
  | "EDGE"
  /** Statistics of one tenant. */
  | "REPORTER"
  /** Tenants, policies and API keys: of one tenant, or of the whole installation. */
  | "ADMIN";

/** How the anonymous counts of a campaign are released. */
export type Release =
  /** With differential privacy, on a schedule. */
  | "NOISY"
  /**
   * Exact and live, without any protection: a reader of reports can find out what a single
   * contact did. Only where the operator allows it.
   */
  | "EXACT";

/** Which parts of a campaign's statistics to read. */
export type StatsView =
  /** The campaign's totals, without groups, links and hours. */
  | "SUMMARY"
  /** Totals and hours. */
  | "HOURLY"
  /** Everything. */
  | "FULL";

/** Which contacts to list. */
export type Engagement =
  /** Contacts that opened or clicked. */
  | "ANY"
  /** Contacts that opened. */
  | "OPENED"
  /** Contacts that clicked. */
  | "CLICKED";
