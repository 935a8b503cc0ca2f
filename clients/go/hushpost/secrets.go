// Hides secrets and tokens where whole values are printed or logged. Their fields still have them.
//
// JSON hides only what no other call returns: the secret of an API key and an issue key. Tokens and
// requests are complete in it, because programs store them and pass them on.

package hushpost

import (
	"encoding/json"
	"fmt"
	"log/slog"
)

// Types with the fields of the public ones, but without their methods.
type (
	redactedAPIKey        CreatedAPIKey
	redactedIssuedToken   IssuedToken
	redactedSetPreference SetPreferenceRequest
	redactedOpen          Open
	redactedClick         Click
	redactedEvent         Event
	plainIssueTokens      IssueTokensRequest
)

// Types in which IssueKey is a text.
type (
	redactedCampaign struct {
		Campaign
		IssueKey string
	}
	redactedIssueTokens struct {
		plainIssueTokens
		IssueKey string
	}
)

// redact returns what is printed in place of a secret; nothing if there is none.
func redact[Secret string | []byte](secret Secret) string {
	if len(secret) == 0 {
		return ""
	}
	return "[redacted]"
}

func (k CreatedAPIKey) redacted() redactedAPIKey {
	k.Secret = redact(k.Secret)
	return redactedAPIKey(k)
}

// String hides the secret.
func (k CreatedAPIKey) String() string { return fmt.Sprintf("%+v", k.redacted()) }

// GoString hides the secret.
func (k CreatedAPIKey) GoString() string { return fmt.Sprintf("%#v", k.redacted()) }

// MarshalJSON hides the secret, for handlers of log/slog as well.
func (k CreatedAPIKey) MarshalJSON() ([]byte, error) { return json.Marshal(k.redacted()) }

func (c CreatedCampaign) redacted() redactedCampaign {
	return redactedCampaign{Campaign: c.Campaign, IssueKey: redact(c.IssueKey)}
}

// String hides the issue key.
func (c CreatedCampaign) String() string { return fmt.Sprintf("%+v", c.redacted()) }

// GoString hides the issue key.
func (c CreatedCampaign) GoString() string { return fmt.Sprintf("%#v", c.redacted()) }

// MarshalJSON hides the issue key, for handlers of log/slog as well.
func (c CreatedCampaign) MarshalJSON() ([]byte, error) { return json.Marshal(c.redacted()) }

func (r IssueTokensRequest) redacted() redactedIssueTokens {
	redacted := redactedIssueTokens{plainIssueTokens(r), redact(r.IssueKey)}
	redacted.plainIssueTokens.IssueKey = nil
	return redacted
}

// String hides the issue key.
func (r IssueTokensRequest) String() string { return fmt.Sprintf("%+v", r.redacted()) }

// GoString hides the issue key.
func (r IssueTokensRequest) GoString() string { return fmt.Sprintf("%#v", r.redacted()) }

// LogValue hides the issue key.
func (r IssueTokensRequest) LogValue() slog.Value { return slog.AnyValue(r.redacted()) }

func (t IssuedToken) redacted() redactedIssuedToken {
	t.Token, t.ClickToken = redact(t.Token), redact(t.ClickToken)
	t.PreferenceToken = redact(t.PreferenceToken)
	return redactedIssuedToken(t)
}

// String hides the tokens.
func (t IssuedToken) String() string { return fmt.Sprintf("%+v", t.redacted()) }

// GoString hides the tokens.
func (t IssuedToken) GoString() string { return fmt.Sprintf("%#v", t.redacted()) }

// LogValue hides the tokens.
func (t IssuedToken) LogValue() slog.Value { return slog.AnyValue(t.redacted()) }

// LogValue hides the tokens. A handler that writes JSON would not see that of the items.
func (t IssuedTokens) LogValue() slog.Value {
	return slog.AnyValue(each(t, IssuedToken.redacted))
}

func (r SetPreferenceRequest) redacted() redactedSetPreference {
	r.PreferenceToken = redact(r.PreferenceToken)
	return redactedSetPreference(r)
}

// String hides the token.
func (r SetPreferenceRequest) String() string { return fmt.Sprintf("%+v", r.redacted()) }

// GoString hides the token.
func (r SetPreferenceRequest) GoString() string { return fmt.Sprintf("%#v", r.redacted()) }

// LogValue hides the token.
func (r SetPreferenceRequest) LogValue() slog.Value { return slog.AnyValue(r.redacted()) }

func (o Open) redacted() redactedOpen {
	o.Token = redact(o.Token)
	return redactedOpen(o)
}

// String hides the token.
func (o Open) String() string { return fmt.Sprintf("%+v", o.redacted()) }

// GoString hides the token.
func (o Open) GoString() string { return fmt.Sprintf("%#v", o.redacted()) }

// LogValue hides the token.
func (o Open) LogValue() slog.Value { return slog.AnyValue(o.redacted()) }

func (k Click) redacted() redactedClick {
	k.Token = redact(k.Token)
	return redactedClick(k)
}

// String hides the token.
func (k Click) String() string { return fmt.Sprintf("%+v", k.redacted()) }

// GoString hides the token.
func (k Click) GoString() string { return fmt.Sprintf("%#v", k.redacted()) }

// LogValue hides the token.
func (k Click) LogValue() slog.Value { return slog.AnyValue(k.redacted()) }

func (e Event) redacted() redactedEvent {
	e.Token = redact(e.Token)
	return redactedEvent(e)
}

// String hides the token.
func (e Event) String() string { return fmt.Sprintf("%+v", e.redacted()) }

// GoString hides the token.
func (e Event) GoString() string { return fmt.Sprintf("%#v", e.redacted()) }

// LogValue hides the token.
func (e Event) LogValue() slog.Value { return slog.AnyValue(e.redacted()) }

// LogValue hides the tokens. A handler that writes JSON would not see that of the events.
func (r RecordEventsRequest) LogValue() slog.Value {
	return slog.GroupValue(
		slog.Any("Events", each(r.Events, Event.redacted)), slog.String("RequestID", r.RequestID),
	)
}
