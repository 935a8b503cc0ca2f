// Tracking domains, with a running authority, whose DNS has the TXT record of one pending domain.

package hushpost_test

import (
	"errors"
	"os"
	"reflect"
	"strings"
	"testing"

	"hushpost/clients/go/hushpost"
)

func TestADomainIsRegisteredOnceAndRemoved(t *testing.T) {
	admin := connect(t, "ADMIN")
	own, err := admin.GetTenant(t.Context(), "")
	if err != nil {
		t.Fatal(err)
	}

	added, err := admin.AddTrackingDomain(t.Context(), hushpost.AddTrackingDomainRequest{
		Domain: "Links.Bücher.example",
	})
	if err != nil {
		t.Fatal(err)
	}

	const ascii = "links.xn--bcher-kva.example"
	if added.Domain != ascii || added.TenantID != own.TenantID || added.CreateTime.IsZero() ||
		added.CreateActor == "" || !added.VerifyTime.IsZero() || added.IsDefault || len(added.DNSRecords) != 2 {
		t.Fatalf("added %+v", added)
	}
	text, alias := added.DNSRecords[0], added.DNSRecords[1]
	if text.Name != "_hushpost."+ascii || text.Type != "TXT" || !strings.HasPrefix(text.Value, "hushpost-domain=") {
		t.Errorf("the record is %+v", text)
	}
	if alias != (hushpost.DNSRecord{Name: ascii, Type: "CNAME", Value: "edge.example"}) {
		t.Errorf("the record is %+v", alias)
	}
	again, err := admin.AddTrackingDomain(t.Context(), hushpost.AddTrackingDomainRequest{Domain: ascii})
	if err != nil || !reflect.DeepEqual(again, added) {
		t.Errorf("got %+v, %v", again, err)
	}
	removal := hushpost.RemoveTrackingDomainRequest{Domain: ascii}
	if err := admin.RemoveTrackingDomain(t.Context(), removal); err != nil {
		t.Fatal(err)
	}
	if err := admin.RemoveTrackingDomain(t.Context(), removal); !errors.Is(err, hushpost.ReasonDomainNotFound) {
		t.Errorf("got %v", err)
	}
}

func TestADomainIsVerifiedByItsRecordAndIsTheDefault(t *testing.T) {
	admin, sender := connect(t, "ADMIN"), connect(t, "SENDER")
	proven := os.Getenv("HUSHPOST_TEST_PROVEN_DOMAIN")
	pending := hushpost.AddTrackingDomainRequest{Domain: "pending.example"}
	if _, err := admin.AddTrackingDomain(t.Context(), pending); err != nil {
		t.Fatal(err)
	}

	_, err := admin.CheckTrackingDomain(t.Context(), hushpost.CheckTrackingDomainRequest{Domain: pending.Domain})
	var failed *hushpost.Error
	if !errors.As(err, &failed) || failed.Reason != hushpost.ReasonDomainNotVerified ||
		failed.Metadata["cause"] != "NO_RECORD" {
		t.Errorf("got %#v", err)
	}
	verified, err := admin.CheckTrackingDomain(t.Context(), hushpost.CheckTrackingDomainRequest{Domain: proven})
	if err != nil || verified.VerifyTime.Before(verified.CreateTime) {
		t.Fatal(verified, err)
	}
	changed, err := admin.UpdatePolicy(t.Context(), hushpost.UpdatePolicyRequest{
		Policy: hushpost.PolicyUpdate{DefaultTrackingDomain: &proven},
	})
	if err != nil || changed.Policy.DefaultTrackingDomain != proven {
		t.Fatal(changed, err)
	}

	listed := all(t, admin.ListTrackingDomains(t.Context(), hushpost.ListTrackingDomainsRequest{PageSize: 1}))
	if len(listed) != 2 || listed[0].Domain != pending.Domain || listed[0].IsDefault ||
		listed[1].Domain != proven || !listed[1].IsDefault {
		t.Fatalf("listed %+v", listed)
	}
	wanted := *listed[1]
	wanted.DNSRecords = nil
	shown := all(t, sender.ListTrackingDomains(t.Context(), hushpost.ListTrackingDomainsRequest{}))
	if len(shown) != 1 || !reflect.DeepEqual(*shown[0], wanted) {
		t.Errorf("the sender sees %+v", shown)
	}
	changed, err = admin.UpdatePolicy(t.Context(), hushpost.UpdatePolicyRequest{
		Policy: hushpost.PolicyUpdate{DefaultTrackingDomain: new("")},
	})
	if err != nil || changed.Policy.DefaultTrackingDomain != "" {
		t.Error(changed, err)
	}
	for _, domain := range []string{pending.Domain, proven} {
		removal := hushpost.RemoveTrackingDomainRequest{Domain: domain}
		if err := admin.RemoveTrackingDomain(t.Context(), removal); err != nil {
			t.Error(err)
		}
	}
}

func TestARepeatedChangeOfDomainsCountsOnce(t *testing.T) {
	newTenant(t, "go-domains", hushpost.PolicyUpdate{})
	installation := connect(t, "INSTALLATION")
	addition := hushpost.AddTrackingDomainRequest{
		TenantID: "go-domains", Domain: "once.example", RequestID: requestID,
	}
	removal := hushpost.RemoveTrackingDomainRequest{
		TenantID: "go-domains", Domain: "once.example", RequestID: "7a4c2b1e-93d5-4f68-8b0a-1c2d3e4f5a6b",
	}

	if _, err := installation.AddTrackingDomain(t.Context(), addition); err != nil {
		t.Fatal(err)
	}
	addition.Domain = "twice.example"
	if _, err := installation.AddTrackingDomain(t.Context(), addition); !errors.Is(err, hushpost.ReasonRequestIDReused) {
		t.Errorf("got %v", err)
	}
	for range 2 {
		if err := installation.RemoveTrackingDomain(t.Context(), removal); err != nil {
			t.Error(err)
		}
	}
}

func TestErrorsOfDomainsHaveReasons(t *testing.T) {
	admin, sender := connect(t, "ADMIN"), connect(t, "SENDER")

	_, err := admin.AddTrackingDomain(t.Context(), hushpost.AddTrackingDomainRequest{Domain: "localhost"})
	if !errors.Is(err, hushpost.ReasonDomainInvalid) {
		t.Errorf("got %v", err)
	}
	_, err = sender.AddTrackingDomain(t.Context(), hushpost.AddTrackingDomainRequest{Domain: "mine.example"})
	if !errors.Is(err, hushpost.ReasonRoleNotAllowed) {
		t.Errorf("got %v", err)
	}
}
