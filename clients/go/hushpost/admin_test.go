// Tenants and API keys, with a running authority.

package hushpost_test

import (
	"errors"
	"iter"
	"os"
	"reflect"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc/codes"

	"hushpost/clients/go/hushpost"
)

// newTenant creates a tenant, whose id is the one that is given.
func newTenant(t *testing.T, id string, policy hushpost.PolicyUpdate) *hushpost.Tenant {
	t.Helper()
	tenant, err := connect(t, "INSTALLATION").CreateTenant(t.Context(), hushpost.CreateTenantRequest{
		TenantID: id, DisplayName: "Näh", Policy: policy,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant
}

// newClient creates an API key and returns its id and a client with it.
func newClient(t *testing.T, request hushpost.CreateAPIKeyRequest) (string, *hushpost.Client) {
	t.Helper()
	created, err := connect(t, "INSTALLATION").CreateAPIKey(t.Context(), request)
	if err != nil {
		t.Fatal(err)
	}
	client, err := hushpost.NewClient(os.Getenv("HUSHPOST_TEST_AUTHORITY"), created.Secret)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { client.Close() })
	return created.KeyID, client
}

// all collects the items of a list.
func all[Item any](t *testing.T, list iter.Seq2[Item, error]) []Item {
	t.Helper()
	var items []Item
	for item, err := range list {
		if err != nil {
			t.Fatal(err)
		}
		items = append(items, item)
	}
	return items
}

func TestATenantIsCreatedReadAndListed(t *testing.T) {
	installation := connect(t, "INSTALLATION")
	newTenant(t, "go-first", hushpost.PolicyUpdate{})

	created := newTenant(t, "go-second", hushpost.PolicyUpdate{})

	if created.TenantID != "go-second" || created.DisplayName != "Näh" || created.Anonymization != nil ||
		time.Since(created.CreateTime).Abs() > 5*time.Minute {
		t.Errorf("created %+v", created)
	}
	if got, err := installation.GetTenant(t.Context(), "go-second"); err != nil || !reflect.DeepEqual(got, created) {
		t.Errorf("got %+v, %v", got, err)
	}
	listed := all(t, installation.ListTenants(t.Context(), hushpost.ListTenantsRequest{PageSize: 1}))
	if len(listed) < 3 || !slices.ContainsFunc(listed, func(tenant *hushpost.TenantSummary) bool {
		return *tenant == created.TenantSummary
	}) {
		t.Errorf("listed %d tenants without %+v", len(listed), created.TenantSummary)
	}
}

func TestAnAPIKeyIsCreatedUsedAndRevoked(t *testing.T) {
	installation := connect(t, "INSTALLATION")
	newTenant(t, "go-key-1", hushpost.PolicyUpdate{})
	newTenant(t, "go-key-2", hushpost.PolicyUpdate{})
	tenants, expires := []string{"go-key-1", "go-key-2"}, time.Now().Add(time.Hour).UTC().Truncate(time.Second)

	keyID, edge := newClient(t, hushpost.CreateAPIKeyRequest{
		Role: hushpost.RoleEdge, DisplayName: "Edge 1", EdgeTenantIDs: tenants, ExpireTime: expires,
	})
	all(t, edge.ListTrackingDomains(t.Context(), hushpost.ListTrackingDomainsRequest{}))
	revoked, err := installation.RevokeAPIKey(t.Context(), keyID)
	if err != nil {
		t.Fatal(err)
	}

	wanted := hushpost.APIKey{
		KeyID: keyID, Role: hushpost.RoleEdge, DisplayName: "Edge 1", EdgeTenantIDs: tenants, ExpireTime: expires,
		CreateTime: revoked.CreateTime, CreateActor: revoked.CreateActor,
		LastUsedTime: revoked.LastUsedTime, RevokeTime: revoked.RevokeTime, RevokeActor: revoked.CreateActor,
	}
	if !reflect.DeepEqual(*revoked, wanted) || revoked.CreateTime.IsZero() || revoked.CreateActor == "" ||
		revoked.RevokeTime.Before(revoked.CreateTime) {
		t.Errorf("revoked %+v", revoked)
	}
	listed := all(t, installation.ListAPIKeys(t.Context(), hushpost.ListAPIKeysRequest{PageSize: 2}))
	if !slices.ContainsFunc(listed, func(key *hushpost.APIKey) bool {
		return key.KeyID == keyID && key.RevokeTime.Equal(revoked.RevokeTime)
	}) {
		t.Errorf("key %s is not among the %d listed", keyID, len(listed))
	}
	for _, err := range edge.ListTrackingDomains(t.Context(), hushpost.ListTrackingDomainsRequest{}) {
		var failed *hushpost.Error
		if !errors.As(err, &failed) || failed.Code != codes.Unauthenticated {
			t.Errorf("got %v", err)
		}
	}
}

func TestTheKeyOfATenantManagesThatTenantOnly(t *testing.T) {
	tenant := newTenant(t, "go-own", hushpost.PolicyUpdate{})
	_, admin := newClient(t, hushpost.CreateAPIKeyRequest{TenantID: "go-own", Role: hushpost.RoleAdmin})

	if got, err := admin.GetTenant(t.Context(), ""); err != nil || !reflect.DeepEqual(got, tenant) {
		t.Errorf("got %+v, %v", got, err)
	}
	tenants := all(t, admin.ListTenants(t.Context(), hushpost.ListTenantsRequest{}))
	if len(tenants) != 1 || *tenants[0] != tenant.TenantSummary {
		t.Errorf("listed %+v", tenants)
	}
	created, err := admin.CreateAPIKey(t.Context(), hushpost.CreateAPIKeyRequest{Role: hushpost.RoleReporter})
	if err != nil || created.TenantID != "go-own" || created.Role != hushpost.RoleReporter {
		t.Errorf("created %+v, %v", created.APIKey, err)
	}
	keys := all(t, admin.ListAPIKeys(t.Context(), hushpost.ListAPIKeysRequest{}))
	if len(keys) != 2 || keys[0].TenantID != "go-own" || keys[1].KeyID != created.KeyID {
		t.Errorf("listed %+v", keys)
	}
	_, err = admin.CreateTenant(t.Context(), hushpost.CreateTenantRequest{TenantID: "go-other"})
	if !errors.Is(err, hushpost.ReasonTenantNotAllowed) {
		t.Errorf("got %v", err)
	}
}

func TestTheTenantOfTheClientIsThatOfCallsThatNameNone(t *testing.T) {
	newTenant(t, "go-named", hushpost.PolicyUpdate{})
	newTenant(t, "go-unnamed", hushpost.PolicyUpdate{})
	installation := connect(t, "INSTALLATION", hushpost.WithTenant("go-unnamed"))

	for id, wanted := range map[string]string{"": "go-unnamed", "go-named": "go-named"} {
		if got, err := installation.GetTenant(t.Context(), id); err != nil || got.TenantID != wanted {
			t.Errorf("got %+v, %v instead of %s", got, err, wanted)
		}
	}
}

func TestARepeatedAPIKeyIsCreatedOnceWithoutItsSecret(t *testing.T) {
	newTenant(t, "go-once", hushpost.PolicyUpdate{})
	installation := connect(t, "INSTALLATION")
	request := hushpost.CreateAPIKeyRequest{
		TenantID: "go-once", Role: hushpost.RoleReporter, RequestID: requestID,
	}

	first, err := installation.CreateAPIKey(t.Context(), request)
	if err != nil || first.Secret == "" {
		t.Fatal(err)
	}
	second, err := installation.CreateAPIKey(t.Context(), request)
	if err != nil || second.Secret != "" || second.KeyID != first.KeyID {
		t.Errorf("got %+v, %v", second, err)
	}
	request.Role = hushpost.RoleSender
	if _, err := installation.CreateAPIKey(t.Context(), request); !errors.Is(err, hushpost.ReasonRequestIDReused) {
		t.Errorf("got %v", err)
	}
}

func TestErrorsOfAdministrationHaveReasons(t *testing.T) {
	installation := connect(t, "INSTALLATION")
	newTenant(t, "go-errors", hushpost.PolicyUpdate{})
	update := func(policy hushpost.PolicyUpdate) error {
		request := hushpost.UpdatePolicyRequest{TenantID: "go-errors", Policy: policy}
		_, err := installation.UpdatePolicy(t.Context(), request)
		return err
	}

	if _, err := installation.GetTenant(t.Context(), "missing"); !errors.Is(err, hushpost.ReasonTenantNotFound) {
		t.Errorf("got %v", err)
	}
	if _, err := installation.RevokeAPIKey(t.Context(), "999999999"); !errors.Is(err, hushpost.ReasonAPIKeyNotFound) {
		t.Errorf("got %v", err)
	}
	if err := update(hushpost.PolicyUpdate{}); !errors.Is(err, hushpost.ReasonUpdateMaskInvalid) {
		t.Errorf("got %v", err)
	}
	if err := update(hushpost.PolicyUpdate{RetentionDays: new(int32)}); !errors.Is(err, hushpost.ReasonFieldInvalid) {
		t.Errorf("got %v", err)
	}
}
