// Encryption: what is sent in clear text, and whom a client trusts.

package hushpost

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"slices"
	"testing"
	"time"

	"google.golang.org/grpc"
	"google.golang.org/grpc/credentials"
)

func TestTheKeyIsSentWithEachCall(t *testing.T) {
	server := start(t, []error{unavailable})
	client, _ := server.client(t)

	if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(server.authorizations, []string{"Bearer hp_key", "Bearer hp_key"}) {
		t.Errorf("sent %q", server.authorizations)
	}
}

func TestAKeyLeavesTheMachineOnlyEncrypted(t *testing.T) {
	server := start(t, nil)
	// gRPC connects to the server, but the client cannot know that it is on this machine.
	elsewhere := "passthrough:///" + server.target

	client, err := NewClient(elsewhere, "hp_key", WithRetry(RetryPolicy{MaxTries: 1}))
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err == nil {
		t.Error("a server without encryption is accepted")
	}
	if len(server.requestIDs) != 0 {
		t.Error("the call arrived")
	}

	permitted, err := NewClient(elsewhere, "hp_key", WithPlaintext())
	if err != nil {
		t.Fatal(err)
	}
	defer permitted.Close()
	if err := permitted.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
		t.Error(err)
	}
}

func TestLoopbackIsRecognized(t *testing.T) {
	for target, want := range map[string]bool{
		"localhost:50051":      true,
		"LOCALHOST:50051":      true,
		"127.0.0.1:50051":      true,
		"127.9.9.9:50051":      true,
		"[::1]:50051":          true,
		"[::1]":                true,
		"unix:/run/hushpost":   true,
		"unix-abstract:name":   true,
		"authority:50051":      false,
		"localhost.example":    false,
		"127.0.0.1.example:80": false,
		"10.0.0.1:50051":       false,
		"0.0.0.0:50051":        false,
		"dns:///localhost:1":   false,
		"":                     false,
	} {
		if isLoopback(target) != want {
			t.Errorf("%q: %v instead of %v", target, !want, want)
		}
	}
}

func TestAServerNeedsACertificateOfATrustedAuthority(t *testing.T) {
	certificate, root := selfSigned(t)
	_, other := selfSigned(t)
	server := start(t, nil, grpc.Creds(credentials.NewServerTLSFromCert(&certificate)))

	trusting, _ := server.client(t, WithRootCertificates(root))
	if err := trusting.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
		t.Error(err)
	}
	distrusting, _ := server.client(
		t, WithRootCertificates(other), WithRetry(RetryPolicy{MaxTries: 1}),
	)
	if err := distrusting.RecordOpen(t.Context(), Open{Token: "token"}); err == nil {
		t.Error("an unknown certificate is accepted")
	}
	if len(server.requestIDs) != 1 {
		t.Errorf("%d calls arrived", len(server.requestIDs))
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for name, option := range map[string]Option{
		"no certificate": WithRootCertificates([]byte("hp_")),
		"no TLS":         WithTLS(nil),
		"no time":        WithTimeout(0),
	} {
		if _, err := NewClient("localhost:1", "hp_key", option); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if _, err := NewClient("localhost:1", ""); err == nil {
		t.Error("an empty API key is accepted")
	}
}

// selfSigned returns a certificate for 127.0.0.1, and the same as PEM.
func selfSigned(t *testing.T) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1),
		IPAddresses:  []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		IsCA:         true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, root
}
