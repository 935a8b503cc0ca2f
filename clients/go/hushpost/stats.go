// Statistics of campaigns. Require a key of role REPORTER.

package hushpost

import (
	"context"
	"iter"

	"google.golang.org/protobuf/proto"

	pb "hushpost/clients/go/hushpostv1"
)

// GetCampaignStats returns the statistics of a campaign: those parts that the view selects.
//
// Reasons: CAMPAIGN_NOT_FOUND, DATABASE_UNAVAILABLE.
func (c *Client) GetCampaignStats(
	ctx context.Context, campaignID string, view StatsView,
) (*CampaignStats, error) {
	response, err := unary(ctx, c.calls, c.stats.GetCampaignStats, &pb.GetCampaignStatsRequest{
		TenantId: c.tenantID, CampaignId: campaignID, View: pb.CampaignStatsView(view),
	})
	if err != nil {
		return nil, err
	}
	return campaignStats(response.GetStats()), nil
}

// WatchCampaignStats returns the present statistics of a campaign, then those after each change of
// the parts that the view selects, until the context ends or the caller stops.
//
// It yields at most once a second. A caller that is slower misses some; the last ones it gets are
// always current. Anonymous counts change only when they are released. It reconnects for as long as
// the authority is unavailable, and continues with the then present statistics if they differ. An
// error is the last thing that it yields.
//
// Reasons: CAMPAIGN_NOT_FOUND, OVERLOADED.
func (c *Client) WatchCampaignStats(
	ctx context.Context, campaignID string, view StatsView,
) iter.Seq2[*CampaignStats, error] {
	nextRequest := func() *pb.WatchCampaignStatsRequest {
		return &pb.WatchCampaignStatsRequest{
			TenantId: c.tenantID, CampaignId: campaignID, View: pb.CampaignStatsView(view),
		}
	}
	return func(yield func(*CampaignStats, error) bool) {
		var latest *pb.CampaignStats
		for response, err := range stream(ctx, c.calls, c.stats.WatchCampaignStats, nextRequest) {
			if err != nil {
				yield(nil, err)
				return
			}
			if latest != nil && proto.Equal(latest, response.GetStats()) {
				continue
			}
			latest = response.GetStats()
			if !yield(campaignStats(latest), nil) {
				return
			}
		}
	}
}

// ListEngagedContacts returns the contacts that opened or clicked, in no particular order: only
// those whose mode is IDENTIFIED, at the event and now. It fetches pages on demand; an error is the
// last thing that it yields.
//
// Reasons: CAMPAIGN_NOT_FOUND, LINK_NOT_FOUND, PAGE_SIZE_INVALID.
func (c *Client) ListEngagedContacts(
	ctx context.Context, r ListEngagedContactsRequest,
) iter.Seq2[*EngagedContact, error] {
	fetch := func(pageToken string) (*pb.ListEngagedContactsResponse, error) {
		return unary(ctx, c.calls, c.stats.ListEngagedContacts, &pb.ListEngagedContactsRequest{
			TenantId:       c.tenantID,
			CampaignId:     r.CampaignID,
			Engagement:     pb.Engagement(r.Engagement),
			LinkNumber:     r.LinkNumber,
			IncludeMachine: r.IncludeMachine,
			PageSize:       r.PageSize,
			PageToken:      pageToken,
		})
	}
	return pages(fetch, (*pb.ListEngagedContactsResponse).GetContacts, engagedContact)
}

// ListGroupStats returns the statistics of a campaign's groups. It fetches pages on demand; if
// numbers change meanwhile, a list that is sorted by them can repeat or leave out a group. An error
// is the last thing that it yields.
//
// Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID.
func (c *Client) ListGroupStats(
	ctx context.Context, r ListStatsRequest,
) iter.Seq2[GroupStats, error] {
	fetch := func(pageToken string) (*pb.ListGroupStatsResponse, error) {
		return unary(ctx, c.calls, c.stats.ListGroupStats, &pb.ListGroupStatsRequest{
			TenantId:   c.tenantID,
			CampaignId: r.CampaignID,
			Filter:     r.Filter,
			OrderBy:    r.OrderBy,
			PageSize:   r.PageSize,
			PageToken:  pageToken,
		})
	}
	return pages(fetch, (*pb.ListGroupStatsResponse).GetGroups, groupStats)
}

// ListLinkStats returns the statistics of a campaign's links, like ListGroupStats.
//
// Reasons: CAMPAIGN_NOT_FOUND, FIELD_INVALID, PAGE_SIZE_INVALID.
func (c *Client) ListLinkStats(
	ctx context.Context, r ListStatsRequest,
) iter.Seq2[LinkStats, error] {
	fetch := func(pageToken string) (*pb.ListLinkStatsResponse, error) {
		return unary(ctx, c.calls, c.stats.ListLinkStats, &pb.ListLinkStatsRequest{
			TenantId:   c.tenantID,
			CampaignId: r.CampaignID,
			Filter:     r.Filter,
			OrderBy:    r.OrderBy,
			PageSize:   r.PageSize,
			PageToken:  pageToken,
		})
	}
	return pages(fetch, (*pb.ListLinkStatsResponse).GetLinks, linkStats)
}
