package siem_test

import (
	"bufio"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"proctor/event"
	"proctor/exporters"
	"proctor/exporters/siem"
	"proctor/internal/redact"
)

// deliver sends a whole ledger to a destination and returns the report.
func deliver(t *testing.T, o siem.Options) exporters.Report {
	t.Helper()
	l := ledger(t)
	o.Policy = redact.New(redact.Options{})
	if o.Name == "" {
		o.Name = "test"
	}
	d, err := siem.New(o)
	if err != nil {
		t.Fatal(err)
	}
	x, err := exporters.New(d, l, l, exporters.Options{Head: l.Head, FromBeginning: true, FlushWithin: hang, Limits: exporters.Limits{Records: 10}})
	if err != nil {
		t.Fatal(err)
	}
	report := x.Flush(t.Context())
	if err := x.Close(); err != nil {
		t.Error(err)
	}
	return report
}

// syslogServer reads RFC 6587 frames; the first connection is cut after cut bytes, when that is not 0.
type syslogServer struct {
	net.Listener
	mu       sync.Mutex
	messages []string
	cut      int64
	work     sync.WaitGroup
}

func (s *syslogServer) serve() {
	for {
		c, err := s.Accept()
		if err != nil {
			return
		}
		var r io.Reader = c
		s.mu.Lock()
		if s.cut > 0 {
			r, s.cut = io.LimitReader(c, s.cut), 0
		}
		s.mu.Unlock()
		s.work.Go(func() {
			defer func() { _ = c.Close() }()
			for in := bufio.NewReader(r); ; {
				var n int
				if _, err := fmt.Fscanf(in, "%d ", &n); err != nil {
					return
				}
				m := make([]byte, n)
				if _, err := io.ReadFull(in, m); err != nil {
					return
				}
				s.mu.Lock()
				s.messages = append(s.messages, string(m))
				s.mu.Unlock()
			}
		})
	}
}

func (s *syslogServer) ids() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	ids := map[string]bool{}
	for _, m := range s.messages {
		_, rest, _ := strings.Cut(m, "externalId=")
		id, _, _ := strings.Cut(rest, " ")
		ids[id] = true
	}
	return ids
}

func TestSyslogOverTCPAndTLS(t *testing.T) {
	t.Parallel()
	certificate := httptest.NewTLSServer(nil)
	defer certificate.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: certificate.Certificate().Raw}), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name   string
		secure bool
		cut    int64
		ca     string
		fails  bool
	}{{"tcp", false, 0, "", false}, {"cut", false, 3000, "", false}, {"tls", true, 0, ca, false}, {"unknown CA", true, 0, "", true}} {
		t.Run(c.name, func(t *testing.T) {
			l, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			s := &syslogServer{Listener: l, cut: c.cut}
			scheme := "tcp"
			if c.secure {
				scheme = "tls"
				s.Listener = tls.NewListener(l, &tls.Config{Certificates: certificate.TLS.Certificates, MinVersion: tls.VersionTLS12})
			}
			s.work.Go(s.serve)
			r := deliver(t, siem.Options{Format: siem.CEF, Target: scheme + "://" + l.Addr().String(), Host: "a host", CACertificate: c.ca})
			_ = l.Close()
			s.work.Wait()
			if c.fails {
				if r.Err == nil || len(s.messages) > 0 {
					t.Errorf("sent to a stranger: %v", r)
				}
				return
			}
			if want := len(event.Catalog()) - 2; r.Left != 0 || len(s.ids()) != want {
				t.Errorf("%v; %d events arrived, want %d", r, len(s.ids()), want)
			}
			if m := s.messages[0]; !strings.HasPrefix(m, "<110>1 2026-11-23T09:10:17.724000Z a_host proctor ") || !strings.Contains(m, ` [meta sequenceId="1"][origin software="proctor"] CEF:0|proctor|proctor|1|`) {
				t.Errorf("message %q", m)
			}
		})
	}
}

// splunk is an HTTP Event Collector with scripted answers.
type splunk struct {
	mu      sync.Mutex
	answers []answer // of posts, one each; then well
	slow    int      // polls before a batch is acknowledged
	polls   map[string]int
	events  []map[string]any
	posts   int
	acks    bool
}

type answer struct {
	status int
	body   string
}

