// Request ids: the idempotency keys of writes.

package hushpost

import (
	"crypto/rand"
	"fmt"
)

// requestIDOrNew returns the caller's request id, or a random UUID: version 4 of RFC 9562.
func requestIDOrNew(requestID string) string {
	if requestID != "" {
		return requestID
	}
	var id [16]byte
	rand.Read(id[:]) // never fails, see its documentation
	id[6] = id[6]&0x0f | 0x40
	id[8] = id[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", id[:4], id[4:6], id[6:8], id[8:10], id[10:])
}

// requestIDOf returns the request id of a request; empty if it has none.
func requestIDOf(request any) string {
	if write, ok := request.(interface{ GetRequestId() string }); ok {
		return write.GetRequestId()
	}
	return ""
}
