package filesystem

import (
	"errors"
	"path"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"proctor/event"
)

func dirFacts(paths ...string) []PlaceFacts {
	var out []PlaceFacts
	for _, p := range paths {
		f := PlaceFacts{Asked: p, Path: p, Kind: Dir}
		for _, n := range ProtectedNames() {
			f.Entries = append(f.Entries, Found{Path: path.Join(p, n), Name: n, Kind: Missing})
		}
		out = append(out, f)
	}
	return out
}

func widenBase(t testing.TB, mode Mode, hidden ...string) Plan {
	t.Helper()
	r := Request{Mode: mode, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true, ExcludeTmpdirEnvVar: true}
	for _, h := range hidden {
		r.DeniedReads = append(r.DeniedReads, Denied{Path: h, Kind: Dir})
	}
	p, err := Resolve(r, Facts{Places: dirFacts("/w", "/")})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestWhatMayNotBeGranted(t *testing.T) {
	for _, c := range []struct {
		name string
		mode Mode
		ask  event.Permissions
		ok   bool
	}{
		{"another folder", WorkspaceWrite, event.Permissions{Write: []string{"/x"}}, true},
		{"a folder in read-only", ReadOnly, event.Permissions{Write: []string{"/w"}}, true},
		{"network", ReadOnly, event.Permissions{Network: true}, true},
		{"hidden", WorkspaceWrite, event.Permissions{Write: []string{"/secret"}}, false},
		{"inside hidden", WorkspaceWrite, event.Permissions{Write: []string{"/secret/a"}}, false},
		{"reading hidden", WorkspaceWrite, event.Permissions{Read: []string{"/secret/a"}}, false},
		{"protected", WorkspaceWrite, event.Permissions{Write: []string{"/w/.git"}}, false},
		{"inside protected", WorkspaceWrite, event.Permissions{Write: []string{"/w/.git/hooks"}}, false},
		{"a protected name elsewhere", ReadOnly, event.Permissions{Write: []string{"/x/.git/hooks"}}, false},
		{"governing", ReadOnly, event.Permissions{Write: []string{"/home/config"}}, false},
		{"everything", WorkspaceWrite, event.Permissions{Write: []string{"/"}}, false},
		{"missing", WorkspaceWrite, event.Permissions{Write: []string{"/none"}}, false},
		{"not canonical", WorkspaceWrite, event.Permissions{Write: []string{"/x/../secret"}}, false},
	} {
		roots := dirFacts("/w", "/x", "/secret", "/secret/a", "/w/.git", "/w/.git/hooks", "/x/.git/hooks", "/home/config", "/")
		got, err := widenBase(t, c.mode, "/secret").Widen(Widening{c.ask, roots, nil, []string{"/home/config"}})
		if c.ok != (err == nil) || err != nil && !errors.Is(err, ErrBeyond) {
			t.Errorf("%s: got %v", c.name, err)
		}
		if err == nil && len(c.ask.Write) > 0 && (!got.CheckWrite(c.ask.Write[0]+"/f").Allowed || got.CheckWrite(c.ask.Write[0]+"/.git/f").Allowed) {
			t.Errorf("%s: the folder is not writable, or its .git is: %+v", c.name, got.Writable)
		}
	}
}

// A .git link whose target was outside of every root stays protected when the target's folder is granted.
func TestGuardsOfOldRootsHoldInNewOnes(t *testing.T) {
	roots := dirFacts("/w", "/store")
	roots[0].Entries[0] = Found{Path: "/w/.git", Name: ".git", Kind: Symlink, Guards: []Guard{{Path: "/store/repo", Kind: Dir}}}
	p, err := Resolve(Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true, ExcludeTmpdirEnvVar: true}, Facts{Places: append(dirFacts("/"), roots[0])})
	if err != nil {
		t.Fatal(err)
	}
	wide, err := p.Widen(Widening{Permissions: event.Permissions{Write: []string{"/store"}}, Roots: roots})
	if err != nil || wide.CheckWrite("/store/repo/hooks/x").Allowed || !wide.CheckWrite("/store/other").Allowed {
		t.Errorf("got %+v %v", wide, err)
	}
}

