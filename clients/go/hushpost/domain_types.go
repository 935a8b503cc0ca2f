// Custom tracking domains.

package hushpost

import "time"

// An AddTrackingDomainRequest names a domain to register.
type AddTrackingDomainRequest struct {
	// TenantID is the tenant. Empty: that of the client ([WithTenant]) or of its key.
	TenantID string
	// Domain has at least two labels, in any case, and may be in Unicode.
	Domain string
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A CheckTrackingDomainRequest names a domain to verify.
type CheckTrackingDomainRequest struct {
	// TenantID is the tenant. Empty: that of the client ([WithTenant]) or of its key.
	TenantID string
	// Domain is the name.
	Domain string
}

// A ListTrackingDomainsRequest selects domains.
type ListTrackingDomainsRequest struct {
	// TenantID selects the domains of one tenant. Empty: the tenant of the client ([WithTenant]) or of
	// its key; all tenants that the key is for if neither has one.
	TenantID string
	// PageSize is how many domains to fetch at once, at most 1,000; 0 means 100.
	PageSize int32
}

// A RemoveTrackingDomainRequest names a domain to remove.
type RemoveTrackingDomainRequest struct {
	// TenantID is the tenant. Empty: that of the client ([WithTenant]) or of its key.
	TenantID string
	// Domain is the name.
	Domain string
	// RequestID is a UUID that makes a repeated call count once. Empty: a new one.
	RequestID string
}

// A TrackingDomain is a name of a tenant that edges serve.
type TrackingDomain struct {
	// Domain is the name, in lower case and in ASCII.
	Domain string
	// TenantID is its tenant.
	TenantID string
	// CreateTime is when it was registered, UTC.
	CreateTime time.Time
	// CreateActor is the id of the API key that registered it.
	CreateActor string
	// VerifyTime is when it was verified, UTC; the zero time while it is pending.
	VerifyTime time.Time
	// IsDefault is whether it is the DefaultTrackingDomain of the tenant's policy.
	IsDefault bool
	// DNSRecords are the records that the tenant needs, and that must stay; nil for keys that do not
	// have the role ADMIN.
	DNSRecords []DNSRecord
}

// A DNSRecord is a DNS record to create.
type DNSRecord struct {
	// Name is the full name, without a dot at its end.
	Name string
	// Type is "TXT" or "CNAME".
	Type string
	// Value is the text of a TXT record, or the host that a CNAME record points to.
	Value string
}