func (s *splunk) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if r.Header.Get("Authorization") != "Splunk t0ken" || r.Header.Get("X-Splunk-Request-Channel") == "" || r.URL.Query().Get("channel") == "" {
		w.WriteHeader(http.StatusForbidden)
		_, _ = io.WriteString(w, `{"text":"Invalid token","code":4}`)
		return
	}
	if strings.HasSuffix(r.URL.Path, "/ack") {
		var q struct{ Acks []int }
		_ = json.NewDecoder(r.Body).Decode(&q)
		key := fmt.Sprint(q.Acks[0])
		s.polls[key]++
		_, _ = fmt.Fprintf(w, `{"acks":{"%s":%v}}`, key, s.polls[key] > s.slow)
		return
	}
	s.posts++
	if len(s.answers) > 0 {
		a := s.answers[0]
		s.answers = s.answers[1:]
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body)
		return
	}
	for d := json.NewDecoder(r.Body); ; {
		var e map[string]any
		if d.Decode(&e) != nil {
			break
		}
		s.events = append(s.events, e)
	}
	if s.acks {
		_, _ = fmt.Fprintf(w, `{"text":"Success","code":0,"ackId":%d}`, s.posts)
		return
	}
	_, _ = io.WriteString(w, `{"text":"Success","code":0}`)
}

func TestCollectorMovesOnWhenItAcknowledges(t *testing.T) {
	t.Parallel()
	whole := len(event.Catalog()) - 2
	for _, c := range []struct {
		name    string
		splunk  *splunk
		token   string
		arrive  int
		left    bool
		blocked bool
	}{
		{"well", &splunk{acks: true, slow: 2}, "t0ken", whole, false, false},
		{"busy once", &splunk{acks: true, answers: []answer{{503, `{"text":"Server is busy","code":9}`}}}, "t0ken", whole, false, false},
		{"bad data once", &splunk{acks: true, answers: []answer{{400, `{"text":"Invalid data format","code":6}`}}}, "t0ken", whole - 10, false, false},
		{"too large once", &splunk{acks: true, answers: []answer{{413, ``}}}, "t0ken", whole, false, false},
		{"no acknowledgements", &splunk{}, "t0ken", 10, true, true},
		{"wrong token", &splunk{acks: true}, "other", 0, true, true},
		{"garbage once", &splunk{acks: true, answers: []answer{{200, "<html>"}}}, "t0ken", whole, false, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := c.splunk
			s.polls = map[string]int{}
			server := httptest.NewServer(s)
			r := deliver(t, siem.Options{Format: siem.OCSF, Target: server.URL, Token: c.token, Index: "audit", Host: "h"})
			server.Close()
			if len(s.events) < c.arrive || c.arrive == 0 && len(s.events) > 0 || (r.Left > 0) != c.left {
				t.Errorf("%v; %d events arrived, want %d", r, len(s.events), c.arrive)
			}
			for _, e := range s.events {
				if e["index"] != "audit" || e["sourcetype"] != "proctor:ocsf" || e["host"] != "h" || e["event"].(map[string]any)["class_uid"] == nil {
					t.Errorf("event %v", e)
				}
			}
			if strings.Contains(fmt.Sprint(r), "t0ken") {
				t.Errorf("the report tells the token: %v", r)
			}
		})
	}
}

func TestFilesRotate(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := filepath.Join(dir, "events.json")
	if r := deliver(t, siem.Options{Format: siem.ECS, Target: "file:" + path, MaxBytes: 12_000, Files: 2}); r.Left != 0 {
		t.Errorf("%v", r)
	}
	files, _ := filepath.Glob(path + "*")
	if len(files) != 3 {
		t.Errorf("files %v", files)
	}
	for _, f := range files {
		info, err := os.Stat(f)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, mode %v", f, err, info.Mode())
		}
	}
}

func TestWrongOptionsAreRefused(t *testing.T) {
	t.Parallel()
	for _, o := range []siem.Options{
		{Format: "xml", Target: "file:/x"}, {Format: siem.CEF, Target: "udp://h:1"}, {Format: siem.CEF, Target: "file:/no/such/folder/x"},
		{Format: siem.CEF, Target: "tls://h:1", CACertificate: "/no/such"}, {Format: siem.CEF, Target: "tls://h:1", ClientCertificate: "/no/such"},
	} {
		if _, err := siem.New(o); err == nil {
			t.Errorf("%v was accepted", o)
		}
	}
	if text := fmt.Sprintf("%v %+v %#v", siem.Options{Token: "t0ken"}, siem.Options{Token: "t0ken"}, siem.Options{Token: "t0ken"}); strings.Contains(text, "t0ken") {
		t.Error("the token is printed")
	}
}
