package execserver

import (
	"encoding/json"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"proctor/policy/filesystem"
)

// transcript is what Codex 0.169.0 and its own executor said to each other, with paths of our own and without repetitions.
const transcript = "testdata/codex-0.169.0.txt"

// said are the messages of one side.
func said(t testing.TB, by string) [][]byte {
	t.Helper()
	text, err := os.ReadFile(transcript)
	if err != nil {
		t.Fatal(err)
	}
	var out [][]byte
	for _, line := range strings.Split(string(text), "\n") {
		if m, ok := strings.CutPrefix(line, by+" "); ok {
			out = append(out, []byte(m))
		}
	}
	if len(out) < 20 {
		t.Fatalf("%d messages of the %s in %s", len(out), by, transcript)
	}
	return out
}

func requests(t testing.TB) [][]byte { return said(t, "client") }

// members are the names in a JSON object, those of objects in it as "a.b".
func members(t *testing.T, v any) []string {
	t.Helper()
	b, err := json.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal(b, &object); err != nil {
		t.Fatalf("%s: %v", b, err)
	}
	return slices.Sorted(maps.Keys(object))
}

// What the client sends has the members that were observed, each method its own: another version that sends more or less is seen here.
func TestRequestsAreAsObserved(t *testing.T) {
	t.Parallel()
	want := map[string][]string{
		"initialize":             {"clientName", "resumeSessionId"},
		"initialized":            {},
		"fs/getMetadata":         {"path", "sandbox"},
		"fs/readFile":            {"path", "sandbox"},
		"fs/writeFile":           {"dataBase64", "path", "sandbox"},
		"fs/createDirectory":     {"path", "recursive", "sandbox"},
		"fs/remove":              {"force", "path", "recursive", "sandbox"},
		"fs/watchMissing":        {"missing", "present", "watchId"},
		"environmentConfig/read": {"configPaths", "cwd", "requirementsPaths"},
		"process/start":          {"arg0", "argv", "cwd", "enforceManagedNetwork", "env", "envPolicy", "managedNetwork", "metadata", "pipeStdin", "processId", "sandbox", "tty"},
		"process/terminate":      {"processId"},
	}
	got := map[string][]string{}
	for _, frame := range requests(t) {
		m, err := decode(frame)
		if err != nil {
			t.Errorf("%.100s: %v", frame, err)
			continue
		}
		got[m.Method] = append([]string{}, members(t, m.Params)...)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	for method := range want {
		switch _, served := methods[method]; {
		case !served && method != "initialized" && method != "fs/watchMissing" && method != "environmentConfig/read": // asked for by capability only
			t.Errorf("%s is not served", method)
		}
	}
}

// Our answers and notices have the members that those of the CLI's own executor have.
func TestAnswersAreAsObserved(t *testing.T) {
	t.Parallel()
	asked := map[string]string{}
	for _, frame := range requests(t) {
		if m, err := decode(frame); err == nil {
			asked[string(m.ID)] = m.Method
		}
	}
	ours := map[string]any{
		"fs/getMetadata": metadataAnswer{}, "fs/readFile": contentAnswer{}, "fs/writeFile": done, "fs/createDirectory": done, "fs/remove": done,
		"process/start": startedAnswer{}, "process/terminate": runningAnswer{},
		"process/output": outputNotice{ProcessID: "p"}, "process/exited": exitedNotice{}, "process/closed": closedNotice{},
	}
	checked := map[string]bool{}
	for _, frame := range said(t, "server") {
		var m struct {
			ID             json.RawMessage
			Method         string
			Result, Params json.RawMessage
		}
		if err := json.Unmarshal(frame, &m); err != nil {
			t.Fatal(err)
		}
		name, theirs := m.Method, m.Params
		if name == "" {
			name, theirs = asked[string(m.ID)], m.Result
		}
		mine, served := ours[name]
		if !served || theirs == nil {
			continue
		}
		checked[name] = true
		if diff := cmp.Diff(members(t, theirs), members(t, mine)); diff != "" {
			t.Errorf("%s: -theirs +ours\n%s", name, diff)
		}
	}
	if len(checked) < 8 {
		t.Errorf("compared %d kinds of messages only", len(checked))
	}
}

func TestTheSandboxOfAWorkspace(t *testing.T) {
	t.Parallel()
	for _, frame := range requests(t) {
		m, _ := decode(frame)
		p, bad := params[startParams](m)
		if m.Method != "process/start" || bad != nil {
			continue
		}
		got, err := p.Sandbox.request("/elsewhere", "/t")
		if err != nil {
			t.Fatal(err)
		}
		want := filesystem.Request{Mode: filesystem.NamedProfile, WorkspaceRoots: []string{"/work/space"}, TmpDir: "/t"}
		add := func(place, sub string, a filesystem.Access) {
			want.Profile.Entries = append(want.Profile.Entries, filesystem.Entry{Place: place, Sub: sub, Access: a})
		}
		add(":root", "", filesystem.AccessRead)
		add(":workspace_roots", "", filesystem.AccessWrite)
		add(":slash_tmp", "", filesystem.AccessWrite)
		add(":tmpdir", "", filesystem.AccessWrite)
		for _, name := range filesystem.ProtectedNames() {
			add(":workspace_roots", name, filesystem.AccessRead)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("-want +got\n%s", diff)
		}
		return
	}
	t.Fatal("no command in the transcript")
}

// What is not understood of a sandbox may be what it takes away.
func TestAnUnknownSandboxIsRefused(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		`{"permissions":{"type":"newer"}}`,
		`{"permissions":{"type":"managed","network":"half","file_system":{"type":"unrestricted"}}}`,
		`{"permissions":{"type":"managed","file_system":{"type":"other"}}}`,
		`{"permissions":{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"path","path":"relative"},"access":"write"}]}}}`,
		`{"permissions":{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"path","path":"/a"},"access":"execute"}]}}}`,
		`{"permissions":{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"special","value":{"kind":"moon"}},"access":"none"}]}}}`,
		`{"permissions":{"type":"managed","file_system":{"type":"restricted","entries":[{"path":{"type":"inode"},"access":"read"}]}}}`,
	} {
		var i intent
		if err := json.Unmarshal([]byte(text), &i); err != nil {
			t.Fatal(err)
		}
		if r, err := i.request("/w", ""); err == nil {
			t.Errorf("%s: %+v", text, r)
		}
	}
}

