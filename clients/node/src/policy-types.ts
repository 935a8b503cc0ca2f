/** The policies of tenants: their rules that map consent to tracking modes. */

import type { PageBranding, PageBrandingUpdate } from "./branding-types.js";
import type { History, Mode, Release } from "./enums.js";

/** The modes of one purpose by consent. GRANTED is always IDENTIFIED. */
export interface ConsentModes {
  /** The mode of contacts who have not decided: any mode. */
  readonly whenUnknown: Mode | undefined;
  /** The mode of contacts who denied: ANONYMOUS, AGGREGATE or OFF. */
  readonly whenDenied: Mode | undefined;
  /** The mode of contacts who withdrew: ANONYMOUS, AGGREGATE or OFF. */
  readonly whenWithdrawn: Mode | undefined;
}

/** A tenant's rules that map consent to tracking modes. */
export interface Policy {
  /** The switch for the whole feature. While it is off, every contact is IDENTIFIED. */
  readonly anonymizationEnabled: boolean;
  /** The modes of opens. */
  readonly opensModes: ConsentModes;
  /** The modes of clicks. */
  readonly clicksModes: ConsentModes;
  /** The strictest mode of contacts with `doNotTrack` TRUE. */
  readonly modeWhenTrue: Mode | undefined;
  /** The stricter mode of contacts with `doNotTrack` UNSET. */
  readonly modeWhenUnset: Mode | undefined;
  /** What an opt-out does with earlier identified events. */
  readonly historyWhenTrue: History | undefined;
  /**
   * The age in days at which identified events are deleted, 1…3,650. The counts remain.
   */
  readonly retentionDays: number;
  /**
   * How the anonymous counts of new campaigns are released. EXACT only where the operator
   * allows it.
   */
  readonly release: Release | undefined;
  /**
   * The privacy budget per contact and campaign: less is more private, with more noise. Up to
   * the limit of the installation.
   */
  readonly epsilon: number;
  /**
   * When counts are released: 1 to 6 ascending times after the first message, in whole
   * seconds.
   */
  readonly releaseDelaySeconds: readonly number[];
  /**
   * How many ANONYMOUS messages a contact gets in 90 days, over all campaigns, 1…1,000.
   * Further ones are OFF.
   */
  readonly maxAnonymousMessages: number;
  /**
   * How long a contact that refused is not asked again, 1…3,650 days: a filter of
   * `listContacts`.
   */
  readonly reaskAfterDays: number;
  /**
   * Whether opens of contacts whose consent to opens is UNKNOWN update the date of their last
   * open, and nothing else.
   */
  readonly recordLastOpens: boolean;
  /** The tenant's part of preference pages; empty in a `PolicyChange`. */
  readonly branding: PageBranding;
  /**
   * The tracking domain that senders use unless they name another; undefined for none, and in
   * a `PolicyChange`.
   */
  readonly defaultTrackingDomain: string | undefined;
}

/**
 * The settings of a policy to change. Undefined leaves a setting as it is; in `createTenant`
 * it means the default.
 *
 * `modeWhenTrue` sets the modes of DENIED and WITHDRAWN of both purposes, and `modeWhenUnset`
 * those of UNKNOWN; `opensModes` and `clicksModes` take precedence. An empty
 * `defaultTrackingDomain` removes it.
 */
export interface PolicyUpdate
  extends Partial<Omit<Policy, "opensModes" | "clicksModes" | "branding">> {
  readonly opensModes?: Partial<ConsentModes> | undefined;
  readonly clicksModes?: Partial<ConsentModes> | undefined;
  readonly branding?: PageBrandingUpdate | undefined;
}

/** An entry of the audit log of a tenant's policy. */
export interface PolicyChange {
  /** 1 for the policy that the tenant was created with, then ascending. */
  readonly version: number;
  /**
   * When the policy took effect. It was replaced at the `changeTime` of the next version.
   */
  readonly changeTime: Date;
  /** The id of the API key that made the change. */
  readonly actor: string;
  /** The complete policy, including settings that did not change. */
  readonly policy: Policy;
}
