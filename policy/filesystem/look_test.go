package filesystem

import (
	"testing"

	"pgregory.net/rapid"
)

// Who looks writes nothing, reads nothing that was hidden, and has no network, whatever the plan allows.
func TestLookingNeverWidens(t *testing.T) {
	plan := Plan{
		Mode: WorkspaceWrite, ReadAll: true, Network: NetworkOn,
		Writable:    []Root{{Path: "/ws", Kind: Dir, Protected: []Protected{{Path: "/ws/.git", Kind: Dir, Name: ".git"}}}, {Path: "/tmp", Kind: Dir}},
		DeniedReads: []Denied{{Path: "/ws/.env", Kind: File}}, ReadOnly: []string{"/ws/ro"}, Linked: []string{"/ws/linked"},
	}
	closed := plan
	closed.Mode, closed.ReadAll, closed.Readable = NamedProfile, false, []string{"/usr"}
	full := Plan{Mode: DangerFullAccess, Unconfined: true, ReadAll: true, Network: NetworkOn}
	rapid.Check(t, func(t *rapid.T) {
		p := rapid.SampledFrom([]Plan{plan, closed, full}).Draw(t, "plan")
		path := rapid.SampledFrom([]string{"/ws", "/ws/a", "/ws/.env", "/ws/.git/config", "/tmp/x", "/usr/bin/cat", "/etc/passwd", "/ws/ro/x"}).Draw(t, "path")
		look := p.Looking()
		if err := look.Validate(); err != nil {
			t.Fatal(err)
		}
		if look.CheckWrite(path).Allowed || look.Network != NetworkOff || look.Unconfined {
			t.Fatalf("%+v lets %s be written", look, path)
		}
		if was, now := p.CheckRead(path).Allowed, look.CheckRead(path).Allowed; was != now {
			t.Fatalf("%s: readable %v, then %v", path, was, now)
		}
	})
}
