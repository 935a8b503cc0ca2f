// Custom tracking domains. Require a key of role ADMIN; SENDER and EDGE may list verified domains.

package hushpost

import (
	"context"
	"iter"

	pb "hushpost/clients/go/hushpostv1"
)

// AddTrackingDomain registers a domain, which is pending; its DNSRecords are what to create. A domain
// that the tenant has already is returned unchanged.
//
// Reasons: DOMAIN_INVALID, LIMIT_EXCEEDED, ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED,
// REQUEST_ID_INVALID, REQUEST_ID_REUSED.
func (c *Client) AddTrackingDomain(
	ctx context.Context, r AddTrackingDomainRequest,
) (*TrackingDomain, error) {
	response, err := unary(ctx, c.calls, c.domains.AddTrackingDomain, &pb.AddTrackingDomainRequest{
		TenantId:  c.tenantOr(r.TenantID),
		Domain:    r.Domain,
		RequestId: requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return trackingDomain(response.GetDomain()), nil
}

// CheckTrackingDomain lets the authority look up the TXT record of a domain, and verifies the domain.
// It takes up to 5 seconds.
//
// Reasons: DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED (metadata "cause"), DOMAIN_TAKEN,
// ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED, OVERLOADED.
func (c *Client) CheckTrackingDomain(
	ctx context.Context, r CheckTrackingDomainRequest,
) (*TrackingDomain, error) {
	response, err := unary(
		ctx, c.calls, c.domains.CheckTrackingDomain,
		&pb.CheckTrackingDomainRequest{TenantId: c.tenantOr(r.TenantID), Domain: r.Domain},
	)
	if err != nil {
		return nil, err
	}
	return trackingDomain(response.GetDomain()), nil
}

// ListTrackingDomains returns domains by tenant, and sorted by name. It fetches pages on demand; an
// error is the last thing that it yields.
//
// Reasons: ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED, PAGE_SIZE_INVALID.
func (c *Client) ListTrackingDomains(
	ctx context.Context, r ListTrackingDomainsRequest,
) iter.Seq2[*TrackingDomain, error] {
	fetch := func(pageToken string) (*pb.ListTrackingDomainsResponse, error) {
		return unary(
			ctx, c.calls, c.domains.ListTrackingDomains,
			&pb.ListTrackingDomainsRequest{
				TenantId: c.tenantOr(r.TenantID), PageSize: r.PageSize, PageToken: pageToken,
			},
		)
	}
	return pages(fetch, (*pb.ListTrackingDomainsResponse).GetDomains, trackingDomain)
}

// RemoveTrackingDomain removes a domain. Links in mail that was sent with it will stop working.
//
// Reasons: DOMAIN_INVALID, DOMAIN_NOT_FOUND, ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED,
// REQUEST_ID_INVALID, REQUEST_ID_REUSED.
func (c *Client) RemoveTrackingDomain(ctx context.Context, r RemoveTrackingDomainRequest) error {
	_, err := unary(
		ctx, c.calls, c.domains.RemoveTrackingDomain,
		&pb.RemoveTrackingDomainRequest{
			TenantId:  c.tenantOr(r.TenantID),
			Domain:    r.Domain,
			RequestId: requestIDOrNew(r.RequestID),
		},
	)
	return err
}
