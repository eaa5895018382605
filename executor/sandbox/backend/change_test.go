//go:build linux

package backend_test

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/executor/sandbox"
)

func TestChangesOfFilesAreTold(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		host(t, b, "echo a > old; echo b > gone; mkdir d; echo c > moved")
		s := b.spec(t, b.request(), "/bin/sh", "-c", "echo new > new; echo more >> old; rm gone; mv moved d/here; echo t > t; rm t; cat old > /dev/null; : >> d/here; echo x > $OUT/no")
		var got []string
		s.ChangeRoots = []string{b.ws}
		s.OnChange = func(c sandbox.Change) {
			got = append(got, strings.TrimSpace(strings.ReplaceAll(c.Kind+" "+c.Path+" "+c.MoveTo, b.ws+"/", "")))
			if sum := sha256.Sum256([]byte("new\n")); strings.HasSuffix(c.Path, "/new") && (c.After != hex.EncodeToString(sum[:]) || c.Bytes != 4) {
				t.Errorf("new file: %+v", c)
			}
		}
		if r := b.run(t, s); !r.DenialsExact {
			t.Skip("missing capability: seccomp user notification")
		}
		slices.Sort(got)
		if diff := cmp.Diff([]string{"add new", "delete gone", "update moved d/here", "update old"}, got); diff != "" {
			t.Errorf("changes (-want +got):\n%s", diff)
		}
	})
}

func TestNamesDeniedLaterAreNotRead(t *testing.T) {
	t.Parallel()
	eachBackend(t, func(t *testing.T, b box) {
		host(t, b, "echo fine > readable")
		for script, reads := range map[string]bool{
			"echo s > a.env; cat a.env":                      false,
			"echo s > a; mv a b.env; cat b.env":              false,
			"echo s > a; ln a c.env; cat c.env":              false,
			"echo s > a; ln -s a d.env; cat a; cat readable": true,
			"cat readable": true,
		} {
			s := b.spec(t, b.request(), "/bin/sh", "-c", script)
			s.Plan.DeniedGlobs = []string{b.ws + "/**/*.env"}
			r := b.run(t, s)
			if !r.DenialsExact {
				t.Skip("missing capability: seccomp user notification")
			}
			if got := r.ExitCode == 0; got != reads || reads != (len(r.denials) == 0 || strings.Contains(script, "ln -s")) {
				t.Errorf("%s: exit %d, stderr %q, denials %+v", script, r.ExitCode, r.stderr, r.denials)
			}
			for _, d := range r.denials {
				if d.Rule != "denied_read" {
					t.Errorf("%s: %+v", script, d)
				}
			}
		}
	})
}
