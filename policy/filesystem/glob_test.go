package filesystem

import (
	"errors"
	"path"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func TestGlobCovers(t *testing.T) {
	t.Parallel()
	cases := []struct {
		pattern, path string
		depth         int // -1 = not covered
	}{
		{"/w/**/*.env", "/w/a.env", 2},
		{"/w/**/*.env", "/w/s/s/s/s/a.env", 6},
		{"/w/**/*.env", "/w/a.env/x", 2},
		{"/w/**/*.env", "/w/a.env/b.env", 3},
		{"/w/**/*.env", "/w/.env", 2},
		{"/w/**/*.env", "/w/a.envx", -1},
		{"/w/**/*.env", "/v/a.env", -1},
		{"/w/*.env", "/w/s/a.env", -1},
		{"/w/*", "/w", -1},
		{"/w/*", "/w/a/b", 2},
		{"/w/s/**", "/w/s", 2},
		{"/w/s/**", "/w/s/a/b", 2},
		{"/w/s/**/", "/w/t", -1},
		{"/**/id_rsa", "/home/u/.ssh/id_rsa", 4},
		{"/w/?.key", "/w/é.key", 2},
		{"/w/?.key", "/w/ab.key", -1},
		{"/w/[a-c]*.x", "/w/bcd.x", 2},
		{"/w/[a-c]*.x", "/w/dcd.x", -1},
		{"/w/[!a-c].x", "/w/d.x", 2},
		{"/w/[^a-c].x", "/w/a.x", -1},
		{"/w/[]x].y", "/w/].y", 2},
		{"/w/[a-].y", "/w/-.y", 2},
		{"/w/*.{pem,key}", "/w/a.key", 2},
		{"/w/*.{pem,key}", "/w/a.crt", -1},
		{"/w/{a,b/c}/*", "/w/b/c/d", 4},
		{`/w/\*.env`, "/w/*.env", 2},
		{`/w/\*.env`, "/w/a.env", -1},
		{"/w/**/a/**/b", "/w/a/b", 3},
		{"/w/**/a/**/b", "/w/x/a/y/z/b/q", 7},
		{"/w/a*b*c", "/w/aXbYc", 2},
		{"/w//./x*", "/w/xy", 2},
		{"/w/exact", "/w/exact/below", 2},
		{"/**", "/anything", 0},
	}
	for _, c := range cases {
		g, err := CompileGlob(c.pattern)
		if err != nil {
			t.Errorf("%s: %v", c.pattern, err)
			continue
		}
		depth, ok := g.Covers(c.path)
		if ok != (c.depth >= 0) || ok && depth != c.depth && c.path != "/w/x/a/y/z/b/q" {
			t.Errorf("%s covers %s: %d, %v; want %d", c.pattern, c.path, depth, ok, c.depth)
		}
	}
}

func TestGlobRefuses(t *testing.T) {
	t.Parallel()
	for _, p := range []string{"", "w/*", "*", "/w/[a", "/w/[", "/w/[!", "/w/{a,b", "/w/[z-a]", `/w/*\`, "/w/../*", "/w/\x00*",
		"/w/" + strings.Repeat("{a,b}", 8), "/" + strings.Repeat("x", maxGlobBytes)} {
		if _, err := CompileGlob(p); !errors.Is(err, ErrGlob) {
			t.Errorf("%.40q: %v, want ErrGlob", p, err)
		}
	}
}

func TestGlobBase(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{"/w/**/*.env": "/w", "/w/a/b*": "/w/a", "/*": "/", "/w/a{b,c}/*": "/w", "/w/{b,c}/*": "/w",
		"/w/exact": "/w/exact", `/w/\*x`: `/w/*x`, "/w/a{x,y}z": "/w", "/w/{d/x,d/y}/*": "/w/d", "/w/[a]/*": "/w/a"} {
		g, err := CompileGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		if got := g.Base(); got != want {
			t.Errorf("base of %s: %s, want %s", pattern, got, want)
		}
	}
}

func TestGlobRebase(t *testing.T) {
	t.Parallel()
	for pattern, want := range map[string]string{"/w/**/*.env": "/r[x]/**/*.env", "//w/./d/*": "/r[x]/*", "/w/{a,b}/*": "/r[x]/{a,b}/*", "/*": "/r[x]/*", "/w/x": "/r[x]/"} {
		g, err := CompileGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		got, err := g.Rebase("/r[x]")
		if err != nil {
			t.Fatal(err)
		}
		if want = strings.Replace(want, "[x]", `\[x\]`, 1); got.String() != want {
			t.Errorf("%s rebased: %s, want %s", pattern, got, want)
		}
	}
}

// Law: whatever is covered, so is everything below it, and a trailing /** changes nothing.
func TestGlobCoversWhatLiesBelow(t *testing.T) {
	t.Parallel()
	names := rapid.SampledFrom([]string{"a", "b", "ab", "*", "**", "a*", "?", "[ab]"})
	plain := rapid.SampledFrom([]string{"a", "b", "ab", "c"})
	rapid.Check(t, func(t *rapid.T) {
		pattern := "/" + strings.Join(rapid.SliceOfN(names, 1, 4).Draw(t, "pattern"), "/")
		p := "/" + path.Join(rapid.SliceOfN(plain, 1, 5).Draw(t, "path")...)
		g, err := CompileGlob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		depth, ok := g.Covers(p)
		if _, below := g.Covers(p + "/x"); ok && !below {
			t.Fatalf("%s covers %s and not what lies below", pattern, p)
		}
		longer, err := CompileGlob(pattern + "/**")
		if err != nil {
			t.Fatal(err)
		}
		if d, same := longer.Covers(p); same != ok || d != depth {
			t.Fatalf("%s/** differs on %s: %d %v, %d %v", pattern, p, d, same, depth, ok)
		}
		if ok && !Within(p, g.Base()) {
			t.Fatalf("%s covers %s outside of its base %s", pattern, p, g.Base())
		}
	})
}

func FuzzGlob(f *testing.F) {
	for _, s := range []string{"/w/**/*.env", "/w/{a,b}/[!x-z]?", `/\*`, "/[[]", "/{{a,b},c}", "/****/*"} {
		f.Add(s, "/w/a/b.env")
	}
	f.Fuzz(func(t *testing.T, pattern, p string) {
		if len(p) > 4096 {
			return
		}
		start := time.Now()
		g, err := CompileGlob(pattern)
		if err != nil {
			return
		}
		if depth, ok := g.Covers(p); ok && (depth > Depth(p) || !canonical(p)) {
			t.Errorf("%q covers %d names of %q", pattern, depth, p)
		}
		if took := time.Since(start); took > 5*time.Second {
			t.Errorf("%q on %q took %v", pattern, p, took)
		}
		if base := g.Base(); !canonical(base) {
			t.Errorf("base of %q is %q", pattern, base)
		}
	})
}

func TestDeniedNamesDecide(t *testing.T) {
	t.Parallel()
	p := examplePlan()
	p.DeniedGlobs = []string{"/w/**/*.env", "/w/later"}
	p.Writable = append(p.Writable, Root{Path: "/w/x.env/open", Kind: Dir})
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]Verdict{
		"/w/a":                {true, ReasonWritableRoot, "/w"},
		"/w/a.env":            {false, ReasonDeniedRead, "/w/**/*.env"},
		"/w/d/a.env/x":        {false, ReasonDeniedRead, "/w/**/*.env"},
		"/w/later/x":          {false, ReasonDeniedRead, "/w/later"},
		"/w/x.env/open/f":     {true, ReasonWritableRoot, "/w/x.env/open"},
		"/w/x.env/open/a.env": {false, ReasonDeniedRead, "/w/**/*.env"},
		"/v/a.env":            {false, ReasonOutsideWritableRoots, ""},
	} {
		if got := p.CheckWrite(path); got != want {
			t.Errorf("CheckWrite(%q) = %+v, want %+v", path, got, want)
		}
		if want.Reason != ReasonOutsideWritableRoots {
			if got := p.CheckRead(path); got.Allowed != want.Allowed {
				t.Errorf("CheckRead(%q) = %+v, want %v", path, got, want.Allowed)
			}
		}
	}
	p.DeniedGlobs = []string{"/w/["}
	if err := p.Validate(); !errors.Is(err, ErrInvalidPlan) {
		t.Errorf("broken pattern: %v", err)
	}
	if v := p.CheckRead("/w/a"); v.Allowed {
		t.Error("a broken pattern opens everything")
	}
}
