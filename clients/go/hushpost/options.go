// The options of a client: encryption, timeout, retries.

package hushpost

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"math"
	"net"
	"net/netip"
	"slices"
	"strings"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/backoff"
	"google.golang.org/grpc/credentials"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/keepalive"
)

const (
	defaultTimeout = 10 * time.Second

	// Detects a dead peer within 80 seconds, even while a stream is silent; that is below the
	// idle timeouts of common load balancers.
	keepaliveTime    = 60 * time.Second
	keepaliveTimeout = 20 * time.Second

	// gRPC's defaults are one second and two minutes, too long to notice the end of an outage:
	// calls fail until the channel tries to connect again.
	initialReconnect = 100 * time.Millisecond
	maxReconnect     = time.Second
	connectTimeout   = 20 * time.Second
)

// An Option changes a setting of a client. An invalid one is an error of [NewClient].
type Option func(*settings) error

type settings struct {
	encrypted bool
	tls       *tls.Config
	timeout   time.Duration
	retry     RetryPolicy
	tenantID  string
	dial      []grpc.DialOption
}

// WithRootCertificates encrypts, and trusts only the given certificate authorities, PEM encoded.
func WithRootCertificates(pem []byte) Option {
	return func(s *settings) error {
		roots := x509.NewCertPool()
		if !roots.AppendCertsFromPEM(pem) {
			return errors.New("there is no PEM encoded certificate among the root certificates")
		}
		s.tls.RootCAs = roots
		s.encrypted = true
		return nil
	}
}

// WithTLS encrypts with a configuration of your own, for example with a client certificate.
func WithTLS(config *tls.Config) Option {
	return func(s *settings) error {
		if config == nil {
			return errors.New("the TLS configuration is nil")
		}
		s.tls = config.Clone()
		s.encrypted = true
		return nil
	}
}

// WithPlaintext does not encrypt, so that everyone on the way can read the API key. Use it for
// targets on other machines only if something else encrypts, such as a service mesh.
func WithPlaintext() Option {
	return func(s *settings) error {
		s.encrypted = false
		return nil
	}
}

// WithTimeout sets how long a call may take including retries, if its context has no deadline. The
// default is ten seconds. Streams have no timeout.
func WithTimeout(timeout time.Duration) Option {
	return func(s *settings) error {
		if timeout <= 0 {
			return errors.New("the timeout must be positive")
		}
		s.timeout = timeout
		return nil
	}
}

// WithRetry sets how to retry calls while the authority is unavailable.
func WithRetry(policy RetryPolicy) Option {
	return func(s *settings) error {
		s.retry = policy
		return policy.validate()
	}
}

// WithTenant names the tenant in each request. If it is not the tenant of the API key, calls fail
// with [ReasonTenantNotAllowed], which protects against mixed-up keys. With a key of the whole
// installation, it is the tenant of calls that name none.
func WithTenant(tenantID string) Option {
	return func(s *settings) error {
		s.tenantID = tenantID
		return nil
	}
}

// WithDialOptions adds options of gRPC, such as an interceptor for traces.
func WithDialOptions(options ...grpc.DialOption) Option {
	return func(s *settings) error {
		s.dial = append(s.dial, options...)
		return nil
	}
}

func defaults(target string) settings {
	return settings{
		encrypted: !isLoopback(target),
		tls:       &tls.Config{MinVersion: tls.VersionTLS12},
		timeout:   defaultTimeout,
		retry:     DefaultRetryPolicy(),
	}
}

func (s *settings) transport() credentials.TransportCredentials {
	if s.encrypted {
		return credentials.NewTLS(s.tls)
	}
	return insecure.NewCredentials()
}

func (s *settings) dialOptions(apiKey string) []grpc.DialOption {
	return slices.Concat([]grpc.DialOption{
		grpc.WithTransportCredentials(s.transport()),
		// A pointer, so that a connection that is printed does not show the key.
		grpc.WithPerRPCCredentials(&keyCredentials{apiKey: apiKey, encrypted: s.encrypted}),
		grpc.WithUserAgent("hushpost-go"),
		// Retries are those of this package, not of a configuration in DNS.
		grpc.WithDisableServiceConfig(),
		// Uses all authorities that a name leads to, and not only the first that answers.
		grpc.WithDefaultServiceConfig(`{"loadBalancingConfig": [{"round_robin": {}}]}`),
		grpc.WithKeepaliveParams(keepalive.ClientParameters{
			Time: keepaliveTime, Timeout: keepaliveTimeout, PermitWithoutStream: true,
		}),
		grpc.WithConnectParams(grpc.ConnectParams{
			Backoff: backoff.Config{
				BaseDelay: initialReconnect, Multiplier: 1.6, Jitter: 0.2, MaxDelay: maxReconnect,
			},
			MinConnectTimeout: connectTimeout,
		}),
		// A campaign may have 10,000 links of 8,192 bytes, more than gRPC's default of 4 MiB.
		// The authority limits the size of its responses itself.
		grpc.WithDefaultCallOptions(grpc.MaxCallRecvMsgSize(math.MaxInt32)),
	}, s.dial)
}

// isLoopback reports whether a target never leaves this machine. In doubt it does, so that the
// connection is encrypted.
func isLoopback(target string) bool {
	if strings.HasPrefix(target, "unix:") || strings.HasPrefix(target, "unix-abstract:") {
		return true
	}
	host, _, err := net.SplitHostPort(target)
	if err != nil {
		host = strings.Trim(target, "[]")
	}
	if strings.EqualFold(host, "localhost") {
		return true
	}
	address, err := netip.ParseAddr(host)
	return err == nil && address.IsLoopback()
}
