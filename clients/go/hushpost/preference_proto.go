// Converts preferences to and from the wire.

package hushpost

import pb "hushpost/clients/go/hushpostv1"

func setPreferenceRequest(tenantID string, r SetPreferenceRequest) *pb.SetPreferenceRequest {
	request := &pb.SetPreferenceRequest{
		TenantId:      tenantID,
		DoNotTrack:    pb.DoNotTrack(r.DoNotTrack),
		OpensConsent:  pb.Consent(r.OpensConsent),
		ClicksConsent: pb.Consent(r.ClicksConsent),
		Source:        pb.PreferenceSource(r.Source),
		Evidence:      r.Evidence,
		Details:       toDetails(r.Details),
		History:       pb.History(r.History),
		RequestId:     requestIDOrNew(r.RequestID),
	}
	if r.PreferenceToken != "" {
		request.Contact = &pb.SetPreferenceRequest_PreferenceToken{
			PreferenceToken: r.PreferenceToken,
		}
	} else {
		request.Contact = &pb.SetPreferenceRequest_ContactId{ContactId: r.ContactID}
	}
	return request
}

func preferenceEntry(entry PreferenceEntry) *pb.PreferenceEntry {
	return &pb.PreferenceEntry{
		ContactId:     entry.ContactID,
		DoNotTrack:    pb.DoNotTrack(entry.DoNotTrack),
		OpensConsent:  pb.Consent(entry.OpensConsent),
		ClicksConsent: pb.Consent(entry.ClicksConsent),
		Source:        pb.PreferenceSource(entry.Source),
		Evidence:      entry.Evidence,
		Details:       toDetails(entry.Details),
	}
}

func toDetails(details DecisionDetails) *pb.DecisionDetails {
	if details == (DecisionDetails{}) {
		return nil
	}
	return &pb.DecisionDetails{
		SourceId:        details.SourceID,
		WordingVersion:  details.WordingVersion,
		WordingLanguage: details.WordingLanguage,
		DecisionTime:    toTimestamp(details.DecisionTime),
	}
}

func fromDetails(message *pb.DecisionDetails) DecisionDetails {
	return DecisionDetails{
		SourceID:        message.GetSourceId(),
		WordingVersion:  message.GetWordingVersion(),
		WordingLanguage: message.GetWordingLanguage(),
		DecisionTime:    fromTimestamp(message.GetDecisionTime()),
	}
}

func batchOutcome(message *pb.BatchSetPreferencesResponse) *BatchOutcome {
	return &BatchOutcome{
		CreatedCount:     message.GetCreatedCount(),
		ChangedCount:     message.GetChangedCount(),
		LoosenedCount:    message.GetLoosenedCount(),
		TightenedCount:   message.GetTightenedCount(),
		ProtectedIndexes: message.GetProtectedIndexes(),
	}
}

func preference(message *pb.Preference) *Preference {
	return &Preference{
		ContactID:     message.GetContactId(),
		DoNotTrack:    DoNotTrack(message.GetDoNotTrack()),
		Mode:          Mode(message.GetMode()),
		UpdateTime:    fromTimestamp(message.GetUpdateTime()),
		OpensConsent:  Consent(message.GetOpensConsent()),
		ClicksConsent: Consent(message.GetClicksConsent()),
		OpensMode:     Mode(message.GetOpensMode()),
		ClicksMode:    Mode(message.GetClicksMode()),
	}
}

// preferenceAndView converts a response about one contact.
func preferenceAndView(response interface {
	GetPreference() *pb.Preference
	GetRecipientView() *pb.RecipientView
}) *Preference {
	converted := preference(response.GetPreference())
	if view := response.GetRecipientView(); view != nil {
		converted.RecipientView = recipientView(view)
	}
	return converted
}

func recipientView(message *pb.RecipientView) *RecipientView {
	return &RecipientView{
		SenderName:               message.GetSenderName(),
		OpensDecidedByRecipient:  message.GetOpensDecidedByRecipient(),
		ClicksDecidedByRecipient: message.GetClicksDecidedByRecipient(),
		LastOpenRecorded:         message.GetLastOpenRecorded(),
		Branding:                 pageBranding(message.GetBranding()),
	}
}

func pageBranding(message *pb.PageBranding) PageBranding {
	return PageBranding{
		AccentColor:      message.GetAccentColor(),
		Logo:             message.GetLogo(),
		LogoMediaType:    message.GetLogoMediaType(),
		ImprintURL:       message.GetImprintUrl(),
		PrivacyPolicyURL: message.GetPrivacyPolicyUrl(),
		Intro:            each(message.GetIntro(), localizedText),
		DefaultLanguage:  message.GetDefaultLanguage(),
	}
}

func localizedText(message *pb.LocalizedText) LocalizedText {
	return LocalizedText{Language: message.GetLanguage(), Text: message.GetText()}
}

func preferenceChange(message *pb.PreferenceChange) *PreferenceChange {
	return &PreferenceChange{
		ContactID:        message.GetContactId(),
		OldDoNotTrack:    DoNotTrack(message.GetOldDoNotTrack()),
		NewDoNotTrack:    DoNotTrack(message.GetNewDoNotTrack()),
		Source:           PreferenceSource(message.GetSource()),
		Evidence:         message.GetEvidence(),
		Actor:            message.GetActor(),
		ChangeTime:       fromTimestamp(message.GetChangeTime()),
		OldOpensConsent:  Consent(message.GetOldOpensConsent()),
		NewOpensConsent:  Consent(message.GetNewOpensConsent()),
		OldClicksConsent: Consent(message.GetOldClicksConsent()),
		NewClicksConsent: Consent(message.GetNewClicksConsent()),
		OpensDecided:     message.GetOpensDecided(),
		ClicksDecided:    message.GetClicksDecided(),
		Details:          fromDetails(message.GetDetails()),
		ChangeNumber:     message.GetChangeNumber(),
	}
}

func toConsent(consent Consent) pb.Consent {
	return pb.Consent(consent)
}
