package filesystem

import (
	"encoding/json"
	"errors"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden plans")

// dir describes an existing root whose protected names are all missing but for the given entries.
func dir(asked, path string, entries ...Found) PlaceFacts {
	f := PlaceFacts{Asked: asked, Path: path, Kind: Dir}
	given := map[string]Found{}
	for _, e := range entries {
		given[e.Name] = e
	}
	for _, name := range ProtectedNames() {
		e, ok := given[name]
		if !ok {
			e = Found{Name: name, Kind: Missing}
		}
		e.Path = strings.TrimSuffix(path, "/") + "/" + name
		f.Entries = append(f.Entries, e)
	}
	return f
}

func TestResolveGolden(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		request Request
		facts   []PlaceFacts
	}{
		{"read-only", Request{Mode: ReadOnly, WorkspaceRoots: []string{"/w"}, NetworkAccess: true}, nil},
		{"danger-full-access", Request{Mode: DangerFullAccess, WorkspaceRoots: []string{"/w"}}, nil},
		{"workspace", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}},
			[]PlaceFacts{dir("/w", "/w", Found{Name: ".git", Kind: Dir}), dir("/tmp", "/tmp")}},
		{"workspace-all-roots", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/link"}, WritableRoots: []string{"/gone", "/cache/"},
			AdditionalWritable: []string{"/w/sub"}, TmpDir: "/tmp", NetworkAccess: true},
			[]PlaceFacts{dir("/link", "/w"), {Asked: "/gone", Path: "/gone", Kind: Missing}, dir("/cache", "/cache"), dir("/w/sub", "/w/sub"), dir("/tmp", "/tmp")}},
		{"git-pointer", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true},
			[]PlaceFacts{dir("/w", "/w", Found{Name: ".git", Kind: File, Guards: []Guard{{"/w/meta/git", Dir}, {"/elsewhere/git", Dir}}})}},
		{"codex-symlink", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true},
			[]PlaceFacts{dir("/w", "/w", Found{Name: ".codex", Kind: Symlink, Guards: []Guard{{"/w/.codex", Symlink}, {"/w/real", Missing}}})}},
		{"narrowed", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true, ReadOnly: []string{"/w/vendor", "/w/a"},
			DeniedReads: []Denied{{"/w/x.env", File}, {"/s", Dir}}}, []PlaceFacts{dir("/w", "/w")}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			plan, err := Resolve(c.request, Facts{Places: append(c.facts, PlaceFacts{Asked: "/", Path: "/", Kind: Dir})})
			if err != nil {
				t.Fatal(err)
			}
			got, err := json.MarshalIndent(plan, "", "  ")
			if err != nil {
				t.Fatal(err)
			}
			golden := filepath.Join("testdata", c.name+".json")
			if *update {
				if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), string(got)+"\n"); diff != "" {
				t.Errorf("plan (-want +got):\n%s", diff)
			}
			var back Plan
			if err := json.Unmarshal(got, &back); err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(plan, back); diff != "" {
				t.Errorf("JSON loses something (-want +got):\n%s", diff)
			}
		})
	}
}

func TestResolveRefuses(t *testing.T) {
	t.Parallel()
	cases := []struct {
		name    string
		request Request
		facts   []PlaceFacts
	}{
		{"no mode", Request{}, nil},
		{"unknown mode", Request{Mode: "workspace"}, nil},
		{"unknown access", Request{Mode: NamedProfile, Profile: Profile{Entries: []Entry{{Place: "/", Access: "none"}}}}, nil},
		{"relative root", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"w"}, ExcludeSlashTmp: true}, []PlaceFacts{dir("w", "/w")}},
		{"no facts", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true}, nil},
		{"unresolved root", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true}, []PlaceFacts{{Asked: "/w", Path: "/w", Kind: Symlink}}},
		{"path not clean", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true}, []PlaceFacts{dir("/w", "/x/../w")}},
		{"facts about protected names missing", Request{Mode: WorkspaceWrite, WorkspaceRoots: []string{"/w"}, ExcludeSlashTmp: true}, []PlaceFacts{{Asked: "/w", Path: "/w", Kind: Dir}}},
		{"full access with denied reads", Request{Mode: DangerFullAccess, DeniedReads: []Denied{{"/s", Dir}}}, nil},
		{"denied path relative", Request{Mode: ReadOnly, DeniedReads: []Denied{{"s", Dir}}}, nil},
	}
	for _, c := range cases {
		plan, err := Resolve(c.request, Facts{Places: append(c.facts, PlaceFacts{Asked: "/", Path: "/", Kind: Dir})})
		if !errors.Is(err, ErrInvalidRequest) && !errors.Is(err, ErrInvalidPlan) {
			t.Errorf("%s: got %+v, %v; want a refusal", c.name, plan, err)
		}
	}
}

func TestValidateRefusesContradictions(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]Plan{
		"zero":                       {},
		"no network word":            {Mode: ReadOnly, ReadAll: true},
		"unconfined read-only":       {Mode: ReadOnly, Unconfined: true, Network: NetworkOn},
		"unconfined without network": {Mode: DangerFullAccess, Unconfined: true, Network: NetworkOff},
		"read-only with roots":       {Mode: ReadOnly, Network: NetworkOff, Writable: []Root{{Path: "/w", Kind: Dir}}},
		"root not clean":             {Mode: WorkspaceWrite, Network: NetworkOff, Writable: []Root{{Path: "/w/../x", Kind: Dir}}},
		"too many denied":            {Mode: WorkspaceWrite, Network: NetworkOff, DeniedReads: make([]Denied, MaxDenied+1)},
	} {
		if err := p.Validate(); !errors.Is(err, ErrInvalidPlan) {
			t.Errorf("%s: %v, want ErrInvalidPlan", name, err)
		}
	}
}
