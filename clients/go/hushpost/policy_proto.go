// Converts policies to and from the wire.

package hushpost

import (
	"google.golang.org/protobuf/types/known/durationpb"

	pb "hushpost/clients/go/hushpostv1"
)

// policyUpdate converts the settings of an update, and returns their field mask.
func policyUpdate(u PolicyUpdate) (*pb.Policy, fieldMask) {
	var mask fieldMask
	delays := listed(&mask, "release_delays", u.ReleaseDelays)
	return &pb.Policy{
		AnonymizationEnabled: optional(&mask, "anonymization_enabled", u.AnonymizationEnabled),
		OpensModes:           consentModesUpdate(&mask, "opens_modes.", u.OpensModes),
		ClicksModes:          consentModesUpdate(&mask, "clicks_modes.", u.ClicksModes),
		ModeWhenTrue:         nonzero(&mask, "mode_when_true", pb.Mode(u.ModeWhenTrue)),
		ModeWhenUnset:        nonzero(&mask, "mode_when_unset", pb.Mode(u.ModeWhenUnset)),
		HistoryWhenTrue:      nonzero(&mask, "history_when_true", pb.History(u.HistoryWhenTrue)),
		RetentionDays:        pointed(&mask, "retention_days", u.RetentionDays),
		Release:              nonzero(&mask, "release", pb.Release(u.Release)),
		Epsilon:              pointed(&mask, "epsilon", u.Epsilon),
		ReleaseDelays:        each(delays, durationpb.New),
		MaxAnonymousMessages: pointed(&mask, "max_anonymous_messages", u.MaxAnonymousMessages),
		ReaskAfterDays:       pointed(&mask, "reask_after_days", u.ReaskAfterDays),
		RecordLastOpens:      optional(&mask, "record_last_opens", u.RecordLastOpens),
		Branding:             brandingUpdate(&mask, "branding.", u.Branding),
		DefaultTrackingDomain: pointed(
			&mask, "default_tracking_domain", u.DefaultTrackingDomain),
	}, mask
}

func consentModesUpdate(mask *fieldMask, prefix string, modes ConsentModes) *pb.ConsentModes {
	return &pb.ConsentModes{
		WhenUnknown:   nonzero(mask, prefix+"when_unknown", pb.Mode(modes.WhenUnknown)),
		WhenDenied:    nonzero(mask, prefix+"when_denied", pb.Mode(modes.WhenDenied)),
		WhenWithdrawn: nonzero(mask, prefix+"when_withdrawn", pb.Mode(modes.WhenWithdrawn)),
	}
}

func brandingUpdate(mask *fieldMask, prefix string, u PageBrandingUpdate) *pb.PageBranding {
	intro := listed(mask, prefix+"intro", u.Intro)
	return &pb.PageBranding{
		AccentColor:      pointed(mask, prefix+"accent_color", u.AccentColor),
		Logo:             listed(mask, prefix+"logo", u.Logo),
		ImprintUrl:       pointed(mask, prefix+"imprint_url", u.ImprintURL),
		PrivacyPolicyUrl: pointed(mask, prefix+"privacy_policy_url", u.PrivacyPolicyURL),
		Intro:            each(intro, toLocalizedText),
		DefaultLanguage:  pointed(mask, prefix+"default_language", u.DefaultLanguage),
	}
}

func toLocalizedText(text LocalizedText) *pb.LocalizedText {
	return &pb.LocalizedText{Language: text.Language, Text: text.Text}
}

func policy(message *pb.Policy) Policy {
	return Policy{
		AnonymizationEnabled:  message.GetAnonymizationEnabled(),
		OpensModes:            consentModes(message.GetOpensModes()),
		ClicksModes:           consentModes(message.GetClicksModes()),
		ModeWhenTrue:          Mode(message.GetModeWhenTrue()),
		ModeWhenUnset:         Mode(message.GetModeWhenUnset()),
		HistoryWhenTrue:       History(message.GetHistoryWhenTrue()),
		RetentionDays:         message.GetRetentionDays(),
		Release:               Release(message.GetRelease()),
		Epsilon:               message.GetEpsilon(),
		ReleaseDelays:         each(message.GetReleaseDelays(), (*durationpb.Duration).AsDuration),
		MaxAnonymousMessages:  message.GetMaxAnonymousMessages(),
		ReaskAfterDays:        message.GetReaskAfterDays(),
		RecordLastOpens:       message.GetRecordLastOpens(),
		Branding:              pageBranding(message.GetBranding()),
		DefaultTrackingDomain: message.GetDefaultTrackingDomain(),
	}
}

func consentModes(message *pb.ConsentModes) ConsentModes {
	return ConsentModes{
		WhenUnknown:   Mode(message.GetWhenUnknown()),
		WhenDenied:    Mode(message.GetWhenDenied()),
		WhenWithdrawn: Mode(message.GetWhenWithdrawn()),
	}
}

func policyChange(message *pb.PolicyChange) *PolicyChange {
	return &PolicyChange{
		Version:    message.GetVersion(),
		ChangeTime: fromTimestamp(message.GetChangeTime()),
		Actor:      message.GetActor(),
		Policy:     policy(message.GetPolicy()),
	}
}
