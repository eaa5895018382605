package windows

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proctor/executor/sandbox"
	"proctor/policy/filesystem"
)

var update = flag.Bool("update", false, "rewrite the golden plan")

func example() filesystem.Plan {
	return filesystem.Plan{
		Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOn,
		Writable: []filesystem.Root{{Path: "/work", Kind: filesystem.Dir, Protected: []filesystem.Protected{
			{Path: "/work/.git", Kind: filesystem.Dir, Name: ".git"}, {Path: "/work/.codex", Kind: filesystem.Missing, Name: ".codex"}}}},
		ReadOnly:    []string{"/work/vendor"},
		DeniedReads: []filesystem.Denied{{Path: "/state", Kind: filesystem.Dir}, {Path: "/work/later", Kind: filesystem.Missing}},
	}
}

func TestNewPlan(t *testing.T) {
	t.Parallel()
	p, err := NewPlan(example(), sandbox.Limits{Processes: 64, Memory: 1 << 30})
	if err != nil {
		t.Fatal(err)
	}
	got, err := json.MarshalIndent(p, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	const file = "testdata/workspace-write.json"
	if *update {
		if err := os.WriteFile(file, append(got, '\n'), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
		t.Errorf("plan (-want +got):\n%s", diff)
	}
}

func TestNewPlanRefusesWhatATokenCannotDo(t *testing.T) {
	t.Parallel()
	off := example()
	off.Network = filesystem.NetworkOff
	for name, p := range map[string]filesystem.Plan{
		"network off": off,
		"unconfined":  {Mode: filesystem.DangerFullAccess, Unconfined: true, Network: filesystem.NetworkOn},
	} {
		if _, err := NewPlan(p, sandbox.Limits{}); !errors.Is(err, sandbox.ErrUnsupported) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Law: what is granted to change is a writable root, and all that a plan closes inside is denied.
func TestChangesAgreeWithThePlan(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		name := rapid.SampledFrom([]string{"/a", "/b", "/a/x", "/a/.git", "/b/.codex"})
		p := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOn}
		for _, root := range rapid.SliceOfNDistinct(name, 1, 3, rapid.ID[string]).Draw(t, "roots") {
			p.Writable = append(p.Writable, filesystem.Root{Path: root, Kind: filesystem.Dir,
				Protected: []filesystem.Protected{{Path: root + "/.git", Kind: rapid.SampledFrom([]filesystem.Kind{filesystem.Dir, filesystem.Missing}).Draw(t, "kind")}}})
		}
		plan, err := NewPlan(p, sandbox.Limits{})
		if err != nil {
			t.Fatal(err)
		}
		denied := map[string]bool{}
		for _, c := range plan.Changes {
			isRoot := slices.ContainsFunc(p.Writable, func(r filesystem.Root) bool { return r.Path == c.Path })
			if c.Allow && !isRoot {
				t.Fatalf("granted %+v", c)
			}
			denied[c.Path] = denied[c.Path] || !c.Allow
		}
		for _, r := range p.Writable {
			for _, q := range r.Protected {
				if !denied[q.Path] {
					t.Fatalf("%s is not closed: %+v", q.Path, plan.Changes)
				}
			}
		}
	})
}
