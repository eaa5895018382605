package attestor_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"proctor/ledger/attestor"
)

func TestAddresses(t *testing.T) {
	for _, good := range []string{"http://127.0.0.1:1/a?b=c", " https://a.example/ "} {
		if _, err := attestor.ParseURL(good, "a witness", "https://witness.example/"); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	for _, bad := range []string{"", "a.example", "ftp://me:hunter2@a.example/", "https:///x", "https://me:hunter2@a.example/#x", "https://me:hunter2@a.example:x/"} {
		_, err := attestor.ParseURL(bad, "a witness", "https://witness.example/")
		if err == nil || strings.Contains(err.Error(), "hunter2") || !strings.Contains(err.Error(), "such as https://witness.example/") {
			t.Errorf("%q: %v", bad, err)
		}
	}
}

func TestPost(t *testing.T) {
	elsewhere := 0
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/elsewhere":
			elsewhere++
		case "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusTemporaryRedirect)
		default:
			w.Header().Set("Content-Type", "text/plain; charset=utf-8")
			w.WriteHeader(http.StatusTeapot)
			_, _ = w.Write([]byte(r.Header.Get("Accept") + "\n"))
		}
	}))
	defer s.Close()
	post := func(path string, limit int) (attestor.Answer, error) {
		u, err := url.Parse(strings.Replace(s.URL, "http://", "http://me:hunter2@", 1) + path)
		if err != nil {
			t.Fatal(err)
		}
		return attestor.Post(t.Context(), u, http.Header{"Accept": {"text/x"}}, []byte("question"), limit)
	}
	if a, err := post("/", 7); err != nil || a.Status != http.StatusTeapot || a.Type != "text/plain" || string(a.Body) != "text/x\n" || a.Long {
		t.Errorf("%+v %v", a, err)
	}
	if a, err := post("/", 6); err != nil || string(a.Body) != "text/x" || !a.Long {
		t.Errorf("an answer that is a byte too long: %+v %v", a, err)
	}
	if a, err := post("/moved", 100); err != nil || a.Status != http.StatusTemporaryRedirect || elsewhere != 0 {
		t.Errorf("a redirect: %+v %v, %d questions elsewhere", a, err, elsewhere)
	}
	s.Close()
	if _, err := post("/", 100); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("nobody there: %v", err)
	}
}
