package app

import (
	"strings"
	"testing"
)

func TestCodexCheck(t *testing.T) {
	t.Parallel()
	for printed, ok := range map[string]bool{"codex-cli 0.169.0\n": true, "codex-cli 0.170.1\n": false, "": false, "0.169.0": true} {
		c := codexCheck("/bin/codex", printed)
		if c.OK != ok || c.Needed || !ok && !strings.Contains(c.Detail, "0.169.0") {
			t.Errorf("%q: %+v", printed, c)
		}
	}
}
