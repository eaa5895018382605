package responses

import (
	"net/http"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestErrorTextIsBoundedCleanAndWithoutSecrets(t *testing.T) {
	t.Parallel()
	client := newClient(t, Provider{
		ID: "p", BaseURL: "https://h/v1?sig=q", EnvKey: "TEST_KEY",
		QueryParams: map[string]string{"api_key": "query-secret"}, HTTPHeaders: map[string]string{"x-token": "header-secret", "x-plain": "plain-value"},
	})
	body := "\x1b[31mred\x00\u202e " + testKey + " Bearer abcdefghij query-secret header-secret sk-other*****1234 plain-value \xff" + strings.Repeat("é", 4000)
	e := client.httpError(&http.Response{StatusCode: 418, Header: http.Header{"X-Request-Id": {"r"}, "Cf-Ray": {"c"}}}, "text/plain", []byte(body))
	if len(e.Snippet) > maxSnippet || !strings.HasSuffix(e.Snippet, cutMark) || !utf8.ValidString(e.Snippet) {
		t.Errorf("snippet of %d bytes: %q", len(e.Snippet), e.Snippet)
	}
	text := e.Error()
	for _, bad := range []string{"\x1b", "\x00", "\u202e", testKey, "abcdefghij", "query-secret", "header-secret", "1234", "sig="} {
		if strings.Contains(text, bad) {
			t.Errorf("%q in %q", bad, text)
		}
	}
	for _, good := range []string{"unexpected status 418 I'm a teapot: ", "plain-value", "url: https://h/v1/responses, cf-ray: c, request id: r"} {
		if !strings.Contains(text, good) {
			t.Errorf("%q not in %q", good, text)
		}
	}
}

func TestKeyOfAnyShapeIsRemoved(t *testing.T) {
	t.Parallel()
	creds := credentials{key: NewAPIKey("plain pass")}
	if got := creds.clean("you sent plain pass, no"); got != "you sent [secret], no" {
		t.Error(got)
	}
}

func TestRefusedKeyDetailsComeFromHeaders(t *testing.T) {
	t.Parallel()
	header := http.Header{}
	header.Set("X-Openai-Authorization-Error", "missing_authorization_header")
	header.Set("X-Error-Json", "eyJlcnJvciI6eyJjb2RlIjoidG9rZW5fZXhwaXJlZCJ9fQ==") // {"error":{"code":"token_expired"}}
	if text, code := authError(header); text != "missing_authorization_header" || code != "token_expired" {
		t.Errorf("%q, %q", text, code)
	}
	header.Set("X-Error-Json", "%%%")
	if _, code := authError(header); code != "" {
		t.Errorf("code %q", code)
	}
}

func FuzzErrorBody(f *testing.F) {
	for _, seed := range []string{`{"error":{"message":"m","type":"t","code":null}}`, `{"error":{"code":7}}`, `{"error":"x"}`, "<html>", "\xff\xfe", `{"code":"c","message":"m"}`} {
		f.Add([]byte(seed), 500)
	}
	client, err := New(Provider{ID: "p", BaseURL: "https://h", EnvKey: "TEST_KEY"}, Options{Getenv: env})
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, body []byte, status int) {
		e := client.httpError(&http.Response{StatusCode: status, Header: http.Header{}}, "x", body)
		text := e.Error()
		if len(text) > 4*maxSnippet || !utf8.ValidString(text) || strings.ContainsAny(text, "\x00\x1b\n") {
			t.Errorf("%q", text)
		}
	})
}
