/** Converts preferences to and from the wire. */

import type { MessageInitShape } from "@bufbuild/protobuf";

import { CONSENT, DO_NOT_TRACK, MODE, PREFERENCE_SOURCE } from "./enum-codecs.js";
import { HushpostError } from "./errors.js";
import type * as wire from "./gen/hushpost/v1/preference_pb.js";
import type * as types from "./preference-types.js";
import { toDate, toRequiredDate, toTimestamp } from "./times.js";

/** Converts a decision. */
export function decision(decision: types.Decision) {
  return {
    doNotTrack: DO_NOT_TRACK.toWire(decision.doNotTrack),
    opensConsent: CONSENT.toWire(decision.opensConsent),
    clicksConsent: CONSENT.toWire(decision.clicksConsent),
    evidence: decision.evidence,
    details: decision.details && {
      sourceId: decision.details.sourceId,
      wordingVersion: decision.details.wordingVersion,
      wordingLanguage: decision.details.wordingLanguage,
      decisionTime: toTimestamp(decision.details.decisionTime),
    },
  };
}

/** Converts an entry of a batch. */
export function entry(
  entry: types.PreferenceEntry,
): MessageInitShape<typeof wire.PreferenceEntrySchema> {
  return {
    contactId: entry.contactId,
    source: PREFERENCE_SOURCE.toWire(entry.source),
    ...decision(entry),
  };
}

/** Converts a preference. */
export function preference(message: wire.Preference | undefined): types.Preference {
  if (message === undefined) {
    throw new HushpostError("the response has no preference", { code: "INTERNAL" });
  }
  return {
    contactId: message.contactId || undefined,
    doNotTrack: DO_NOT_TRACK.fromWire(message.doNotTrack),
    mode: MODE.fromWire(message.mode),
    updateTime: toDate(message.updateTime),
    opensConsent: CONSENT.fromWire(message.opensConsent),
    clicksConsent: CONSENT.fromWire(message.clicksConsent),
    opensMode: MODE.fromWire(message.opensMode),
    clicksMode: MODE.fromWire(message.clicksMode),
  };
}

/** Converts a preference with what a preference page says besides. */
export function recipientPreference(
  response: wire.GetPreferenceResponse | wire.SetPreferenceResponse,
): types.RecipientPreference {
  const view = response.recipientView;
  return {
    ...preference(response.preference),
    recipientView: view && {
      senderName: view.senderName || undefined,
      opensDecidedByRecipient: view.opensDecidedByRecipient,
      clicksDecidedByRecipient: view.clicksDecidedByRecipient,
      lastOpenRecorded: view.lastOpenRecorded,
    },
  };
}

/** Converts the result of a batch. */
export function batchOutcome(response: wire.BatchSetPreferencesResponse): types.BatchOutcome {
  return {
    createdCount: response.createdCount,
    changedCount: response.changedCount,
    loosenedCount: response.loosenedCount,
    tightenedCount: response.tightenedCount,
    protectedIndexes: response.protectedIndexes,
  };
}

/** Converts an entry of the change log. */
export function preferenceChange(message: wire.PreferenceChange): types.PreferenceChange {
  return {
    contactId: message.contactId,
    oldDoNotTrack: DO_NOT_TRACK.fromWire(message.oldDoNotTrack),
    newDoNotTrack: DO_NOT_TRACK.fromWire(message.newDoNotTrack),
    source: PREFERENCE_SOURCE.fromWire(message.source),
    evidence: message.evidence || undefined,
    actor: message.actor,
    changeTime: toRequiredDate(message.changeTime),
    oldOpensConsent: CONSENT.fromWire(message.oldOpensConsent),
    newOpensConsent: CONSENT.fromWire(message.newOpensConsent),
    oldClicksConsent: CONSENT.fromWire(message.oldClicksConsent),
    newClicksConsent: CONSENT.fromWire(message.newClicksConsent),
    opensDecided: message.opensDecided,
    clicksDecided: message.clicksDecided,
    details: {
      sourceId: message.details?.sourceId || undefined,
      wordingVersion: message.details?.wordingVersion || undefined,
      wordingLanguage: message.details?.wordingLanguage || undefined,
      decisionTime: toDate(message.details?.decisionTime),
    },
    changeNumber: message.changeNumber,
  };
}
