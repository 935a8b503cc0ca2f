// The reasons for which the authority rejects calls.

package hushpost

// A Reason says why the authority rejected a call, or one item of a batch. It is an error, so that
// [errors.Is] compares a failed call with it. hushpost/v1/errors.proto documents each reason and its
// metadata. A newer authority can send others.
type Reason string

// Error returns the name of the reason.
func (r Reason) Error() string { return string(r) }

// About the API key.
const (
	ReasonAPIKeyMissing             Reason = "API_KEY_MISSING"
	ReasonAPIKeyInvalid             Reason = "API_KEY_INVALID"
	ReasonAPIKeyRevoked             Reason = "API_KEY_REVOKED"
	ReasonAPIKeyExpired             Reason = "API_KEY_EXPIRED"
	ReasonRoleNotAllowed            Reason = "ROLE_NOT_ALLOWED"
	ReasonTenantNotAllowed          Reason = "TENANT_NOT_ALLOWED"
	ReasonClientCertificateRequired Reason = "CLIENT_CERTIFICATE_REQUIRED"
)

// The request would fail at any time.
const (
	ReasonTokenInvalid      Reason = "TOKEN_INVALID"
	ReasonTokenKeyUnknown   Reason = "TOKEN_KEY_UNKNOWN"
	ReasonContactIDInvalid  Reason = "CONTACT_ID_INVALID"
	ReasonIDInvalid         Reason = "ID_INVALID"
	ReasonRequestIDInvalid  Reason = "REQUEST_ID_INVALID"
	ReasonBatchEmpty        Reason = "BATCH_EMPTY"
	ReasonBatchTooLarge     Reason = "BATCH_TOO_LARGE"
	ReasonEventTimeInFuture Reason = "EVENT_TIME_IN_FUTURE"
	ReasonEventTimeTooOld   Reason = "EVENT_TIME_TOO_OLD"
	ReasonPageSizeInvalid   Reason = "PAGE_SIZE_INVALID"
	ReasonPageTokenInvalid  Reason = "PAGE_TOKEN_INVALID"
	ReasonCursorInvalid     Reason = "CURSOR_INVALID"
	ReasonLinkURLInvalid    Reason = "LINK_URL_INVALID"
	ReasonFieldInvalid      Reason = "FIELD_INVALID"
	ReasonUpdateMaskInvalid Reason = "UPDATE_MASK_INVALID"
	ReasonDomainInvalid     Reason = "DOMAIN_INVALID"
	ReasonLimitExceeded     Reason = "LIMIT_EXCEEDED"
	ReasonIssueKeyInvalid   Reason = "ISSUE_KEY_INVALID"
	ReasonMessageInvalid    Reason = "MESSAGE_INVALID"
	ReasonMessageTooLarge   Reason = "MESSAGE_TOO_LARGE"
	ReasonMessageTimeout    Reason = "MESSAGE_TIMEOUT"
)

// Something does not exist.
const (
	ReasonTenantNotFound          Reason = "TENANT_NOT_FOUND"
	ReasonCampaignNotFound        Reason = "CAMPAIGN_NOT_FOUND"
	ReasonGroupNotFound           Reason = "GROUP_NOT_FOUND"
	ReasonLinkNotFound            Reason = "LINK_NOT_FOUND"
	ReasonAPIKeyNotFound          Reason = "API_KEY_NOT_FOUND"
	ReasonContactErased           Reason = "CONTACT_ERASED"
	ReasonCampaignMessageNotFound Reason = "CAMPAIGN_MESSAGE_NOT_FOUND"
	ReasonDomainNotFound          Reason = "DOMAIN_NOT_FOUND"
)

// The current state does not permit the call.
const (
	ReasonTenantAlreadyExists   Reason = "TENANT_ALREADY_EXISTS"
	ReasonCampaignAlreadyExists Reason = "CAMPAIGN_ALREADY_EXISTS"
	ReasonCampaignClosed        Reason = "CAMPAIGN_CLOSED"
	ReasonRequestIDReused       Reason = "REQUEST_ID_REUSED"
	ReasonIssueKeyRequired      Reason = "ISSUE_KEY_REQUIRED"
	ReasonLastOpensDisabled     Reason = "LAST_OPENS_DISABLED"
	ReasonDomainTaken           Reason = "DOMAIN_TAKEN"
	ReasonDomainNotVerified     Reason = "DOMAIN_NOT_VERIFIED"
)

// The authority cannot serve the call now.
const (
	ReasonOverloaded          Reason = "OVERLOADED"
	ReasonDatabaseUnavailable Reason = "DATABASE_UNAVAILABLE"
	ReasonShuttingDown        Reason = "SHUTTING_DOWN"
	ReasonInternal            Reason = "INTERNAL"
	ReasonDeadlineExceeded    Reason = "DEADLINE_EXCEEDED"
)
