// What a preference page tells the recipient.

package hushpost

// A RecipientView is what a preference page tells the recipient besides the preference. It names
// neither the contact nor the log.
type RecipientView struct {
	// SenderName is the tenant's display name; may be empty.
	SenderName string
	// OpensDecidedByRecipient is whether the consent to opens is the recipient's own decision.
	// Otherwise the sender states it.
	OpensDecidedByRecipient bool
	// ClicksDecidedByRecipient is the same for clicks.
	ClicksDecidedByRecipient bool
	// LastOpenRecorded is whether opens set the date of the contact's last open.
	LastOpenRecorded bool
	// Branding is the tenant's part of the page.
	Branding PageBranding
}

// PageBranding is the tenant's part of its contacts' preference pages. All fields may be empty.
type PageBranding struct {
	// AccentColor is the color of buttons and links, as "#rrggbb".
	AccentColor string
	// Logo is an image of at most 65,536 bytes.
	Logo []byte
	// LogoMediaType is its media type, such as "image/png".
	LogoMediaType string
	// ImprintURL is the address of the imprint.
	ImprintURL string
	// PrivacyPolicyURL is the address of the privacy policy.
	PrivacyPolicyURL string
	// Intro is an introduction for the top of the page, in several languages.
	Intro []LocalizedText
	// DefaultLanguage is the language of the page if the reader's browser asks for none that the
	// page has, as a BCP 47 tag.
	DefaultLanguage string
}

// A LocalizedText is a text in one language.
type LocalizedText struct {
	// Language is a BCP 47 tag such as "de".
	Language string
	// Text has no markup.
	Text string
}
