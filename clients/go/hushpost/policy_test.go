// Policies and their updates, with a running authority.

package hushpost_test

import (
	"encoding/base64"
	"reflect"
	"testing"
	"time"

	"hushpost/clients/go/hushpost"
)

const png = "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=="

// everySetting differs from the default policy in each setting.
var everySetting = hushpost.PolicyUpdate{
	AnonymizationEnabled: new(false),
	OpensModes:           hushpost.ConsentModes{WhenUnknown: hushpost.ModeAggregate, WhenDenied: hushpost.ModeOff},
	ClicksModes:          hushpost.ConsentModes{WhenWithdrawn: hushpost.ModeAggregate},
	HistoryWhenTrue:      hushpost.HistoryKeep,
	RetentionDays:        new(int32(30)),
	Release:              hushpost.ReleaseNoisy,
	Epsilon:              new(0.5),
	ReleaseDelays:        []time.Duration{24 * time.Hour, 7 * 24 * time.Hour},
	MaxAnonymousMessages: new(int32(7)),
	ReaskAfterDays:       new(int32(90)),
	RecordLastOpens:      new(true),
}

// everySettingOf is the policy that everySetting makes of the default one.
var everySettingOf = hushpost.Policy{
	OpensModes: hushpost.ConsentModes{
		WhenUnknown:   hushpost.ModeAggregate,
		WhenDenied:    hushpost.ModeOff,
		WhenWithdrawn: hushpost.ModeAnonymous,
	},
	ClicksModes: hushpost.ConsentModes{
		WhenUnknown:   hushpost.ModeIdentified,
		WhenDenied:    hushpost.ModeAnonymous,
		WhenWithdrawn: hushpost.ModeAggregate,
	},
	ModeWhenTrue:         hushpost.ModeOff,
	ModeWhenUnset:        hushpost.ModeAggregate,
	HistoryWhenTrue:      hushpost.HistoryKeep,
	RetentionDays:        30,
	Release:              hushpost.ReleaseNoisy,
	Epsilon:              0.5,
	ReleaseDelays:        []time.Duration{24 * time.Hour, 7 * 24 * time.Hour},
	MaxAnonymousMessages: 7,
	ReaskAfterDays:       90,
	RecordLastOpens:      true,
}

// update changes the policy of a tenant and returns the new one.
func update(t *testing.T, tenantID string, changes hushpost.PolicyUpdate) hushpost.Policy {
	t.Helper()
	tenant, err := connect(t, "INSTALLATION").UpdatePolicy(t.Context(), hushpost.UpdatePolicyRequest{
		TenantID: tenantID, Policy: changes,
	})
	if err != nil {
		t.Fatal(err)
	}
	return tenant.Policy
}

func TestATenantIsCreatedWithAPolicy(t *testing.T) {
	created := newTenant(t, "go-policy", everySetting)

	if !reflect.DeepEqual(created.Policy, everySettingOf) {
		t.Errorf("the policy is %+v", created.Policy)
	}
}

func TestEverySettingCanBeUpdated(t *testing.T) {
	newTenant(t, "go-every", hushpost.PolicyUpdate{})

	if updated := update(t, "go-every", everySetting); !reflect.DeepEqual(updated, everySettingOf) {
		t.Errorf("the policy is %+v", updated)
	}
	modes := hushpost.PolicyUpdate{ModeWhenTrue: hushpost.ModeAggregate, ModeWhenUnset: hushpost.ModeOff}
	wanted := hushpost.ConsentModes{
		WhenUnknown: hushpost.ModeOff, WhenDenied: hushpost.ModeAggregate, WhenWithdrawn: hushpost.ModeAggregate,
	}
	if updated := update(t, "go-every", modes); updated.OpensModes != wanted || updated.ClicksModes != wanted {
		t.Errorf("the policy is %+v", updated)
	}
}

