// Converts statistics from the wire.

package hushpost

import pb "hushpost/clients/go/hushpostv1"

func campaignStats(message *pb.CampaignStats) *CampaignStats {
	return &CampaignStats{
		CampaignID:  message.GetCampaignId(),
		Release:     releaseInfo(message.GetRelease()),
		Sent:        sentStats(message.GetSent()),
		ClicksSent:  sentStats(message.GetClicksSent()),
		Opens:       signalStats(message.GetOpens()),
		Clicks:      signalStats(message.GetClicks()),
		Rates:       rates(message.GetRates()),
		Groups:      each(message.GetGroups(), groupStats),
		OtherGroups: otherGroups(message.GetOtherGroups()),
		Links:       each(message.GetLinks(), linkStats),
		Hours:       each(message.GetHours(), hourStats),
	}
}

func releaseInfo(message *pb.ReleaseInfo) ReleaseInfo {
	return ReleaseInfo{
		Exact:           message.GetExact(),
		Epsilon:         message.GetEpsilon(),
		ReleaseTime:     fromTimestamp(message.GetReleaseTime()),
		NextReleaseTime: fromTimestamp(message.GetNextReleaseTime()),
	}
}

func sentStats(message *pb.SentStats) SentStats {
	return SentStats{
		Total:      message.GetTotal(),
		Identified: message.GetIdentified(),
		Anonymous:  message.GetAnonymous(),
		Aggregate:  message.GetAggregate(),
		Off:        message.GetOff(),
		Margin:     message.GetMargin(),
	}
}

func signalStats(message *pb.SignalStats) SignalStats {
	return SignalStats{
		Human:   engagementStats(message.GetHuman()),
		Machine: engagementStats(message.GetMachine()),
	}
}

func engagementStats(message *pb.EngagementStats) EngagementStats {
	identified := message.GetIdentified()
	return EngagementStats{
		Identified: Count{Total: identified.GetTotal(), Unique: identified.GetUnique()},
		Anonymous:  estimate(message.GetAnonymous()),
		Aggregate:  estimate(message.GetAggregate()),
		Combined:   estimate(message.GetCombined()),
	}
}

func estimate(message *pb.Estimate) *Estimate {
	if message == nil {
		return nil
	}
	return &Estimate{
		Total:   message.GetTotal(),
		Unique:  message.GetUnique(),
		Margin:  message.GetMargin(),
		IsNoise: message.GetIsNoise(),
	}
}

func rates(message *pb.Rates) Rates {
	return Rates{
		OpenRate:         rate(message.GetOpenRate()),
		ClickThroughRate: rate(message.GetClickThroughRate()),
		ClickToOpenRate:  rate(message.GetClickToOpenRate()),
	}
}

func rate(message *pb.Rate) Rate {
	return Rate{
		Combined:   message.GetCombined(),
		Identified: message.GetIdentified(),
		Anonymous:  message.GetAnonymous(),
		Margin:     message.GetMargin(),
	}
}

func otherGroups(message *pb.GroupStats) *GroupStats {
	if message == nil {
		return nil
	}
	others := groupStats(message)
	return &others
}

func groupStats(message *pb.GroupStats) GroupStats {
	return GroupStats{
		GroupID:    message.GetGroupId(),
		Sent:       sentStats(message.GetSent()),
		ClicksSent: sentStats(message.GetClicksSent()),
		Opens:      signalStats(message.GetOpens()),
		Clicks:     signalStats(message.GetClicks()),
		Rates:      rates(message.GetRates()),
	}
}

func linkStats(message *pb.LinkStats) LinkStats {
	return LinkStats{
		Number: message.GetLinkNumber(),
		URL:    message.GetUrl(),
		Label:  message.GetLabel(),
		Clicks: signalStats(message.GetClicks()),
	}
}

func hourStats(message *pb.HourStats) HourStats {
	return HourStats{
		StartTime: fromTimestamp(message.GetStartTime()),
		Sent:      sentStats(message.GetSent()),
		Opens:     signalStats(message.GetOpens()),
		Clicks:    signalStats(message.GetClicks()),
	}
}

func engagedContact(message *pb.EngagedContact) *EngagedContact {
	return &EngagedContact{
		ContactID:      message.GetContactId(),
		OpenCount:      message.GetOpenCount(),
		ClickCount:     message.GetClickCount(),
		FirstEventTime: fromTimestamp(message.GetFirstEventTime()),
		LastEventTime:  fromTimestamp(message.GetLastEventTime()),
	}
}
