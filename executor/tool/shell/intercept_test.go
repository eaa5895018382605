//go:build unix

package shell

import "testing"

func TestPatchCommand(t *testing.T) {
	const hdoc = "apply_patch <<'EOF'\nP $x\\y\nEOF"
	for _, c := range []struct {
		script, dir string
		ok          bool
	}{
		{hdoc, "", true},
		{hdoc + "\n\n", "", true},
		{"apply_patch <<EOF\nP $x\\y\nEOF", "", true},
		{"applypatch <<\"EOF\"\nP $x\\y\nEOF", "", true},
		{"cd sub/dir && " + hdoc, "sub/dir", true},
		{"cd '/a b' && " + hdoc, "/a b", true},
		{`cd "a b" && ` + hdoc, "a b", true},
		{hdoc + "\necho after", "", false},
		{"echo before\n" + hdoc, "", false},
		{"cd sub; " + hdoc, "", false},
		{"cd sub || " + hdoc, "", false},
		{"cd $HOME && " + hdoc, "", false},
		{"cd ~ && " + hdoc, "", false},
		{"cd - && " + hdoc, "", false},
		{"cd a b && " + hdoc, "", false},
		{"cd a && cd b && " + hdoc, "", false},
		{"true && " + hdoc, "", false},
		{"! " + hdoc, "", false},
		{"apply_patch <<'EOF' > out\nP\nEOF", "", false},
		{"apply_patch <<'EOF' &\nP\nEOF", "", false},
		{"X=1 apply_patch <<'EOF'\nP\nEOF", "", false},
		{"apply_patch --x <<'EOF'\nP\nEOF", "", false},
		{"apply_patch <<-'EOF'\nP\nEOF", "", false},
		{"apply_patch 3<<'EOF'\nP\nEOF", "", false},
		{"cat <<'EOF' | apply_patch\nP\nEOF", "", false},
		{"./apply_patch <<'EOF'\nP\nEOF", "", false},
		{"(apply_patch <<'EOF'\nP\nEOF\n)", "", false},
		{"apply_patch <<'EOF'\nP", "", false},
		{"echo apply_patch '<<'", "", false},
	} {
		dir, text, ok := patchCommand(c.script)
		if ok != c.ok || dir != c.dir || ok && text != "P $x\\y\n" {
			t.Errorf("%q: got %q %q %v", c.script, dir, text, ok)
		}
	}
}

func FuzzPatchCommand(f *testing.F) {
	f.Add("cd a && apply_patch <<'EOF'\n*** Begin Patch\nEOF\n")
	f.Add("apply_patch <<E\n$(x\nE")
	f.Fuzz(func(t *testing.T, script string) {
		if _, text, ok := patchCommand(script); ok && len(text) > len(script) {
			t.Fatalf("%q became %q", script, text)
		}
	})
}
