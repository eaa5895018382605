package install

import "testing"

func TestOurs(t *testing.T) {
	for command, want := range map[string]bool{
		"proctor codex hook":                         true,
		"/usr/local/bin/proctor codex hook":          true,
		`"/opt/my tools/proctor" codex hook`:         true,
		"/opt/proctor-full codex hook --timeout 30s": true,
		"proctor codex hooks":                        false,
		"my-proctor codex hook":                      false,
		"/opt/guard.sh proctor codex hook":           false,
		"/opt/guard.sh /usr/bin/proctor codex hook":  false,
		"'guard' '/usr/bin/proctor' codex hook":      false,
		"proctor codex hook; guard":                  false,
		"proctor codex hook && guard":                false,
		"FORBID=1 proctor codex hook":                false,
		"python3 guard.py":                           false,
		"":                                           false,
	} {
		if got := Ours(command); got != want {
			t.Errorf("%q: %t, want %t", command, got, want)
		}
	}
}
