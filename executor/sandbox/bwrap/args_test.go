//go:build linux

package bwrap

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/executor/sandbox"
	"proctor/executor/sandbox/view"
	"proctor/policy/filesystem"
)

func TestArguments(t *testing.T) {
	t.Parallel()
	s := sandbox.Spec{Argv: []string{"true"}, Dir: "/w", Env: []string{"A=b c", "LD_PRELOAD=/x", "broken", "=odd"},
		Plan: filesystem.Plan{Mode: filesystem.WorkspaceWrite, Network: filesystem.NetworkOff}}
	ops := []view.Op{{Kind: view.Writable, Path: "/w"}, {Kind: view.Placeholder, Path: "/w/.git"}, {Kind: view.ReadOnly, Path: "/w/.codex"},
		{Kind: view.HideDir, Path: "/s"}, {Kind: view.HideFile, Path: "/w/k"}}
	got, err := arguments(s, ops, "/hidden")
	if err != nil {
		t.Fatal(err)
	}
	want := "--unshare-user --unshare-pid --unshare-ipc --unshare-net --die-with-parent --new-session --cap-drop ALL " +
		"--seccomp 4 --json-status-fd 5 --ro-bind / / --dev /dev --proc /proc --remount-ro /proc " +
		"--bind /w /w --ro-bind /w/.git /w/.git --ro-bind /w/.codex /w/.codex --perms 000 --tmpfs /s --remount-ro /s " +
		"--ro-bind /hidden /w/k --chdir /w --setenv A b_c --setenv LD_PRELOAD /x --setenv CODEX_SANDBOX_NETWORK_DISABLED 1"
	for i := range got {
		got[i] = strings.ReplaceAll(got[i], " ", "_")
	}
	if diff := cmp.Diff(strings.Fields(want), got); diff != "" {
		t.Errorf("arguments (-want +got):\n%s", diff)
	}

	s.Plan.Network = filesystem.NetworkOn
	got, err = arguments(s, []view.Op{{Kind: view.Writable, Path: "/"}}, "/hidden")
	if err != nil {
		t.Fatal(err)
	}
	text := strings.Join(got, " ")
	if strings.Contains(text, "--unshare-net") || strings.Contains(text, "DISABLED") || !strings.Contains(text, " --bind / / --dev /dev --proc /proc --remount-ro /proc") {
		t.Errorf("network on, root writable: %s", text)
	}
}

func TestArgumentsRefuse(t *testing.T) {
	t.Parallel()
	for _, op := range []view.Op{{Kind: view.PinLink, Path: "/w/.codex"}, {Kind: view.Writable, Path: "/proc/sys"},
		{Kind: view.Writable, Path: "/dev"}, {Kind: view.Kind(99), Path: "/w"}} {
		if _, err := arguments(sandbox.Spec{Dir: "/"}, []view.Op{op}, "/hidden"); !errors.Is(err, sandbox.ErrUnsupported) {
			t.Errorf("%+v: %v, want ErrUnsupported", op, err)
		}
	}
}
