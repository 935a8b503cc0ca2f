/** The tenant's part of preference pages. */

/** How a tenant's preference page looks, and what it says besides. */
export interface PageBranding {
  /**
   * The color of buttons and links, as "#rrggbb". The page makes it darker or lighter where
   * its contrast is too low.
   */
  readonly accentColor: string | undefined;
  /** A PNG, JPEG, WebP or SVG image of at most 65,536 bytes. */
  readonly logo: Uint8Array | undefined;
  /** The type of the logo, such as "image/png". */
  readonly logoMediaType: string | undefined;
  /** An absolute https URL of at most 2,048 bytes. */
  readonly imprintUrl: string | undefined;
  /** The same for the privacy policy. */
  readonly privacyPolicyUrl: string | undefined;
  /**
   * Introductions by language (BCP 47), for the top of the page: at most 20, each of at most
   * 2,000 bytes.
   */
  readonly intro: Readonly<Record<string, string>> | undefined;
  /** The language for readers whose browser asks for none that the page has. */
  readonly defaultLanguage: string | undefined;
}

/**
 * The branding to change. Undefined leaves a field as it is; an empty text, image or object
 * removes it.
 */
export interface PageBrandingUpdate extends Partial<Omit<PageBranding, "logoMediaType">> {}
