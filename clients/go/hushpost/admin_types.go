// Tenants and their API keys.

package hushpost

import "time"

// A CreateTenantRequest describes a tenant to create.
type CreateTenantRequest struct {
	// TenantID has 1 to 64 lower-case letters, digits, hyphens and underscores, and starts with a
	// letter or digit.
	TenantID string
	// DisplayName is for people; at most 256 bytes.
	DisplayName string
	// Policy has the settings that differ from the default policy.
	Policy PolicyUpdate
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A ListTenantsRequest selects all tenants that the key administers.
type ListTenantsRequest struct {
	// PageSize is how many tenants to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// A CreateAPIKeyRequest describes an API key to create.
type CreateAPIKeyRequest struct {
	// TenantID is the tenant of the new key. Empty: that of the client ([WithTenant]) or of its key.
	// If neither has one, the new key has no tenant, as [RoleEdge] and an administrator of the whole
	// installation require.
	TenantID string
	// Role is what the new key may do.
	Role Role
	// DisplayName is for people; at most 256 bytes.
	DisplayName string
	// EdgeTenantIDs are the tenants that a key of [RoleEdge] is limited to, at most 1,000. Empty: all.
	EdgeTenantIDs []string
	// ExpireTime is when the key expires. The zero time: never.
	ExpireTime time.Time
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A ListAPIKeysRequest selects API keys.
type ListAPIKeysRequest struct {
	// TenantID selects the keys of one tenant. Empty: the tenant of the client ([WithTenant]) or of
	// its key; all tenants if neither has one.
	TenantID string
	// PageSize is how many keys to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// A Tenant is a customer of the installation.
type Tenant struct {
	TenantSummary
	// Policy is the policy in force.
	Policy Policy
	// Anonymization is the progress of the job that anonymizes events after the policy became
	// stricter; nil if there is no such job.
	Anonymization *AnonymizationProgress
}

// A TenantSummary is a tenant in a list.
type TenantSummary struct {
	// TenantID is the id of the tenant.
	TenantID string
	// DisplayName is for people; may be empty.
	DisplayName string
	// CreateTime is when the tenant was created, UTC.
	CreateTime time.Time
}

// AnonymizationProgress is how far a job is that anonymizes events.
type AnonymizationProgress struct {
	// AnonymizedCount is how many events have been anonymized.
	AnonymizedCount int64
	// TotalCount is how many identified events the tenant had when the job started: an upper limit,
	// because events of contacts who consented stay.
	TotalCount int64
	// StartTime is when the policy was changed, UTC.
	StartTime time.Time
}

// An APIKey is an API key without its secret.
type APIKey struct {
	// KeyID is the id of the key; not the secret.
	KeyID string
	// TenantID is the tenant; empty for keys of [RoleEdge] and for administrators of the whole
	// installation.
	TenantID string
	// Role is what the key may do.
	Role Role
	// DisplayName is for people; may be empty.
	DisplayName string
	// EdgeTenantIDs are the tenants that a key of [RoleEdge] is limited to, sorted; nil for all.
	EdgeTenantIDs []string
	// CreateTime is when the key was created, UTC.
	CreateTime time.Time
	// CreateActor is the id of the key that created it; "admin-key" if the command
	// "hushpost admin-key" did.
	CreateActor string
	// ExpireTime is when the key expires, UTC; the zero time for never.
	ExpireTime time.Time
	// LastUsedTime is the start of the last day, UTC, on which a call was made with the key; the zero
	// time if there was none. It is written about a minute after the call.
	LastUsedTime time.Time
	// RevokeTime is when the key was revoked, UTC; the zero time if it was not.
	RevokeTime time.Time
	// RevokeActor is the id of the key that revoked it; empty if it was not revoked.
	RevokeActor string
}

// A CreatedAPIKey is an API key that was just created. It hides the secret where it is printed, logged
// or encoded as JSON.
type CreatedAPIKey struct {
	APIKey
	// Secret is the key to pass to [NewClient]. The authority returns it only once: it is empty if an
	// earlier try of this call created the key and its response was lost. In that case, revoke the key
	// and create another.
	Secret string
}
