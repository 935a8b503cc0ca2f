// Secrets: where they are hidden, and where a caller reads them.

package hushpost

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"
)

const secret = "hp_secret"

// withSecrets has one value of each type that hides something.
var withSecrets = []any{
	CreatedAPIKey{APIKey: APIKey{KeyID: "4711"}, Secret: secret},
	CreatedCampaign{Campaign: Campaign{CampaignID: "4711"}, IssueKey: []byte(secret)},
	IssueTokensRequest{CampaignID: "4711", IssueKey: []byte(secret)},
	IssuedToken{ContactID: "4711", Token: secret},
	IssuedToken{ContactID: "4711", ClickToken: secret},
	IssuedToken{ContactID: "4711", PreferenceToken: secret},
	IssuedTokens{{ContactID: "4711", Token: secret}},
	SetPreferenceRequest{Evidence: "4711", PreferenceToken: secret},
	Open{RequestID: "4711", Token: secret},
	Click{RequestID: "4711", Token: secret},
	Event{LinkNumber: 4711, Token: secret},
	RecordEventsRequest{RequestID: "4711", Events: []Event{{Token: secret}}},
}

// checkHidden checks that a text does not show the secret in any form, but that there is one, and the
// other field.
func checkHidden(t *testing.T, how string, value any, text string) {
	t.Helper()
	for _, shown := range []string{
		secret,
		strings.Trim(fmt.Sprint([]byte(secret)), "[]"),
		strings.Trim(fmt.Sprintf("%#v", []byte(secret)), "[]byte{}"),
		fmt.Sprintf("%x", secret),
		base64.StdEncoding.EncodeToString([]byte(secret)),
	} {
		if strings.Contains(text, shown) {
			t.Errorf("%s of %T shows the secret: %s", how, value, text)
		}
	}
	for _, wanted := range []string{"[redacted]", "4711"} {
		if !strings.Contains(text, wanted) {
			t.Errorf("%s of %T lacks %s: %s", how, value, wanted, text)
		}
	}
}

func pointerTo(value any) any {
	pointer := reflect.New(reflect.TypeOf(value))
	pointer.Elem().Set(reflect.ValueOf(value))
	return pointer.Interface()
}

func TestAPrintedValueHidesItsSecret(t *testing.T) {
	for _, value := range withSecrets {
		for _, printed := range []any{value, pointerTo(value), []any{value}, struct{ Field any }{value}} {
			for _, format := range []string{"%v", "%+v", "%#v", "%s"} {
				checkHidden(t, format, printed, fmt.Sprintf(format, printed))
			}
		}
	}
}

func TestALoggedValueHidesItsSecret(t *testing.T) {
	var log bytes.Buffer
	for name, handler := range map[string]slog.Handler{
		"text": slog.NewTextHandler(&log, nil), "JSON": slog.NewJSONHandler(&log, nil),
	} {
		for _, value := range withSecrets {
			for _, logged := range []any{value, pointerTo(value)} {
				log.Reset()
				slog.New(handler).Info("a message", "value", logged)
				checkHidden(t, name, logged, log.String())
			}
		}
	}
}

func TestJSONHidesWhatOnlyOneCallReturns(t *testing.T) {
	for _, value := range withSecrets[:2] {
		for _, encoded := range []any{value, pointerTo(value)} {
			text, err := json.Marshal(encoded)
			if err != nil {
				t.Fatal(err)
			}
			checkHidden(t, "JSON", encoded, string(text))
		}
	}
}

func TestJSONHasTokensAndRequestsInFull(t *testing.T) {
	for _, value := range withSecrets[2:] {
		text, err := json.Marshal(value)
		if err != nil {
			t.Fatal(err)
		}
		decoded := reflect.New(reflect.TypeOf(value))
		if err := json.Unmarshal(text, decoded.Interface()); err != nil {
			t.Fatal(err)
		}
		if !reflect.DeepEqual(decoded.Elem().Interface(), value) {
			t.Errorf("%s is not what was encoded", text)
		}
	}
}

func TestAPrintedValueShowsThatItHasNoSecret(t *testing.T) {
	for _, value := range []any{CreatedAPIKey{}, CreatedCampaign{}, IssuedToken{}, Open{}} {
		if printed := fmt.Sprint(value); strings.Contains(printed, "redacted") {
			t.Errorf("%T is printed as %s", value, printed)
		}
	}
}

func TestAPrintedClientDoesNotShowItsKey(t *testing.T) {
	client, err := NewClient("localhost:1", secret)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	for _, value := range []any{client, *client, client.Conn()} {
		for _, format := range []string{"%v", "%+v", "%#v"} {
			if printed := fmt.Sprintf(format, value); strings.Contains(printed, secret) {
				t.Errorf("%s of %T prints %s", format, value, printed)
			}
		}
	}
}
