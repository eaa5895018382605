//go:build linux

package denial

import (
	"path"
	"testing"

	"pgregory.net/rapid"

	"proctor/policy/filesystem"
)

// Law: in a free folder the plan allows writing to every name.
func TestFreeFoldersAreFree(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"a", "b", ".git", "c"})
	paths := rapid.Custom(func(t *rapid.T) string { return "/" + path.Join(rapid.SliceOfN(names, 1, 4).Draw(t, "p")...) })
	some := rapid.SliceOfN(paths, 0, 2)
	free := 0
	rapid.Check(t, func(t *rapid.T) {
		p := filesystem.Plan{Mode: filesystem.WorkspaceWrite, ReadAll: true, Network: filesystem.NetworkOff,
			ReadOnly: some.Draw(t, "read-only"), Linked: some.Draw(t, "linked"), Readable: some.Draw(t, "readable")}
		for _, root := range some.Draw(t, "roots") {
			p.Writable = append(p.Writable, filesystem.Root{Path: root, Kind: filesystem.Dir,
				Protected: []filesystem.Protected{{Path: path.Join(root, ".git"), Kind: filesystem.Missing}}})
		}
		for _, d := range some.Draw(t, "denied") {
			p.DeniedReads = append(p.DeniedReads, filesystem.Denied{Path: d, Kind: filesystem.Dir})
		}
		root := rapid.SampledFrom(append([]string{"/"}, p.Paths()...)).Draw(t, "near")
		folder, name := path.Join(root, rapid.SampledFrom([]string{"", "a", "b/c"}).Draw(t, "folder")), names.Draw(t, "name")
		if !freeFolders(p)(folder) {
			return
		}
		free++
		if v := p.CheckWrite(path.Join(folder, name)); !v.Allowed {
			t.Fatalf("%s in the free folder %s: %+v", name, folder, v)
		}
	})
	if free == 0 {
		t.Error("no folder was free")
	}
}
