package netproxy

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"proctor/internal/certtest"
)

// secure is site with TLS for its name; it returns the file of the authority.
func (w *world) secure(public, name string, h http.Handler) (authority string) {
	w.t.Helper()
	a := certtest.New(w.t)
	l := tls.NewListener(w.listen(public), a.Server(a.Issue(name, name), false))
	s := &http.Server{Handler: h}
	var wg sync.WaitGroup
	wg.Go(func() { _ = s.Serve(l) })
	w.t.Cleanup(func() { _ = s.Close(); wg.Wait() })
	return a.File
}

func zipped(t *testing.T, files ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i := 0; i < len(files); i += 2 {
		f, err := z.Create(files[i])
		if err == nil {
			_, err = f.Write([]byte(files[i+1]))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// shop serves what each client wants: a page, a repository, a wheel, a package, a module and a crate.
func shop(t *testing.T) http.Handler {
	const metadata = "Metadata-Version: 2.1\nName: pkg\nVersion: 1.0\n"
	files := map[string][]byte{
		"/page":                          []byte("hello from the site\n"),
		"/simple/pkg/":                   []byte(`<!DOCTYPE html><html><body><a href="/pkg-1.0-py3-none-any.whl">pkg-1.0-py3-none-any.whl</a></body></html>`),
		"/npm/pkg":                       []byte(`{"name":"pkg","dist-tags":{"latest":"1.2.3"},"versions":{"1.2.3":{"name":"pkg","version":"1.2.3","dist":{"tarball":"https://site.test/none.tgz"}}}}`),
		"/go/site.test/m/@v/v1.0.0.info": []byte(`{"Version":"v1.0.0","Time":"2026-01-01T00:00:00Z"}`),
		"/go/site.test/m/@v/v1.0.0.mod":  []byte("module site.test/m\n"),
		"/go/site.test/m/@v/v1.0.0.zip":  zipped(t, "site.test/m@v1.0.0/go.mod", "module site.test/m\n", "site.test/m@v1.0.0/m.go", "package m\n"),
		"/cargo/config.json":             []byte(`{"dl":"https://site.test/cargo/dl"}`),
		"/cargo/3/p/pkg":                 []byte(`{"name":"pkg","vers":"1.0.0","deps":[],"cksum":"` + strings.Repeat("0", 64) + `","features":{},"yanked":false}` + "\n"),
		"/pkg-1.0-py3-none-any.whl": zipped(t, "pkg/__init__.py", "", "pkg-1.0.dist-info/METADATA", metadata,
			"pkg-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n", "pkg-1.0.dist-info/RECORD", ""),
	}
	repositories := http.Handler(http.NotFoundHandler())
	if git, err := exec.LookPath("git"); err == nil {
		dir := t.TempDir()
		for _, args := range [][]string{
			{"init", "-q", "work"}, {"-C", "work", "-c", "user.name=t", "-c", "user.email=t@example.com", "commit", "-q", "--allow-empty", "-m", "first"},
			{"clone", "-q", "--bare", "work", "repo.git"}, {"-C", "repo.git", "update-server-info"},
		} {
			cmd := exec.CommandContext(t.Context(), git, args...)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("git %v: %v: %s", args, err, out)
			}
		}
		repositories = http.FileServer(http.Dir(dir))
	}
	return http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		if b, ok := files[r.URL.Path]; ok {
			switch {
			case strings.HasPrefix(r.URL.Path, "/simple/"):
				rw.Header().Set("Content-Type", "text/html")
			case strings.HasPrefix(r.URL.Path, "/npm/"):
				rw.Header().Set("Content-Type", "application/json")
			}
			_, _ = rw.Write(b)
			return
		}
		repositories.ServeHTTP(rw, r)
	})
}

