package filesystem

import (
	"math/rand"
	"path"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// allFacts says that every path a request names is a folder where it was asked for.
func allFacts(r Request) Facts {
	var f Facts
	for _, rule := range r.Rules() {
		if !rule.Glob {
			f.Places = append(f.Places, dir(rule.Path, rule.Path))
		}
	}
	return f
}

func anyEntries(t *rapid.T, label string, least int) []Entry {
	places := []string{"/", "/w", "/w/a", "/w/a/b", "/x", WordWorkspaceRoots, WordSlashTmp, WordMinimal, "/w/**/*.env", ":later"}
	one := rapid.Custom(func(t *rapid.T) Entry {
		e := Entry{Place: rapid.SampledFrom(places).Draw(t, "place"), Access: rapid.SampledFrom([]Access{AccessRead, AccessWrite, AccessDeny}).Draw(t, "access")}
		if IsGlob(e.Place) {
			e.Access = AccessDeny
		}
		if e.Place == WordWorkspaceRoots {
			e.Sub = rapid.SampledFrom([]string{"", ".", "a", "a/c", ".git"}).Draw(t, "sub")
		}
		return e
	})
	return rapid.SliceOfN(one, least, 6).Draw(t, label)
}

var someNames = rapid.SampledFrom([]string{"w", "a", "b", "c", "x", "tmp", "usr", ".git", "k.env"})

// Law: a further denial never allows more, and the order of entries changes nothing.
func TestProfileLaws(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		r := Request{Mode: NamedProfile, WorkspaceRoots: []string{"/w"}, Profile: Profile{Entries: anyEntries(t, "entries", 0)}}
		base, err := Resolve(r, allFacts(r))
		if err != nil {
			t.Fatal(err)
		}
		shuffled := r
		shuffled.Profile.Entries = append([]Entry(nil), r.Profile.Entries...)
		rand.New(rand.NewSource(rapid.Int64().Draw(t, "seed"))).Shuffle(len(shuffled.Profile.Entries), func(i, j int) {
			e := shuffled.Profile.Entries
			e[i], e[j] = e[j], e[i]
		})
		other, err := Resolve(shuffled, allFacts(shuffled))
		if diff := cmp.Diff(base, other); err != nil || diff != "" {
			t.Fatalf("order matters: %v %s", err, diff)
		}
		more := anyEntries(t, "denials", 1)
		for i := range more {
			more[i].Access = AccessDeny
		}
		narrow := r
		narrow.Profile.Entries = append(append([]Entry(nil), r.Profile.Entries...), more...)
		plan, err := Resolve(narrow, allFacts(narrow))
		if err != nil {
			t.Fatal(err)
		}
		p := "/" + path.Join(rapid.SliceOfN(someNames, 0, 5).Draw(t, "path")...)
		if plan.CheckWrite(p).Allowed && !base.CheckWrite(p).Allowed {
			t.Fatalf("%s: denying %v made it writable", p, more)
		}
		if plan.CheckRead(p).Allowed && !base.CheckRead(p).Allowed {
			t.Fatalf("%s: denying %v made it readable", p, more)
		}
	})
}

// What an entry says about a place replaces what an extended profile says, and the most specific path wins.
func TestOverlayAndDepth(t *testing.T) {
	t.Parallel()
	entries := Overlay(BuiltIn(":workspace"), []Entry{{WordProjectRoots, "", AccessRead}, {WordProjectRoots, "out", AccessWrite},
		{WordProjectRoots, "out/s", AccessDeny}, {WordProjectRoots, "out/s/o", AccessWrite}, {"/w/same", "", AccessRead}, {WordProjectRoots, "same", AccessWrite}})
	r := Request{Mode: NamedProfile, WorkspaceRoots: []string{"/w"}, Profile: Profile{Entries: entries}}
	p, err := Resolve(r, allFacts(r))
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string][2]bool{"/w/f": {true, false}, "/w/out/f": {true, true}, "/w/out/s/f": {false, false},
		"/w/out/s/o/f": {true, true}, "/w/same/f": {true, true}, "/etc/f": {true, false}, "/tmp/f": {true, true}} {
		if got := [2]bool{p.CheckRead(at).Allowed, p.CheckWrite(at).Allowed}; got != want {
			t.Errorf("%s: read, write %v, want %v", at, got, want)
		}
	}
}

// One name must not give what another takes away.
func TestSharedFiles(t *testing.T) {
	t.Parallel()
	r := Request{Mode: NamedProfile, WorkspaceRoots: []string{"/w"}, Profile: Profile{Entries: Overlay(BuiltIn(":workspace"),
		[]Entry{{WordWorkspaceRoots, "*.env", AccessDeny}, {WordWorkspaceRoots, "ro", AccessRead}})}}
	f := allFacts(r)
	f.Places = append(f.Places, dir("/w", "/w"))
	f.Matches = []Match{{Path: "/w/a.env", Kind: File}}
	f.Shared = []Shared{{2, []string{"/w/a.env", "/w/b"}}, {2, []string{"/w/own1", "/w/own2"}}, {2, []string{"/w/out"}}, {2, []string{"/w/ro/x", "/w/y"}}}
	p, err := Resolve(r, f)
	if err != nil {
		t.Fatal(err)
	}
	for at, want := range map[string][2]bool{"/w/b": {false, false}, "/w/own1": {true, true}, "/w/out": {true, false}, "/w/y": {true, false}} {
		if got := [2]bool{p.CheckRead(at).Allowed, p.CheckWrite(at).Allowed}; got != want {
			t.Errorf("%s: read, write %v, want %v", at, got, want)
		}
	}
}
