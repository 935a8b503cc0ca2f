// The client: one connection, one API key.

package hushpost

import (
	"errors"
	"fmt"

	"google.golang.org/grpc"

	pb "hushpost/clients/go/hushpostv1"
)

// A Client calls one authority with one API key. Create it with [NewClient].
type Client struct {
	conn     *grpc.ClientConn
	calls    *calls
	tenantID string

	tracking    pb.TrackingServiceClient
	preferences pb.PreferenceServiceClient
	campaigns   pb.CampaignServiceClient
	stats       pb.StatsServiceClient
	admin       pb.AdminServiceClient
	domains     pb.DomainServiceClient
}

// NewClient returns a client, which connects at its first call and reconnects after a break.
//
// The target is "host:port", or "unix:path" for a Unix socket. The API key is the secret, "hp_…".
// The connection is encrypted, and the server's certificate is checked against the roots of the
// system, unless the target is a loopback address or a Unix socket; see [WithRootCertificates],
// [WithTLS] and [WithPlaintext]. An API key never leaves the machine in clear text unless
// [WithPlaintext] permits it.
func NewClient(target, apiKey string, options ...Option) (*Client, error) {
	if apiKey == "" {
		return nil, errors.New("hushpost: the API key is empty")
	}
	chosen := defaults(target)
	for _, option := range options {
		if err := option(&chosen); err != nil {
			return nil, fmt.Errorf("hushpost: %w", err)
		}
	}
	conn, err := grpc.NewClient(target, chosen.dialOptions(apiKey)...)
	if err != nil {
		return nil, fmt.Errorf("hushpost: %w", err)
	}
	return &Client{
		conn:        conn,
		calls:       newCalls(chosen.timeout, chosen.retry),
		tenantID:    chosen.tenantID,
		tracking:    pb.NewTrackingServiceClient(conn),
		preferences: pb.NewPreferenceServiceClient(conn),
		campaigns:   pb.NewCampaignServiceClient(conn),
		stats:       pb.NewStatsServiceClient(conn),
		admin:       pb.NewAdminServiceClient(conn),
		domains:     pb.NewDomainServiceClient(conn),
	}, nil
}

// Conn returns the connection, for RPCs that this package has no method for. It adds the API key
// to each call, but neither timeouts nor retries nor request ids:
//
//	tracking := hushpostv1.NewTrackingServiceClient(client.Conn())
func (c *Client) Conn() grpc.ClientConnInterface {
	return c.conn
}

// Close closes the connection and ends the calls in progress.
func (c *Client) Close() error {
	c.calls.closed.Store(true)
	return c.conn.Close()
}