func TestLimitsRefuse(t *testing.T) {
	for _, c := range []struct {
		l  Limits
		p  event.Permissions
		ok bool
	}{
		{Limits{}, event.Permissions{Network: true, Write: []string{"/x"}}, true},
		{Limits{NoNetwork: true}, event.Permissions{Network: true}, false},
		{Limits{NoNetwork: true}, event.Permissions{Write: []string{"/x"}}, true},
		{Limits{NoWrite: true}, event.Permissions{Write: []string{"/x"}}, false},
		{Limits{NoWrite: true}, event.Permissions{Read: []string{"/x"}}, true},
	} {
		if err := c.l.Refuse(c.p); (err == nil) != c.ok {
			t.Errorf("%+v of %+v: got %v", c.l, c.p, err)
		}
	}
}

// Whatever is granted: nothing hidden can be read or written, nothing protected written, and only what was asked for is new.
func TestAGrantNeverExceedsWhatWasAsked(t *testing.T) {
	paths := []string{"/", "/a", "/a/b", "/a/b/c", "/a/.git", "/a/b/.codex/x", "/w", "/w/a", "/w/.git", "/w/.git/x", "/s", "/s/t", "/s/t/u", "/g/h"}
	some := rapid.SliceOfNDistinct(rapid.SampledFrom(paths), 0, 4, rapid.ID[string])
	rapid.Check(t, func(t *rapid.T) {
		mode := rapid.SampledFrom([]Mode{ReadOnly, WorkspaceWrite}).Draw(t, "mode")
		p, err := Resolve(Request{Mode: mode, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true, ExcludeTmpdirEnvVar: true,
			DeniedReads: []Denied{{Path: rapid.SampledFrom([]string{"/s", "/s/t", "/a/b", "/w/a"}).Draw(t, "hidden"), Kind: Dir}}}, Facts{Places: dirFacts("/w", "/")})
		if err != nil {
			t.Fatal(err)
		}
		p.ReadAll = rapid.Bool().Draw(t, "read all")
		ask := event.Permissions{Network: rapid.Bool().Draw(t, "network"), Read: some.Draw(t, "read"), Write: some.Draw(t, "write")}
		wide, err := p.Widen(Widening{ask, dirFacts(paths...), nil, []string{"/g"}})
		if err != nil {
			if !errors.Is(err, ErrBeyond) {
				t.Fatal(err)
			}
			return
		}
		if (wide.Network == NetworkOn) != ask.Network {
			t.Fatalf("network is %s", wide.Network)
		}
		asked := func(q string, in ...string) bool {
			return slices.ContainsFunc(in, func(r string) bool { return Within(q, r) })
		}
		for _, q := range append(paths, "/w/f", "/a/b/f", "/s/t/f", "/a/.git/f", "/g/h/f", "/w/.git/f", "/x") {
			was, is := p.CheckRead(q), wide.CheckRead(q)
			if was.Reason == ReasonDeniedRead && is.Allowed || is.Allowed && !was.Allowed && !asked(q, slices.Concat(ask.Read, ask.Write)...) {
				t.Fatalf("reading %s: was %+v, is %+v", q, was, is)
			}
			old, now := p.CheckWrite(q), wide.CheckWrite(q)
			if now.Allowed && (old.Reason == ReasonProtectedPath || old.Reason == ReasonDeniedRead || Within(q, "/g") || !old.Allowed && !asked(q, ask.Write...)) || old.Allowed && !now.Allowed && !asked(q, ask.Write...) {
				t.Fatalf("writing %s: was %+v, is %+v", q, old, now)
			}
		}
	})
}
