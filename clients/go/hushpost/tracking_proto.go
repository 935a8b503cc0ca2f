// Converts events to and from the wire.

package hushpost

import pb "hushpost/clients/go/hushpostv1"

func event(e Event) *pb.Event {
	return &pb.Event{
		Token:         e.Token,
		LinkNumber:    e.LinkNumber,
		EventTime:     toTimestamp(e.Time),
		Verdict:       pb.Verdict(e.Verdict),
		PrivacySignal: e.PrivacySignal,
		Repeated:      e.Repeated,
	}
}

func rejectedEvent(message *pb.RejectedEvent) RejectedEvent {
	return RejectedEvent{
		Index:   message.GetIndex(),
		Reason:  Reason(name(message.GetReason(), "ERROR_REASON_")),
		Message: message.GetMessage(),
	}
}

func linkUpdate(message *pb.WatchLinksResponse) *LinkUpdate {
	return &LinkUpdate{
		Links:            each(message.GetLinks(), watchedLink),
		Cursor:           message.GetCursor(),
		SnapshotComplete: message.GetSnapshotComplete(),
	}
}

func watchedLink(message *pb.WatchedLink) WatchedLink {
	return WatchedLink{
		CampaignNumber: message.GetCampaignNumber(),
		LinkNumber:     message.GetLinkNumber(),
		URL:            message.GetUrl(),
	}
}
