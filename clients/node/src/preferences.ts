/** Tracking preferences of contacts. */

import { type CallOptions, type Calls, requestIdOrNew, type TenantOptions } from "./calls.js";
import { CONSENT, HISTORY, PREFERENCE_SOURCE, PROOF } from "./enum-codecs.js";
import type { Consent } from "./enums.js";
import { PreferenceService } from "./gen/hushpost/v1/preference_pb.js";
import type * as types from "./preference-types.js";
import * as wire from "./preference-wire.js";
import { toTimestamp } from "./times.js";

const service = PreferenceService.method;

/**
 * Sets, reads and proves tracking preferences. Requires a key of role SENDER.
 *
 * Keys of role EDGE may call the methods that take a preference token. All methods reject with
 * `HushpostError`; the reason TENANT_NOT_ALLOWED is possible everywhere.
 */
export class Preferences {
  readonly #calls: Calls;

  /** @internal */
  constructor(calls: Calls) {
    this.#calls = calls;
  }

  /**
   * Sets a contact's preference and returns it.
   *
   * Give `doNotTrack`, or the consent to one or both purposes. Once a call that declines a
   * purpose has resolved, no row names what the contact did of that kind: past events are
   * anonymized (unless `history` is KEEP), and events in flight are stored in the new mode.
   *
   * @param contactId 1 to 128 bytes of UTF-8; created if unknown.
   *
   * Reasons: CONTACT_ID_INVALID, FIELD_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED,
   * DATABASE_UNAVAILABLE.
   */
  async setPreference(
    contactId: string,
    options: types.SetPreferenceOptions,
  ): Promise<types.Preference> {
    const request = {
      tenantId: options.tenantId,
      contact: { case: "contactId", value: contactId } as const,
      ...wire.decision(options),
      source: PREFERENCE_SOURCE.toWire(options.source),
      history: HISTORY.toWire(options.history),
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.setPreference, request, options);
    return wire.preference(response.preference);
  }

  /**
   * Sets the preference of the contact that a preference token names. Like `setPreference`,
   * except that it is logged with the source RECIPIENT and the result does not name the
   * contact.
   *
   * Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, CONTACT_ERASED, FIELD_INVALID,
   * REQUEST_ID_INVALID, REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
   */
  async setPreferenceByToken(
    preferenceToken: string,
    options: types.SetPreferenceByTokenOptions,
  ): Promise<types.RecipientPreference> {
    const request = {
      contact: { case: "preferenceToken", value: preferenceToken } as const,
      ...wire.decision(options),
      history: HISTORY.toWire(options.history),
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.setPreference, request, options);
    return wire.recipientPreference(response);
  }

  /**
   * Returns a contact's preference; unknown contacts are UNSET.
   *
   * Reasons: CONTACT_ID_INVALID.
   */
  async getPreference(contactId: string, options: TenantOptions = {}): Promise<types.Preference> {
    const request = {
      tenantId: options.tenantId,
      contact: { case: "contactId", value: contactId } as const,
    };
    const response = await this.#calls.unary(service.getPreference, request, options);
    return wire.preference(response.preference);
  }

  /**
   * Returns the preference of the contact that a preference token names. The result does not
   * name the contact.
   *
   * Reasons: TOKEN_INVALID, TOKEN_KEY_UNKNOWN, CONTACT_ERASED.
   */
  async getPreferenceByToken(
    preferenceToken: string,
    options: CallOptions = {},
  ): Promise<types.RecipientPreference> {
    const request = { contact: { case: "preferenceToken", value: preferenceToken } as const };
    const response = await this.#calls.unary(service.getPreference, request, options);
    return wire.recipientPreference(response);
  }

  /**
   * Returns the preferences of 1 to 10,000 contacts, in the given order; unknown contacts are
   * UNSET.
   *
   * Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata `index`).
   */
  async batchGetPreferences(
    contactIds: Iterable<string>,
    options: TenantOptions = {},
  ): Promise<types.Preference[]> {
    const request = { tenantId: options.tenantId, contactIds: Array.from(contactIds) };
    const response = await this.#calls.unary(service.batchGetPreferences, request, options);
    return response.preferences.map(wire.preference);
  }

