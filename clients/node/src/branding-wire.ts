/** Converts the branding of preference pages to and from the wire. */

import type * as types from "./branding-types.js";
import type * as wire from "./gen/hushpost/v1/branding_pb.js";

/** Converts the fields of an update; those that it leaves as they are stay undefined. */
export function brandingChanges(branding: types.PageBrandingUpdate) {
  const { accentColor, logo, imprintUrl, privacyPolicyUrl, intro, defaultLanguage } = branding;
  const texts = intro && Object.entries(intro).map(([language, text]) => ({ language, text }));
  return { accentColor, logo, imprintUrl, privacyPolicyUrl, intro: texts, defaultLanguage };
}

/** Converts the branding. */
export function pageBranding(message: wire.PageBranding | undefined): types.PageBranding {
  const intro = message?.intro.map(({ language, text }) => [language, text]) ?? [];
  return {
    accentColor: message?.accentColor || undefined,
    logo: message?.logo.length ? message.logo : undefined,
    logoMediaType: message?.logoMediaType || undefined,
    imprintUrl: message?.imprintUrl || undefined,
    privacyPolicyUrl: message?.privacyPolicyUrl || undefined,
    intro: intro.length > 0 ? Object.fromEntries(intro) : undefined,
    defaultLanguage: message?.defaultLanguage || undefined,
  };
}