func TestPathsOfURIs(t *testing.T) {
	t.Parallel()
	for uri, want := range map[string]string{
		"file:///a/b": "/a/b", "file:///a%20b/../c": "/c", "file://host/a": "", "/a": "", "file:a": "", "http://x/a": "", "file:///a%00": "", "": "",
	} {
		got, bad := pathOf(uri)
		if got != want || (bad == nil) != (want != "") {
			t.Errorf("%q: %q, %v; want %q", uri, got, bad, want)
		}
	}
	if got := uriOf("/a b/ä"); got != "file:///a%20b/%C3%A4" {
		t.Error(got)
	}
}

func TestOutputCanBeReadAgain(t *testing.T) {
	t.Parallel()
	var o output
	o.add("stdout", []byte("one"))
	o.add("stderr", []byte("two"))
	if a, _ := o.after(1, 100); len(a.Chunks) != 1 || string(a.Chunks[0].Chunk) != "two" || a.NextSeq != 3 || a.Exited {
		t.Errorf("%+v", a)
	}
	if a, _ := o.after(0, 3); len(a.Chunks) != 1 || a.NextSeq != 2 {
		t.Errorf("within 3 bytes: %+v", a)
	}
	_, more := o.after(2, 100)
	o.exit(4, true)
	o.close()
	select {
	case <-more:
	default:
		t.Error("nobody was woken")
	}
	if a, _ := o.after(2, 100); !a.Exited || *a.ExitCode != 4 || !a.Closed || !a.SandboxDenied || len(a.Chunks) != 0 {
		t.Errorf("%+v", a)
	}
	for range 40 {
		o.add("stdout", make([]byte, 64<<10))
	}
	if o.retained > maxRetained {
		t.Errorf("%d bytes are kept", o.retained)
	}
}
