// Converts campaigns to and from the wire.

package hushpost

import (
	"fmt"

	"google.golang.org/grpc/codes"

	pb "hushpost/clients/go/hushpostv1"
)

func newLink(link NewLink) *pb.Link {
	return &pb.Link{Url: link.URL, Label: link.Label}
}

func newGroup(group NewGroup) *pb.Group {
	return &pb.Group{
		GroupId:          group.GroupID,
		ExpectedMessages: group.ExpectedMessages,
		MaxMode:          pb.Mode(group.MaxMode),
	}
}

func campaign(message *pb.Campaign) *Campaign {
	return &Campaign{
		TenantID:       message.GetTenantId(),
		CampaignID:     message.GetCampaignId(),
		DisplayName:    message.GetDisplayName(),
		CampaignNumber: message.GetCampaignNumber(),
		Links:          each(message.GetLinks(), link),
		Groups:         each(message.GetGroups(), group),
		CreateTime:     fromTimestamp(message.GetCreateTime()),
		CloseTime:      fromTimestamp(message.GetCloseTime()),
		MaxMode:        Mode(message.GetMaxMode()),
	}
}

func link(message *pb.Link) Link {
	return Link{Number: message.GetLinkNumber(), URL: message.GetUrl(), Label: message.GetLabel()}
}

func group(message *pb.Group) Group {
	return Group{GroupID: message.GetGroupId(), MaxMode: Mode(message.GetMaxMode())}
}

// issuedTokens converts tokens, which are in the order of the contacts.
func issuedTokens(contactIDs []string, messages []*pb.IssuedToken) (IssuedTokens, error) {
	if len(messages) != len(contactIDs) {
		return nil, &Error{
			Code:    codes.Internal,
			Message: fmt.Sprintf("requested %d tokens, got %d", len(contactIDs), len(messages)),
		}
	}
	tokens := each(messages, issuedToken)
	for i := range tokens {
		tokens[i].ContactID = contactIDs[i]
	}
	return tokens, nil
}

func issuedToken(message *pb.IssuedToken) IssuedToken {
	issued := IssuedToken{
		Mode:            Mode(message.GetMode()),
		Token:           message.GetToken(),
		ClickMode:       Mode(message.GetClickMode()),
		ClickToken:      message.GetClickToken(),
		PreferenceToken: message.GetPreferenceToken(),
	}
	if issued.ClickMode == 0 { // on the wire, only a message with two tokens has a click mode
		issued.ClickMode, issued.ClickToken = issued.Mode, issued.Token
	}
	return issued
}

func messageModes(message *pb.MessageModes) MessageModes {
	return MessageModes{Mode: Mode(message.GetOpenMode()), ClickMode: Mode(message.GetClickMode())}
}
