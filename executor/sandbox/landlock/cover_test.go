//go:build linux

package landlock

import (
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"proctor/policy/filesystem"
)

// tree is a file system as a set of paths; directories are those that have something below them.
type tree []string

func (tr tree) list(dir string) ([]entry, error) {
	seen := map[string]*entry{}
	for _, p := range tr {
		rest, ok := strings.CutPrefix(p, strings.TrimSuffix(dir, "/")+"/")
		if !ok || rest == "" {
			continue
		}
		name, below, _ := strings.Cut(rest, "/")
		if seen[name] == nil {
			seen[name] = &entry{name: name}
		}
		seen[name].dir = seen[name].dir || below != ""
	}
	var out []entry
	for _, e := range seen {
		out = append(out, *e)
	}
	slices.SortFunc(out, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	return out, nil
}

func granted(c covering, p string) bool {
	return slices.ContainsFunc(c.grant, func(g string) bool { return filesystem.Within(p, g) })
}

func TestCover(t *testing.T) {
	t.Parallel()
	disk := tree{"/bin/sh", "/etc/passwd", "/home/me/.local/state/proctor/keys", "/home/me/.local/share/x", "/home/me/work/a", "/home/me/work/.env", "/root/x"}
	for name, c := range map[string]struct {
		marks []mark
		want  covering
	}{
		"all":     {[]mark{{"/", true}}, covering{grant: []string{"/"}}},
		"nothing": {nil, covering{}},
		"own state": {[]mark{{"/", true}, {"/home/me/.local/state/proctor", false}}, covering{
			grant:    []string{"/bin", "/etc", "/home/me/.local/share", "/home/me/work", "/root"},
			unlisted: []string{"/", "/home", "/home/me", "/home/me/.local", "/home/me/.local/state"}}},
		"file in a root": {[]mark{{"/bin", true}, {"/home/me/work", true}, {"/home/me/work/.env", false}}, covering{
			grant: []string{"/bin", "/home/me/work/a"}, unlisted: []string{"/home/me/work"}}},
		"open below closed": {[]mark{{"/", true}, {"/home", false}, {"/home/me/work", true}}, covering{
			grant: []string{"/bin", "/etc", "/home/me/work", "/root"}, unlisted: []string{"/"}}},
		"closing wins": {[]mark{{"/bin", true}, {"/bin", false}}, covering{}},
	} {
		got, err := cover(c.marks, disk.list, 100)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(covering{})); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

// Law: what exists is granted exactly where the deepest mark opens it, but for the directories that hold something
// closed, and those are told.
func TestCoverGrantsWhatTheMarksOpen(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"a", "a-b", "b", "c"})
	anyPath := rapid.Custom(func(t *rapid.T) string { return "/" + path.Join(rapid.SliceOfN(names, 1, 4).Draw(t, "p")...) })
	rapid.Check(t, func(t *rapid.T) {
		disk := tree(rapid.SliceOfN(anyPath, 0, 12).Draw(t, "disk"))
		marks := []mark{{"/", rapid.Bool().Draw(t, "all")}}
		for _, p := range rapid.SliceOfN(anyPath, 0, 5).Draw(t, "marks") {
			marks = append(marks, mark{p, rapid.Bool().Draw(t, "open")})
		}
		c := coverer{marks: marks}
		got, err := cover(marks, disk.list, 1000)
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range disk {
			for ; p != "/"; p = path.Dir(p) {
				want := c.decide(p) && !slices.Contains(got.unlisted, p)
				if granted(got, p) != want {
					t.Fatalf("%s: granted %v, want %v; marks %v, %+v", p, !want, want, marks, got)
				}
			}
		}
		for i, g := range got.grant {
			if slices.ContainsFunc(got.grant[:i], func(h string) bool { return filesystem.Within(g, h) }) {
				t.Fatalf("%s is granted twice: %v", g, got.grant)
			}
		}
	})
}

func TestCoverIsBounded(t *testing.T) {
	t.Parallel()
	var disk tree
	for i := range 50 {
		disk = append(disk, fmt.Sprintf("/d/%d", i))
	}
	if _, err := cover([]mark{{"/", true}, {"/d/7", false}}, disk.list, 20); !errors.Is(err, errTooMany) {
		t.Errorf("got %v, want errTooMany", err)
	}
}

func TestAnotherNameOfAClosedFileStaysClosed(t *testing.T) {
	t.Parallel()
	list := func(dir string) ([]entry, error) {
		if dir != "/w" {
			return []entry{{name: "w", dir: true}}, nil
		}
		return []entry{{name: "a", id: "1"}, {name: "key", id: "1"}, {name: "z", id: "2"}}, nil
	}
	got, err := cover([]mark{{"/", true}, {"/w/key", false}}, list, 10)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"/w/z"}, got.grant); diff != "" {
		t.Errorf("granted (-want +got):\n%s", diff)
	}
}

// Law: the rules of a plan grant no right to change anything but the devices.
func TestRulesGrantReadingOnly(t *testing.T) {
	t.Parallel()
	p := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
		Writable:    []filesystem.Root{{Path: "/home/me/work", Kind: filesystem.Dir}},
		DeniedReads: []filesystem.Denied{{Path: "/home/me/.local/state/proctor", Kind: filesystem.Dir}}}
	disk := tree{"/bin/sh", "/dev/null", "/dev/sda", "/home/me/work/a", "/home/me/.local/state/proctor/keys"}
	set, err := rulesFor(p, disk.list)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range set.rules {
		if r.Access&^(readFile|readDir) != 0 && !slices.Contains(deviceNames(), r.Path) {
			t.Errorf("%s is granted %#x", r.Path, r.Access)
		}
		if filesystem.Within("/home/me/.local/state/proctor/keys", r.Path) || r.Access&readFile != 0 && filesystem.Within("/dev/sda", r.Path) {
			t.Errorf("%s is granted", r.Path)
		}
	}
}

func TestHandledGrowsWithTheABI(t *testing.T) {
	t.Parallel()
	for abi := 1; abi < 9; abi++ {
		a, b := handled(abi, true), handled(abi+1, true)
		if a.files&^b.files != 0 || a.net&^b.net != 0 || a.scoped&^b.scoped != 0 {
			t.Errorf("ABI %d handles less than %d", abi+1, abi)
		}
	}
	if h := handled(1, true); h.files != version1 || h.net != 0 || h.scoped != 0 {
		t.Errorf("ABI 1: %+v", h)
	}
	if h := handled(7, false); h.net != 0 {
		t.Errorf("open network: %+v", h)
	}
}

func TestRefused(t *testing.T) {
	t.Parallel()
	write := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff, Writable: []filesystem.Root{{Path: "/w"}}}
	read := filesystem.Plan{Mode: filesystem.ReadOnly, ReadAll: true, Network: filesystem.NetworkOff}
	proxied := write
	proxied.Network = filesystem.NetworkProxied
	for name, c := range map[string]struct {
		plan    filesystem.Plan
		abi     int
		watched bool
		refused bool
	}{
		"write":                     {write, 1, true, false},
		"write, nobody watches":     {write, 7, false, true},
		"read, nobody watches":      {read, 7, false, false},
		"read, nobody watches, old": {read, 5, false, true},
		"no Landlock":               {read, 0, true, true},
		"proxied":                   {proxied, 7, true, true},
		"unconfined":                {filesystem.Plan{Unconfined: true}, 7, true, true},
		"read, watched, oldest ABI": {read, 1, true, false},
	} {
		if why := refused(c.plan, c.abi, c.watched); (why != "") != c.refused {
			t.Errorf("%s: %q", name, why)
		}
	}
}
