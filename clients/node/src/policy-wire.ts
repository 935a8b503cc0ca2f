/** Converts policies to and from the wire. */

import { create, type DescMessage, type MessageInitShape } from "@bufbuild/protobuf";

import { brandingChanges, pageBranding } from "./branding-wire.js";
import { HISTORY, MODE, RELEASE } from "./enum-codecs.js";
import * as wire from "./gen/hushpost/v1/admin_pb.js";
import type * as types from "./policy-types.js";
import { toRequiredDate } from "./times.js";

/** Converts the settings of an update; those that it leaves as they are stay undefined. */
export function policyChanges(
  update: types.PolicyUpdate,
): MessageInitShape<typeof wire.PolicySchema> {
  return {
    anonymizationEnabled: update.anonymizationEnabled,
    opensModes: update.opensModes && modesChanges(update.opensModes),
    clicksModes: update.clicksModes && modesChanges(update.clicksModes),
    modeWhenTrue: MODE.toWire(update.modeWhenTrue),
    modeWhenUnset: MODE.toWire(update.modeWhenUnset),
    historyWhenTrue: HISTORY.toWire(update.historyWhenTrue),
    retentionDays: update.retentionDays,
    release: RELEASE.toWire(update.release),
    epsilon: update.epsilon,
    releaseDelays: update.releaseDelaySeconds?.map((delay) => ({ seconds: BigInt(delay) })),
    maxAnonymousMessages: update.maxAnonymousMessages,
    reaskAfterDays: update.reaskAfterDays,
    recordLastOpens: update.recordLastOpens,
    branding: update.branding && brandingChanges(update.branding),
    defaultTrackingDomain: update.defaultTrackingDomain,
  };
}

/** Returns the field mask of an update: the names of all fields that are not undefined. */
export function changedPaths(changes: MessageInitShape<typeof wire.PolicySchema>): string[] {
  return paths(wire.PolicySchema, changes);
}

/** Converts a policy. */
export function policy(message: wire.Policy = create(wire.PolicySchema)): types.Policy {
  return {
    anonymizationEnabled: message.anonymizationEnabled ?? false,
    opensModes: modes(message.opensModes),
    clicksModes: modes(message.clicksModes),
    modeWhenTrue: MODE.fromWire(message.modeWhenTrue),
    modeWhenUnset: MODE.fromWire(message.modeWhenUnset),
    historyWhenTrue: HISTORY.fromWire(message.historyWhenTrue),
    retentionDays: message.retentionDays,
    release: RELEASE.fromWire(message.release),
    epsilon: message.epsilon,
    releaseDelaySeconds: message.releaseDelays.map(({ seconds }) => Number(seconds)),
    maxAnonymousMessages: message.maxAnonymousMessages,
    reaskAfterDays: message.reaskAfterDays,
    recordLastOpens: message.recordLastOpens ?? false,
    branding: pageBranding(message.branding),
    defaultTrackingDomain: message.defaultTrackingDomain || undefined,
  };
}

/** Converts an entry of the audit log of a policy. */
export function policyChange(message: wire.PolicyChange): types.PolicyChange {
  return {
    version: message.version,
    changeTime: toRequiredDate(message.changeTime),
    actor: message.actor,
    policy: policy(message.policy),
  };
}

function modesChanges(modes: Partial<types.ConsentModes>) {
  return {
    whenUnknown: MODE.toWire(modes.whenUnknown),
    whenDenied: MODE.toWire(modes.whenDenied),
    whenWithdrawn: MODE.toWire(modes.whenWithdrawn),
  };
}

function modes(message: wire.ConsentModes | undefined): types.ConsentModes {
  return {
    whenUnknown: MODE.fromWire(message?.whenUnknown ?? 0),
    whenDenied: MODE.fromWire(message?.whenDenied ?? 0),
    whenWithdrawn: MODE.fromWire(message?.whenWithdrawn ?? 0),
  };
}

/** Names the fields that have values, with those of nested messages, as the proto does. */
function paths(schema: DescMessage, values: object): string[] {
  return schema.fields.flatMap((field) => {
    const value = (values as Record<string, unknown>)[field.localName];
    if (value === undefined) {
      return [];
    }
    if (field.fieldKind === "message") {
      return paths(field.message, value as object).map((path) => `${field.name}.${path}`);
    }
    return [field.name];
  });
}