// TestClients: what people install packages with works through the proxy under a rule, and says what is wrong without one.
func TestClients(t *testing.T) {
	if testing.Short() {
		t.Skip("starts package managers, which takes seconds")
	}
	site := shop(t)
	for _, c := range []struct {
		name, script string
		want         string // in the output of the one that works
		refused      string // in that of the other
	}{
		{"curl", `curl -sS --cacert "$CA" https://site.test/page`, "hello from the site", "403"},
		{"curl plain", `curl -sS -f http://site.test/page`, "hello from the site", "403"},
		{"curl by SOCKS", `env -u https_proxy -u HTTPS_PROXY curl -sS --cacert "$CA" --proxy "$ALL_PROXY" https://site.test/page`, "hello from the site", "not allowed|ould not|can't complete|an't"},
		{"wget", `wget -nv -O - --ca-certificate="$CA" https://site.test/page`, "hello from the site", "403|Forbidden"},
		{"git", `git clone https://site.test/repo.git r && git -C r log --oneline`, "first", "403"},
		{"pip", `pip download --no-deps --disable-pip-version-check --retries 1 --index-url https://site.test/simple pkg`, "Successfully downloaded pkg", "403 Forbidden"},
		{"npm", `npm view --fetch-retries=0 --registry https://site.test/npm/ pkg version`, "1.2.3", "403|Forbidden|ECONN|tunnel"},
		{"go", `go mod init example.test/x && go mod download -x site.test/m@v1.0.0 && ls "$GOMODCACHE/site.test/m@v1.0.0"`, "m.go", "Forbidden"},
		{"cargo", `mkdir src && touch src/lib.rs && printf '[package]\nname = "x"\nversion = "0.1.0"\n[dependencies]\npkg = "1"\n' >Cargo.toml && cargo generate-lockfile && cat Cargo.lock`, `name = "pkg"`, "403"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tool, _, _ := strings.Cut(c.name, " ")
			if out, err := exec.CommandContext(t.Context(), tool, "version").CombinedOutput(); err != nil {
				if out2, err := exec.CommandContext(t.Context(), tool, "--version").CombinedOutput(); err != nil {
					t.Skipf("%s does not run here: %v: %s%s", tool, err, out, out2)
				}
			}
			for _, allowed := range []bool{true, false} {
				config := table("other.test")
				if allowed {
					config = table("site.test")
				}
				w := newWorld(t, config, Limits{})
				w.name("site.test", publicA)
				authority := w.secure(publicA+":443", "site.test", site)
				w.site(publicA+":80", site)
				w.serve(nil)
				out, err := w.run(c.script, authority)
				if allowed && (err != nil || !strings.Contains(out, c.want)) {
					t.Errorf("with a rule: %v, output lacks %q:\n%s", err, c.want, out)
				}
				said := false
				for word := range strings.SplitSeq(c.refused, "|") {
					said = said || strings.Contains(out, word)
				}
				if !allowed && (err == nil || !said) {
					t.Errorf("without a rule: %v, output lacks %q:\n%s", err, c.refused, out)
				}
				if len(w.decided) == 0 || w.decided[0].Host != "site.test" {
					t.Errorf("decisions %+v", w.decided)
				}
			}
		})
	}
}

// run runs a script in a folder of its own with the proxy's variables.
func (w *world) run(script, authority string) (string, error) {
	ctx, cancel := context.WithTimeout(w.t.Context(), 3*time.Minute)
	defer cancel()
	dir := w.t.TempDir()
	cmd := exec.CommandContext(ctx, "sh", "-ec", script)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	for _, v := range os.Environ() {
		name, _, _ := strings.Cut(v, "=")
		lower := strings.ToLower(name)
		if strings.Contains(lower, "proxy") || strings.HasPrefix(lower, "pip_") || strings.HasPrefix(lower, "npm_") || strings.HasPrefix(lower, "cargo_") || strings.HasPrefix(name, "GO") {
			continue
		}
		cmd.Env = append(cmd.Env, v)
	}
	config := filepath.Join(dir, "cargo")
	if err := os.MkdirAll(config, 0o700); err != nil {
		w.t.Fatal(err)
	}
	text := "[source.crates-io]\nreplace-with = \"site\"\n[source.site]\nregistry = \"sparse+https://site.test/cargo/\"\n[net]\nretry = 0\n"
	if err := os.WriteFile(filepath.Join(config, "config.toml"), []byte(text), 0o600); err != nil {
		w.t.Fatal(err)
	}
	at := "http://" + w.address
	cmd.Env = append(cmd.Env,
		"CA="+authority, "SSL_CERT_FILE="+authority, "GIT_SSL_CAINFO="+authority, "PIP_CERT="+authority, "REQUESTS_CA_BUNDLE="+authority, "CURL_CA_BUNDLE="+authority, "NODE_EXTRA_CA_CERTS="+authority, "CARGO_HTTP_CAINFO="+authority,
		"HTTP_PROXY="+at, "http_proxy="+at, "HTTPS_PROXY="+at, "https_proxy="+at, "ALL_PROXY=socks5h://"+w.address, "npm_config_https_proxy="+at, "npm_config_proxy="+at,
		"PIP_CONFIG_FILE=/dev/null", "PIP_NO_CACHE_DIR=1", "npm_config_userconfig=/dev/null", "npm_config_globalconfig="+dir+"/npmrc", "npm_config_cache="+dir+"/npm", "CARGO_HOME="+config,
		"GOENV=off", "GOPROXY=https://site.test/go", "GOSUMDB=off", "GOFLAGS=-modcacherw", "GOMODCACHE="+dir+"/mod", "GOCACHE="+dir+"/gocache", "GOTOOLCHAIN=local",
		"GIT_CONFIG_GLOBAL=/dev/null", "GIT_CONFIG_SYSTEM=/dev/null", "GIT_TERMINAL_PROMPT=0",
	)
	out, err := cmd.CombinedOutput()
	if ctx.Err() != nil {
		return string(out), fmt.Errorf("still ran after three minutes: %w", err)
	}
	return string(out), err
}
