// Package hushpost is a typed client of a Hushpost authority, over gRPC.
//
// Create one [Client] per API key and share it: its methods may be called from any number of
// goroutines. A method has the name of its RPC. It takes and returns types of this package; the
// comments in the .proto files document each field in full.
//
// # Timeouts and retries
//
// Each method takes a context. Without a deadline in it, a call ends after the client's timeout,
// ten seconds by default ([WithTimeout]). While the authority is unavailable, calls that have a
// request id are tried again, with exponential backoff and full jitter, after the delay that the
// authority asks for ([RetryPolicy]).
//
// A request id is an idempotency key (AIP-155): however often the request arrives, it counts once.
// A method that takes a RequestID generates a random UUID if it is empty, once per call, and sends
// it with each try. Set it to repeat a call later, for example after a crash, or take it from
// [Error.RequestID].
//
// # Errors
//
// All errors of calls are of type *[Error]. Compare them with a [Reason]:
//
//	if errors.Is(err, hushpost.ReasonCampaignNotFound) { … }
//
// # Secrets
//
// Values hide API keys, issue keys and tokens where they are printed or logged as a whole, with fmt
// or log/slog; their fields have them. JSON hides API keys and issue keys of results, but has tokens
// and requests in full, to be stored or passed on. fmt calls no methods of a value in an unexported
// field of a struct of yours, and shows the secret.
//
// # What is not here
//
// RPCs without a method (the keys of spools) are called with the generated stubs in hushpostv1 and
// [Client.Conn], which adds the API key to each call.
package hushpost
