// Campaigns and their tokens. Require a key of role SENDER; REPORTER may get and list campaigns.

package hushpost

import (
	"context"
	"iter"

	pb "hushpost/clients/go/hushpostv1"
)

// CreateCampaign creates a campaign with its links and groups.
//
// Reasons: ID_INVALID, FIELD_INVALID, LINK_URL_INVALID (metadata "index"), LIMIT_EXCEEDED,
// CAMPAIGN_ALREADY_EXISTS, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
func (c *Client) CreateCampaign(
	ctx context.Context, r CreateCampaignRequest,
) (*CreatedCampaign, error) {
	response, err := unary(ctx, c.calls, c.campaigns.CreateCampaign, &pb.CreateCampaignRequest{
		TenantId:    c.tenantID,
		CampaignId:  r.CampaignID,
		DisplayName: r.DisplayName,
		Links:       each(r.Links, newLink),
		Groups:      each(r.Groups, newGroup),
		MaxMode:     pb.Mode(r.MaxMode),
		MessageHtml: r.MessageHTML,
		RequestId:   requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	created := campaign(response.GetCampaign())
	return &CreatedCampaign{Campaign: *created, IssueKey: response.GetIssueKey()}, nil
}

// ExtendCampaign adds links and groups to an open campaign, and returns the whole campaign. It
// fails with FIELD_INVALID if a group exists and has another MaxMode.
//
// Reasons: those of CreateCampaign except CAMPAIGN_ALREADY_EXISTS; CAMPAIGN_NOT_FOUND,
// CAMPAIGN_CLOSED.
func (c *Client) ExtendCampaign(ctx context.Context, r ExtendCampaignRequest) (*Campaign, error) {
	response, err := unary(ctx, c.calls, c.campaigns.ExtendCampaign, &pb.ExtendCampaignRequest{
		TenantId:   c.tenantID,
		CampaignId: r.CampaignID,
		Links:      each(r.Links, newLink),
		Groups:     each(r.Groups, newGroup),
		RequestId:  requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return campaign(response.GetCampaign()), nil
}

// GetCampaign returns a campaign with its links and groups.
//
// Reasons: CAMPAIGN_NOT_FOUND.
func (c *Client) GetCampaign(ctx context.Context, campaignID string) (*Campaign, error) {
	response, err := unary(ctx, c.calls, c.campaigns.GetCampaign, &pb.GetCampaignRequest{
		TenantId: c.tenantID, CampaignId: campaignID,
	})
	if err != nil {
		return nil, err
	}
	return campaign(response.GetCampaign()), nil
}

// ListCampaigns returns the tenant's campaigns without their links and groups. It fetches pages on
// demand; an error is the last thing that it yields.
//
// Reasons: FIELD_INVALID, PAGE_SIZE_INVALID.
func (c *Client) ListCampaigns(
	ctx context.Context, r ListCampaignsRequest,
) iter.Seq2[*Campaign, error] {
	fetch := func(pageToken string) (*pb.ListCampaignsResponse, error) {
		return unary(ctx, c.calls, c.campaigns.ListCampaigns, &pb.ListCampaignsRequest{
			TenantId:  c.tenantID,
			Filter:    r.Filter,
			OrderBy:   r.OrderBy,
			PageSize:  r.PageSize,
			PageToken: pageToken,
		})
	}
	return pages(fetch, (*pb.ListCampaignsResponse).GetCampaigns, campaign)
}

// CloseCampaign closes a campaign, so that it gets no more links, groups or tokens. Its events are
// still recorded and its links still redirect. Closing a closed campaign has no effect.
//
// Reasons: CAMPAIGN_NOT_FOUND.
func (c *Client) CloseCampaign(ctx context.Context, campaignID string) (*Campaign, error) {
	response, err := unary(ctx, c.calls, c.campaigns.CloseCampaign, &pb.CloseCampaignRequest{
		TenantId: c.tenantID, CampaignId: campaignID,
	})
	if err != nil {
		return nil, err
	}
	return campaign(response.GetCampaign()), nil
}

// IssueTokens issues the tokens of one message per contact, in the order of the contacts.
//
// It counts one sent message per contact, once per request id, and creates unknown contacts.
// Repeating the call returns the same tokens. A contact that was issued to in the campaign before
// gets a message in mode AGGREGATE or stricter, so that it never counts as several people.
//
// Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, CAMPAIGN_CLOSED, ISSUE_KEY_REQUIRED,
// ISSUE_KEY_INVALID, LIMIT_EXCEEDED, BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID (metadata
// "index"), REQUEST_ID_INVALID, REQUEST_ID_REUSED.
func (c *Client) IssueTokens(ctx context.Context, r IssueTokensRequest) (IssuedTokens, error) {
	response, err := unary(ctx, c.calls, c.campaigns.IssueTokens, &pb.IssueTokensRequest{
		TenantId:                c.tenantID,
		CampaignId:              r.CampaignID,
		GroupId:                 r.GroupID,
		ContactIds:              r.ContactIDs,
		IncludePreferenceTokens: r.IncludePreferenceTokens,
		IssueKey:                r.IssueKey,
		RequestId:               requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return issuedTokens(r.ContactIDs, response.GetTokens())
}

// GetCampaignMessage returns the HTML of a campaign's message, if CreateCampaign got it. Treat it as
// untrusted when you show it.
//
// Reasons: CAMPAIGN_NOT_FOUND, CAMPAIGN_MESSAGE_NOT_FOUND.
func (c *Client) GetCampaignMessage(
	ctx context.Context, campaignID string,
) (html string, err error) {
	response, err := unary(
		ctx, c.calls, c.campaigns.GetCampaignMessage,
		&pb.GetCampaignMessageRequest{TenantId: c.tenantID, CampaignId: campaignID},
	)
	return response.GetHtml(), err
}

// PreviewModes returns the modes that the first messages to some contacts would have now, in the
// order of the contacts. It issues nothing and creates no contacts.
//
// Reasons: CAMPAIGN_NOT_FOUND, GROUP_NOT_FOUND, BATCH_EMPTY, BATCH_TOO_LARGE, CONTACT_ID_INVALID
// (metadata "index"), FIELD_INVALID.
func (c *Client) PreviewModes(ctx context.Context, r PreviewModesRequest) ([]MessageModes, error) {
	response, err := unary(ctx, c.calls, c.campaigns.PreviewModes, &pb.PreviewModesRequest{
		TenantId:   c.tenantID,
		CampaignId: r.CampaignID,
		GroupId:    r.GroupID,
		ContactIds: r.ContactIDs,
	})
	if err != nil {
		return nil, err
	}
	return each(response.GetModes(), messageModes), nil
}
