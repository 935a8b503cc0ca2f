// Tenants, policies and API keys. Require a key of role ADMIN.

package hushpost

import (
	"context"
	"iter"

	"google.golang.org/protobuf/types/known/fieldmaskpb"

	pb "hushpost/clients/go/hushpostv1"
)

// CreateTenant creates a tenant. Requires a key of the whole installation.
//
// Reasons: ID_INVALID, FIELD_INVALID, DOMAIN_INVALID, DOMAIN_NOT_FOUND, TENANT_ALREADY_EXISTS,
// TENANT_NOT_ALLOWED, REQUEST_ID_INVALID, REQUEST_ID_REUSED.
func (c *Client) CreateTenant(ctx context.Context, r CreateTenantRequest) (*Tenant, error) {
	policy, _ := policyUpdate(r.Policy)
	response, err := unary(ctx, c.calls, c.admin.CreateTenant, &pb.CreateTenantRequest{
		TenantId:    r.TenantID,
		DisplayName: r.DisplayName,
		Policy:      policy,
		RequestId:   requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return tenant(response.GetTenant()), nil
}

// GetTenant returns a tenant with its policy and anonymization job. An empty id means the tenant of
// the client ([WithTenant]) or of its key.
//
// Reasons: ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED.
func (c *Client) GetTenant(ctx context.Context, tenantID string) (*Tenant, error) {
	response, err := unary(ctx, c.calls, c.admin.GetTenant, &pb.GetTenantRequest{
		TenantId: c.tenantOr(tenantID),
	})
	if err != nil {
		return nil, err
	}
	return tenant(response.GetTenant()), nil
}

// ListTenants returns the tenants of the installation, sorted by id as bytes; with a key of one
// tenant, only that one. It fetches pages on demand; an error is the last thing that it yields.
//
// Reasons: PAGE_SIZE_INVALID.
func (c *Client) ListTenants(
	ctx context.Context, r ListTenantsRequest,
) iter.Seq2[*TenantSummary, error] {
	fetch := func(pageToken string) (*pb.ListTenantsResponse, error) {
		return unary(ctx, c.calls, c.admin.ListTenants, &pb.ListTenantsRequest{
			PageSize: r.PageSize, PageToken: pageToken,
		})
	}
	return pages(fetch, (*pb.ListTenantsResponse).GetTenants, tenantSummary)
}

// UpdatePolicy changes settings of a tenant's policy, and returns the tenant.
//
// A stricter policy applies to every event that is committed after the call; a job anonymizes earlier
// events, and GetTenant returns its progress. A looser policy applies to campaigns created afterwards.
//
// Reasons: ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED, UPDATE_MASK_INVALID (nothing to change),
// FIELD_INVALID, DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED, REQUEST_ID_INVALID,
// REQUEST_ID_REUSED.
func (c *Client) UpdatePolicy(ctx context.Context, r UpdatePolicyRequest) (*Tenant, error) {
	policy, mask := policyUpdate(r.Policy)
	response, err := unary(ctx, c.calls, c.admin.UpdatePolicy, &pb.UpdatePolicyRequest{
		TenantId:   c.tenantOr(r.TenantID),
		Policy:     policy,
		UpdateMask: &fieldmaskpb.FieldMask{Paths: mask},
		RequestId:  requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return tenant(response.GetTenant()), nil
}

// ListPolicyChanges returns the audit log of a tenant's policy, oldest entry first: when modes or
// releases changed, and by which API key. It fetches pages on demand; an error is the last thing that
// it yields.
//
// Reasons: ID_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED, PAGE_SIZE_INVALID.
func (c *Client) ListPolicyChanges(
	ctx context.Context, r ListPolicyChangesRequest,
) iter.Seq2[*PolicyChange, error] {
	fetch := func(pageToken string) (*pb.ListPolicyChangesResponse, error) {
		return unary(ctx, c.calls, c.admin.ListPolicyChanges, &pb.ListPolicyChangesRequest{
			TenantId: c.tenantOr(r.TenantID), PageSize: r.PageSize, PageToken: pageToken,
		})
	}
	return pages(fetch, (*pb.ListPolicyChangesResponse).GetChanges, policyChange)
}

// CreateAPIKey creates an API key. Only this call returns its secret.
//
// Reasons: ID_INVALID, FIELD_INVALID, TENANT_NOT_FOUND, TENANT_NOT_ALLOWED, REQUEST_ID_INVALID,
// REQUEST_ID_REUSED.
func (c *Client) CreateAPIKey(
	ctx context.Context, r CreateAPIKeyRequest,
) (*CreatedAPIKey, error) {
	response, err := unary(ctx, c.calls, c.admin.CreateApiKey, &pb.CreateApiKeyRequest{
		TenantId:      c.tenantOr(r.TenantID),
		Role:          pb.Role(r.Role),
		DisplayName:   r.DisplayName,
		EdgeTenantIds: r.EdgeTenantIDs,
		ExpireTime:    toTimestamp(r.ExpireTime),
		RequestId:     requestIDOrNew(r.RequestID),
	})
	if err != nil {
		return nil, err
	}
	return &CreatedAPIKey{
		APIKey: *toAPIKey(response.GetApiKey()), Secret: response.GetSecret(),
	}, nil
}

// ListAPIKeys returns API keys, oldest first, including revoked ones: the audit log of their creation
// and revocation. It fetches pages on demand; an error is the last thing that it yields.
//
// Reasons: PAGE_SIZE_INVALID, TENANT_NOT_ALLOWED.
func (c *Client) ListAPIKeys(
	ctx context.Context, r ListAPIKeysRequest,
) iter.Seq2[*APIKey, error] {
	fetch := func(pageToken string) (*pb.ListApiKeysResponse, error) {
		return unary(ctx, c.calls, c.admin.ListApiKeys, &pb.ListApiKeysRequest{
			TenantId: c.tenantOr(r.TenantID), PageSize: r.PageSize, PageToken: pageToken,
		})
	}
	return pages(fetch, (*pb.ListApiKeysResponse).GetApiKeys, toAPIKey)
}

// RevokeAPIKey revokes an API key permanently. All processes reject it within one second.
//
// Reasons: ID_INVALID, API_KEY_NOT_FOUND.
func (c *Client) RevokeAPIKey(ctx context.Context, keyID string) (*APIKey, error) {
	response, err := unary(ctx, c.calls, c.admin.RevokeApiKey, &pb.RevokeApiKeyRequest{KeyId: keyID})
	if err != nil {
		return nil, err
	}
	return toAPIKey(response.GetApiKey()), nil
}

// tenantOr returns the tenant of a request, or that of the client if the request names none.
func (c *Client) tenantOr(tenantID string) string {
	if tenantID != "" {
		return tenantID
	}
	return c.tenantID
}
