package redact

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestMaskRemovesKnownShapes(t *testing.T) {
	t.Parallel()
	cases := []struct{ name, in, want string }{
		{"plain text", "ls -la /tmp", "ls -la /tmp"},
		{"key value", "export DB_PASSWORD=hunter2hunter2 && run", "export DB_PASSWORD=[MASKED:key-value] && run"},
		{"quoted with blanks", `password: "correct horse"`, `password: "[MASKED:key-value]"`},
		{"single quotes", `api_key='a1 b2 c3 d4'`, `api_key='[MASKED:key-value]'`},
		{"json", `{"client_secret":"0a1b2c3d4e"}`, `{"client_secret":"[MASKED:key-value]"}`},
		{"json in json", `{"cmd":"curl -d '{\"token\":\"0a1b2c3d4e\"}'"}`, `{"cmd":"curl -d '{\"token\":\"[MASKED:key-value]\"}'"}`},
		{"line break in json", `{"cmd":"export TOKEN=abcdef123\nls"}`, `{"cmd":"export TOKEN=[MASKED:key-value]\nls"}`},
		{"aws pair", "AWS_SECRET_ACCESS_KEY=wJalrXUtnFEMI/K7MDENG", "AWS_SECRET_ACCESS_KEY=[MASKED:key-value]"},
		{"flag", "mysql --password s3cretpass db", "mysql --password [MASKED:flag-value] db"},
		{"variable is no secret", "curl -H token=$GITHUB_TOKEN", "curl -H token=$GITHUB_TOKEN"},
		{"token count is no secret", `"token": 1234567, "tokens": 12`, `"token": 1234567, "tokens": 12`},
		{"header", "Authorization: Basic dXNlcjpwYXNz", "Authorization: Basic [MASKED:authorization]"},
		{"header in json", `{"cmd":"curl -H \"Authorization: Bearer abc.def-123\" x"}`, `{"cmd":"curl -H \"Authorization: Bearer [MASKED:authorization]\" x"}`},
		{"bearer alone", "sent bearer abcdefghijklmnop1 to x", "sent bearer [MASKED:bearer] to x"},
		{"bearer as a word", "the bearer authentication scheme", "the bearer authentication scheme"},
		{"url", "git clone https://me:pa55word@example.com/x.git", "git clone https://me:[MASKED:url-credentials]@example.com/x.git"},
		{"url with token", "https://0123456789abcdef@example.com/", "https://[MASKED:url-credentials]@example.com/"},
		{"mail address", "mailto://someone", "mailto://someone"},
		{"github", "use ghp_0123456789abcdefghijABCDEFGHIJ456789 now", "use [MASKED:github-token] now"},
		{"openai", "key sk-proj-abcdefgh12345678 end", "key [MASKED:model-token] end"},
		{"kebab words", "the task-management-of-something-long", "the task-management-of-something-long"},
		{"aws id", "id AKIAIOSFODNN7QXZMPLW.", "id [MASKED:aws-key-id]."},
		{"jwt", "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.abc-DEF_1 x", "[MASKED:jwt] x"},
		{"cookie", "Set-Cookie: sid=31d4d96e407aad42", "Set-Cookie: [MASKED:cookie]"},
		{"private key", "a\n-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNz\n-----END OPENSSH PRIVATE KEY-----\nz", "a\n[MASKED:private-key]\nz"},
		{"private key without end", "-----BEGIN PRIVATE KEY-----\nMIIEvQ\nAB==", "[MASKED:private-key]"},
		{"private key in json", `{"k":"-----BEGIN PRIVATE KEY-----\nMIIE\n"}`, `{"k":"[MASKED:private-key]"}`},
		{"first rule wins", "token=ghp_0123456789abcdefghijABCDEFGHIJ456789", "token=[MASKED:github-token]"},
		{"digest", "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae", "sha256:2c26b46b68ffc68ff99b453c1d30413413422d706483bfa0f98a5e886266e7ae"},
	}
	p := New(Options{Key: []byte("k")})
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, receipts := p.mask("f", c.in)
			if got != c.want {
				t.Errorf("mask(%q)\n got %q\nwant %q", c.in, got, c.want)
			}
			if (len(receipts) > 0) != (c.in != c.want) {
				t.Errorf("mask(%q) left receipts %v", c.in, receipts)
			}
			if json.Valid([]byte(c.in)) && !json.Valid([]byte(got)) {
				t.Errorf("mask(%q) is no longer JSON: %q", c.in, got)
			}
			if again, _ := p.mask("f", got); again != got {
				t.Errorf("masking twice: %q became %q", got, again)
			}
		})
	}
}

func TestFingerprintsTellEqualSecretsWithoutThem(t *testing.T) {
	t.Parallel()
	const secret = "0123456789abcdef01"
	_, a := New(Options{Key: []byte("one")}).mask("f", "password="+secret+" secret="+secret)
	_, b := New(Options{Key: []byte("two")}).mask("f", "password="+secret)
	if len(a) != 2 || a[0].Fingerprint == "" || a[0].Fingerprint != a[1].Fingerprint {
		t.Errorf("equal secrets have receipts %v", a)
	}
	if len(b) != 1 || b[0].Fingerprint == a[0].Fingerprint {
		t.Errorf("another key gives the same fingerprint: %v %v", a, b)
	}
	if a[0].Bytes != len(secret) || strings.Contains(a[0].String(), secret) {
		t.Errorf("receipt %v", a[0])
	}
}

func FuzzMask(f *testing.F) {
	for _, s := range []string{"", "password=\"", "-----BEGIN PRIVATE KEY-----", "://a:b@", `{"token":"\"x\\"}`, "authorization: \xff", "cookie:\\"} {
		f.Add(s, s)
	}
	p := New(Options{Key: []byte("k")})
	const planted = "ghp_0123456789abcdefghijABCDEFGHIJ456789"
	f.Fuzz(func(t *testing.T, before, after string) {
		text := before + " " + planted + " " + after
		got, receipts := p.mask("f", text)
		if strings.Contains(got, planted) {
			t.Fatalf("secret left in %q", got)
		}
		removed := 0
		for _, r := range receipts {
			removed += r.Bytes
		}
		if removed > len(text) || len(receipts) == 0 {
			t.Fatalf("%d bytes removed of %d, %d receipts", removed, len(text), len(receipts))
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("%q became invalid UTF-8 %q", text, got)
		}
	})
}
