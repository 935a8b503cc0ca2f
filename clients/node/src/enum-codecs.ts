/** Converts enums to and from the wire. */

import type * as enums from "./enums.js";
import { Release, Role } from "./gen/hushpost/v1/admin_pb.js";
import { PreferenceSource, Proof } from "./gen/hushpost/v1/preference_pb.js";
import { Consent, DoNotTrack, History, Mode, Verdict } from "./gen/hushpost/v1/privacy_pb.js";
import { CampaignStatsView, Engagement } from "./gen/hushpost/v1/stats_pb.js";

/** A generated enum: numbers by name, and names by number. */
type WireEnum = Readonly<Record<string, string | number>>;

/** The names of a generated enum, without UNSPECIFIED. */
type NameOf<Wire> = Exclude<keyof Wire, "UNSPECIFIED"> & string;

/** Converts between the names of an enum and its numbers. */
export class EnumCodec<WireNumber extends number, Name extends string> {
  readonly #wire: WireEnum;

  constructor(wire: WireEnum) {
    this.#wire = wire;
  }

  /**
   * Returns the number of a name; undefined stays undefined, which is UNSPECIFIED.
   *
   * @throws {TypeError} if there is no such name: JavaScript is not type-checked, and a
   *   misspelled name must not pass for an absent value.
   */
  toWire(name: Name | undefined): WireNumber | undefined {
    if (name === undefined) {
      return undefined;
    }
    const number = this.#wire[name];
    if (typeof number !== "number" || number === 0) {
      const names = Object.keys(this.#wire).filter((key) => Number(this.#wire[key]) > 0);
      throw new TypeError(`${JSON.stringify(name)} is not one of ${names.join(", ")}`);
    }
    return number as WireNumber;
  }

  /** Returns the name of a number; undefined if unspecified or from a newer authority. */
  fromWire(number: number): Name | undefined {
    const name = this.#wire[number];
    return number === 0 || typeof name !== "string" ? undefined : (name as Name);
  }
}

/** Returns a codec. Does not compile if the names differ from those of the wire. */
function codec<Name extends string>() {
  return <Wire extends WireEnum>(
    wire: Wire & ([NameOf<Wire>] extends [Name] ? Record<Name, number> : never),
  ): EnumCodec<Extract<Wire[keyof Wire], number>, Name> => new EnumCodec(wire);
}

export const CONSENT = codec<enums.Consent>()(Consent);
export const DO_NOT_TRACK = codec<enums.DoNotTrack>()(DoNotTrack);
export const ENGAGEMENT = codec<enums.Engagement>()(Engagement);
export const HISTORY = codec<enums.History>()(History);
export const MODE = codec<enums.Mode>()(Mode);
export const PREFERENCE_SOURCE = codec<enums.PreferenceSource>()(PreferenceSource);
export const PROOF = codec<enums.Proof>()(Proof);
export const RELEASE = codec<enums.Release>()(Release);
export const ROLE = codec<enums.Role>()(Role);
export const STATS_VIEW = codec<enums.StatsView>()(CampaignStatsView);
export const VERDICT = codec<enums.Verdict>()(Verdict);
