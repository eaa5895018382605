package filesystem

import (
	"testing"

	"pgregory.net/rapid"
)

var places = []string{"/", "/w", "/w/.git", "/w/a", "/w/a/b", "/w/a/b/c", "/tmp", "/d", "/d/x", "/d/x/y"}

func anyPlan(t *rapid.T, label string) Plan {
	path := rapid.SampledFrom(places[1:])
	p := Plan{Mode: NamedProfile, ReadAll: rapid.Bool().Draw(t, label+" reads all"), Network: rapid.SampledFrom([]Network{NetworkOff, NetworkOn}).Draw(t, label+" network")}
	for _, root := range rapid.SliceOfNDistinct(path, 0, 3, rapid.ID).Draw(t, label+" writable") {
		r := Root{Path: root, Kind: Dir}
		for _, q := range rapid.SliceOfNDistinct(path, 0, 2, rapid.ID).Draw(t, label+" protected") {
			if Within(q, root) && q != root {
				r.Protected = append(r.Protected, Protected{Path: q, Kind: Dir, Name: ".git"})
			}
		}
		p.Writable = append(p.Writable, r)
	}
	p.ReadOnly = rapid.SliceOfNDistinct(path, 0, 2, rapid.ID).Draw(t, label+" read-only")
	p.Readable = rapid.SliceOfNDistinct(path, 0, 2, rapid.ID).Draw(t, label+" readable")
	for _, d := range rapid.SliceOfNDistinct(path, 0, 2, rapid.ID).Draw(t, label+" denied") {
		p.DeniedReads = append(p.DeniedReads, Denied{Path: d, Kind: Dir})
	}
	p.sort()
	return p
}

// Whatever two plans say, their intersection allows a path only if both do; and it loses nothing that both let be written.
func TestIntersectAllowsWhatBothAllow(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyPlan(t, "a"), anyPlan(t, "b")
		both := Intersect(a, b)
		if err := both.Validate(); err != nil {
			t.Fatal(err)
		}
		if both.Network == NetworkOn && (a.Network != NetworkOn || b.Network != NetworkOn) {
			t.Fatalf("network %s of %s and %s", both.Network, a.Network, b.Network)
		}
		for _, at := range places {
			for _, path := range []string{at, at + "/new"} {
				if at == "/" {
					path = at
				}
				got, want := both.CheckWrite(path).Allowed, a.CheckWrite(path).Allowed && b.CheckWrite(path).Allowed
				if got != want {
					t.Fatalf("write %s: %v, want %v\na %+v\nb %+v\nboth %+v", path, got, want, a, b, both)
				}
				if both.CheckRead(path).Allowed && (!a.CheckRead(path).Allowed || !b.CheckRead(path).Allowed) {
					t.Fatalf("read %s is allowed\na %+v\nb %+v\nboth %+v", path, a, b, both)
				}
			}
		}
	})
}

func TestIntersectWithoutASandboxIsTheOther(t *testing.T) {
	t.Parallel()
	full := Plan{Mode: DangerFullAccess, Unconfined: true, ReadAll: true, Network: NetworkOn}
	strict := Plan{Mode: ReadOnly, ReadAll: true, Network: NetworkOff}
	for _, got := range []Plan{Intersect(full, strict), Intersect(strict, full)} {
		if got.Unconfined || got.Mode != ReadOnly {
			t.Errorf("got %+v", got)
		}
	}
}