func TestAnUpdateChangesOnlyTheSettingsThatItHas(t *testing.T) {
	installation := connect(t, "INSTALLATION")
	created := newTenant(t, "go-update", everySetting)

	updated, err := installation.UpdatePolicy(t.Context(), hushpost.UpdatePolicyRequest{
		TenantID: "go-update",
		Policy: hushpost.PolicyUpdate{
			RetentionDays: new(int32(20)),
			ClicksModes:   hushpost.ConsentModes{WhenDenied: hushpost.ModeOff},
		},
	})
	if err != nil {
		t.Fatal(err)
	}

	wanted := created.Policy
	wanted.RetentionDays, wanted.ClicksModes.WhenDenied = 20, hushpost.ModeOff
	if !reflect.DeepEqual(updated.Policy, wanted) {
		t.Errorf("the policy is %+v", updated.Policy)
	}
	log := hushpost.ListPolicyChangesRequest{TenantID: "go-update", PageSize: 1}
	changes := all(t, installation.ListPolicyChanges(t.Context(), log))
	if len(changes) != 2 || !reflect.DeepEqual(changes[0].Policy, created.Policy) ||
		!reflect.DeepEqual(changes[1].Policy, updated.Policy) {
		t.Fatalf("the changes are %+v", changes)
	}
	if changes[0].Version != 1 || changes[1].Version != 2 || changes[1].Actor == "" ||
		!changes[1].ChangeTime.After(created.CreateTime) {
		t.Errorf("the last change is %+v", changes[1])
	}
}

func TestBrandingIsSetAndRemovedFieldByField(t *testing.T) {
	newTenant(t, "go-branding", hushpost.PolicyUpdate{})
	logo, err := base64.StdEncoding.DecodeString(png)
	if err != nil {
		t.Fatal(err)
	}
	hello := []hushpost.LocalizedText{{Language: "de", Text: "Hallo"}, {Language: "en", Text: "Hello"}}

	set := update(t, "go-branding", hushpost.PolicyUpdate{Branding: hushpost.PageBrandingUpdate{
		AccentColor:      new("#336699"),
		Logo:             logo,
		ImprintURL:       new("https://shop.example.com/imprint"),
		PrivacyPolicyURL: new("https://shop.example.com/privacy"),
		Intro:            hello,
		DefaultLanguage:  new("de"),
	}})
	left := update(t, "go-branding", hushpost.PolicyUpdate{Branding: hushpost.PageBrandingUpdate{
		AccentColor: new(""), Logo: []byte{}, Intro: []hushpost.LocalizedText{},
	}})

	wanted := hushpost.PageBranding{
		ImprintURL:       "https://shop.example.com/imprint",
		PrivacyPolicyURL: "https://shop.example.com/privacy",
		DefaultLanguage:  "de",
	}
	if len(left.Branding.Logo) != 0 {
		t.Errorf("the logo is left: %v", left.Branding.Logo)
	}
	left.Branding.Logo = nil
	if !reflect.DeepEqual(left.Branding, wanted) {
		t.Errorf("left %+v", left.Branding)
	}
	wanted.AccentColor, wanted.Logo, wanted.LogoMediaType, wanted.Intro = "#336699", logo, "image/png", hello
	if !reflect.DeepEqual(set.Branding, wanted) {
		t.Errorf("set %+v", set.Branding)
	}
}

func TestAPolicyThatBecameStricterAnonymizesPastEvents(t *testing.T) {
	installation := connect(t, "INSTALLATION")
	newTenant(t, "go-strict", hushpost.PolicyUpdate{})
	_, sender := newClient(t, hushpost.CreateAPIKeyRequest{TenantID: "go-strict", Role: hushpost.RoleSender})
	_, reporter := newClient(t, hushpost.CreateAPIKeyRequest{TenantID: "go-strict", Role: hushpost.RoleReporter})
	create(t, sender, "before")
	token := issue(t, sender, "before", "ann")[0].Token
	if err := connect(t, "EDGE").RecordOpen(t.Context(), hushpost.Open{Token: token}); err != nil {
		t.Fatal(err)
	}

	tenant, err := installation.UpdatePolicy(t.Context(), hushpost.UpdatePolicyRequest{
		TenantID: "go-strict", Policy: hushpost.PolicyUpdate{ModeWhenUnset: hushpost.ModeAnonymous},
	})
	if err != nil || tenant.Anonymization == nil {
		t.Fatal(tenant, err)
	}
	for tenant.Anonymization != nil {
		if tenant, err = installation.GetTenant(t.Context(), "go-strict"); err != nil {
			t.Fatal(err)
		}
	}

	stats, err := reporter.GetCampaignStats(t.Context(), "before", hushpost.StatsSummary)
	if err != nil || stats.Opens.Human.Identified.Total != 0 {
		t.Errorf("got %+v, %v", stats, err)
	}
}