  /**
   * Sets 1 to 10,000 preferences atomically.
   *
   * If a contact occurs more than once, its last entry counts. Entries of source IMPORT or
   * IMPORT_EMPTY_CELL do not loosen decisions of the RECIPIENT: they are skipped for that
   * purpose and reported.
   *
   * Reasons: BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata `index`),
   * FIELD_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
   */
  async batchSetPreferences(
    entries: Iterable<types.PreferenceEntry>,
    options: types.BatchSetPreferencesOptions = {},
  ): Promise<types.BatchOutcome> {
    const request = {
      tenantId: options.tenantId,
      entries: Array.from(entries, wire.entry),
      history: HISTORY.toWire(options.history),
      overruleRecipients: options.overruleRecipients,
      validateOnly: options.validateOnly,
      requestId: requestIdOrNew(options),
    };
    const response = await this.#calls.unary(service.batchSetPreferences, request, options);
    return wire.batchOutcome(response);
  }

  /**
   * Iterates over contacts that match all given filters, sorted by id as bytes. No filter
   * depends on what contacts did. Pages are fetched on demand.
   *
   * Reasons: FIELD_INVALID, PAGE_SIZE_INVALID.
   */
  async *listContacts(
    options: types.ListContactsOptions = {},
  ): AsyncGenerator<types.Preference, void, undefined> {
    const { tenantId, neverDecided, mayBeAsked, pageSize } = options;
    const filters = {
      opensConsents: consents(options.opensConsents),
      clicksConsents: consents(options.clicksConsents),
      decidedBefore: toTimestamp(options.decidedBefore),
    };
    const pages = this.#calls.pages(async (pageToken) => {
      const request = { tenantId, neverDecided, mayBeAsked, pageSize, pageToken, ...filters };
      return this.#calls.unary(service.listContacts, request, options);
    });
    for await (const page of pages) {
      yield* page.contacts.map(wire.preference);
    }
  }

  /**
   * Iterates over the ids of contacts that have not opened a message since a date. Pages are
   * fetched on demand.
   *
   * These are contacts whose consent to opens is UNKNOWN. They got their first message before
   * the date, and have opened none since. It needs a policy with `record_last_opens`.
   *
   * @param before The date; its time of day (UTC) is ignored.
   *
   * Reasons: LAST_OPENS_DISABLED, PAGE_SIZE_INVALID.
   */
  async *listInactiveContacts(
    before: Date,
    options: types.ListInactiveContactsOptions = {},
  ): AsyncGenerator<string, void, undefined> {
    const { tenantId, pageSize } = options;
    const pages = this.#calls.pages(async (pageToken) => {
      const request = { tenantId, before: toTimestamp(before), pageSize, pageToken };
      return this.#calls.unary(service.listInactiveContacts, request, options);
    });
    for await (const page of pages) {
      yield* page.contactIds;
    }
  }

  /**
   * Iterates over the change log of one contact, or of all, oldest entry first. Pages are
   * fetched on demand.
   *
   * Reasons: CONTACT_ID_INVALID, FIELD_INVALID, PAGE_SIZE_INVALID.
   */
  async *listPreferenceChanges(
    options: types.ListPreferenceChangesOptions = {},
  ): AsyncGenerator<types.PreferenceChange, void, undefined> {
    const { tenantId, contactId, pageSize } = options;
    const filters = {
      source: PREFERENCE_SOURCE.toWire(options.source),
      startTime: toTimestamp(options.startTime),
      endTime: toTimestamp(options.endTime),
    };
    const pages = this.#calls.pages(async (pageToken) => {
      const request = { tenantId, contactId, pageSize, pageToken, ...filters };
      return this.#calls.unary(service.listPreferenceChanges, request, options);
    });
    for await (const page of pages) {
      yield* page.changes.map(wire.preferenceChange);
    }
  }

  /**
   * Erases a contact and its preference, and anonymizes its events. Erasing an unknown contact
   * has no effect.
   *
   * Reasons: CONTACT_ID_INVALID, REQUEST_ID_INVALID, REQUEST_ID_REUSED, DATABASE_UNAVAILABLE.
   */
  async eraseContact(contactId: string, options: types.EraseContactOptions = {}): Promise<void> {
    const request = {
      tenantId: options.tenantId,
      contactId,
      proof: PROOF.toWire(options.proof),
      requestId: requestIdOrNew(options),
    };
    await this.#calls.unary(service.eraseContact, request, options);
  }
}

function consents(names: Iterable<Consent> = []) {
  return Array.from(names, (name) => CONSENT.toWire(name) ?? 0);
}
