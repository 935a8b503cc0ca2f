// Retries of calls of administration.

package hushpost

import (
	"context"
	"errors"
	"testing"
	"time"
)

func TestWritesOfAdministrationAreRetriedWithTheSameRequestID(t *testing.T) {
	writes := map[string]func(context.Context, *Client) error{
		"CreateTenant": func(ctx context.Context, c *Client) error {
			_, err := c.CreateTenant(ctx, CreateTenantRequest{TenantID: "shop"})
			return err
		},
		"UpdatePolicy": func(ctx context.Context, c *Client) error {
			_, err := c.UpdatePolicy(ctx, UpdatePolicyRequest{Policy: PolicyUpdate{RetentionDays: new(int32(30))}})
			return err
		},
		"CreateAPIKey": func(ctx context.Context, c *Client) error {
			_, err := c.CreateAPIKey(ctx, CreateAPIKeyRequest{Role: RoleSender})
			return err
		},
		"AddTrackingDomain": func(ctx context.Context, c *Client) error {
			_, err := c.AddTrackingDomain(ctx, AddTrackingDomainRequest{Domain: "links.example"})
			return err
		},
		"RemoveTrackingDomain": func(ctx context.Context, c *Client) error {
			return c.RemoveTrackingDomain(ctx, RemoveTrackingDomainRequest{Domain: "links.example"})
		},
	}
	for name, write := range writes {
		t.Run(name, func(t *testing.T) {
			server := start(t, []error{unavailable})
			client, _ := server.client(t)

			if err := write(t.Context(), client); err != nil {
				t.Fatal(err)
			}

			sent := server.requestIDs
			if len(sent) != 2 || sent[0] == "" || sent[0] != sent[1] {
				t.Errorf("sent the request ids %q", sent)
			}
		})
	}
}

func TestCallsOfAdministrationWithoutRequestIDAreNotRetried(t *testing.T) {
	calls := map[string]func(context.Context, *Client) error{
		"RevokeAPIKey": func(ctx context.Context, c *Client) error {
			_, err := c.RevokeAPIKey(ctx, "key")
			return err
		},
		"CheckTrackingDomain": func(ctx context.Context, c *Client) error {
			_, err := c.CheckTrackingDomain(ctx, CheckTrackingDomainRequest{Domain: "links.example"})
			return err
		},
	}
	for name, call := range calls {
		t.Run(name, func(t *testing.T) {
			server := start(t, []error{unavailable})
			client, _ := server.client(t)

			err := call(t.Context(), client)

			if !errors.Is(err, ReasonDatabaseUnavailable) || server.reads != 1 {
				t.Errorf("%d tries, got %v", server.reads, err)
			}
		})
	}
}

func TestATenantHasTheProgressOfItsAnonymization(t *testing.T) {
	client, _ := start(t, nil).client(t)

	tenant, err := client.GetTenant(t.Context(), "shop")

	wanted := AnonymizationProgress{
		AnonymizedCount: 3, TotalCount: 10, StartTime: time.Unix(1_700_000_000, 0).UTC(),
	}
	if err != nil || tenant.Anonymization == nil || *tenant.Anonymization != wanted {
		t.Errorf("got %+v, %v", tenant, err)
	}
}
