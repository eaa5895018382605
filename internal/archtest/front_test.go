package archtest

import (
	"os/exec"
	"strings"
	"testing"
)

// heavy is what the front does without: its start would be the price. The whole program has all of it.
var heavy = []string{
	"proctor/bus", "proctor/ledger", "proctor/exporters", "proctor/executor/tool", "proctor/internal/app", "proctor/internal/responses",
	"proctor/internal/codex", "proctor/internal/redact", "proctor/reviewer/auto/remote", "proctor/reviewer/human",
	"github.com/nats-io", "github.com/cockroachdb", "go.opentelemetry.io", "google.golang.org", "github.com/modelcontextprotocol",
	"net/http", "crypto/tls", "encoding/gob", "html/template", "golang.org/x/net/http2",
}

func TestTheFrontIsLight(t *testing.T) {
	t.Parallel()
	whole := dependencies(t)
	for _, path := range heavy {
		if !links(whole, path) && !strings.HasPrefix(path, "proctor/") {
			t.Errorf("not even the whole program links %s: take it out of the table", path)
		}
	}
	front := dependencies(t, "-tags", "lean")
	for _, path := range heavy {
		if links(front, path) {
			t.Errorf("the front links %s: 'go list -tags lean -deps ./cmd/proctor' shows what does; move it to internal/app, or the import out of the way", path)
		}
	}
}

func links(deps []string, path string) bool {
	for _, d := range deps {
		if under(d, path) {
			return true
		}
	}
	return false
}

// dependencies are all packages that cmd/proctor links.
func dependencies(t *testing.T, flags ...string) []string {
	t.Helper()
	cmd := exec.Command("go", append(append([]string{"list", "-deps"}, flags...), "./cmd/proctor")...)
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v: %v", cmd.Args, err)
	}
	deps := strings.Fields(string(out))
	if len(deps) < 50 {
		t.Fatalf("%v lists %d packages only", cmd.Args, len(deps))
	}
	return deps
}
