// The API key as credentials of each call.

package hushpost

import "context"

type keyCredentials struct {
	apiKey    string
	encrypted bool
}

// GetRequestMetadata returns the header that authenticates a call.
func (k *keyCredentials) GetRequestMetadata(context.Context, ...string) (map[string]string, error) {
	return map[string]string{"authorization": "Bearer " + k.apiKey}, nil
}

// RequireTransportSecurity makes gRPC refuse a connection in clear text, unless that is what the
// caller chose or the target is on this machine.
func (k *keyCredentials) RequireTransportSecurity() bool {
	return k.encrypted
}
