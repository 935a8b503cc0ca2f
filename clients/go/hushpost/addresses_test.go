// A target that leads to several authorities.

package hushpost

import (
	"testing"

	"google.golang.org/grpc"
	"google.golang.org/grpc/resolver"
	"google.golang.org/grpc/resolver/manual"
)

func TestCallsAreSpreadOverAllAddresses(t *testing.T) {
	one, other := start(t, nil), start(t, nil)
	addresses := manual.NewBuilderWithScheme("several")
	addresses.InitialState(resolver.State{
		Addresses: []resolver.Address{{Addr: one.target}, {Addr: other.target}},
	})
	client, err := NewClient(
		"several:///authorities", "hp_key", WithPlaintext(),
		WithDialOptions(grpc.WithResolvers(addresses)),
	)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()

	// The first calls may come before the second connection is there.
	for range 400 {
		if err := client.RecordOpen(t.Context(), Open{Token: "token"}); err != nil {
			t.Fatal(err)
		}
	}

	if fewer := min(len(one.requestIDs), len(other.requestIDs)); fewer < 40 {
		t.Errorf("one of them got only %d calls", fewer)
	}
}
