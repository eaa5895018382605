//go:build linux

package main

import (
	"encoding/json"
	"net"
	"net/http"
	"net/http/httputil"
	"net/url"
	"sync"
	"time"

	"proctor/internal/fakemodel"
)

// script is a turn of n commands, one an answer, and a last message.
func script(command string, n int) fakemodel.Scenario {
	args, _ := json.Marshal(map[string]string{"cmd": command}) // a map of strings always encodes
	steps := make([]fakemodel.Step, 0, n+1)
	for range n {
		steps = append(steps, fakemodel.Step{Parts: []fakemodel.Part{{Call: "exec_command", Args: args}}})
	}
	return fakemodel.Scenario{Name: "bench", Steps: append(steps, fakemodel.Step{Parts: []fakemodel.Part{{Say: "done"}}})}
}

// clockedModel is the scripted model with a clock in front.
type clockedModel struct {
	url    string
	model  *fakemodel.Server
	server *http.Server
	done   sync.WaitGroup

	mu      sync.Mutex // guards what follows
	arrived []time.Time
	ended   []time.Time
}

func startModel(scenario fakemodel.Scenario) (*clockedModel, error) {
	m := &clockedModel{model: fakemodel.New(scenario)}
	base, err := m.model.Start()
	if err != nil {
		return nil, err
	}
	target, err := url.Parse(base)
	if err != nil {
		return nil, err
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	proxy := &httputil.ReverseProxy{FlushInterval: -1, Rewrite: func(r *httputil.ProxyRequest) {
		r.Out.URL.Scheme, r.Out.URL.Host = target.Scheme, target.Host
	}}
	m.server = &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodPost {
			proxy.ServeHTTP(w, r)
			return
		}
		i := m.note()
		proxy.ServeHTTP(w, r)
		m.end(i)
	})}
	m.url = "http://" + listener.Addr().String() + target.Path
	m.done.Go(func() { _ = m.server.Serve(listener) }) // always http.ErrServerClosed
	return m, nil
}

// note adds a request and returns its place.
func (m *clockedModel) note() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.arrived, m.ended = append(m.arrived, time.Now()), append(m.ended, time.Time{})
	return len(m.arrived) - 1
}

func (m *clockedModel) end(i int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.ended[i] = time.Now()
}

// close ends the model; the error says where the turn left the script.
func (m *clockedModel) close() error {
	_ = m.server.Close()
	m.done.Wait()
	err := m.model.Finished()
	_ = m.model.Close()
	return err
}

// calls is how long the agent took for each call: from the end of an answer to the next request.
func (m *clockedModel) calls() []time.Duration {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []time.Duration
	for i := 1; i < len(m.arrived); i++ {
		if !m.ended[i-1].IsZero() {
			out = append(out, m.arrived[i].Sub(m.ended[i-1]))
		}
	}
	return out
}

// first is when the first request arrived.
func (m *clockedModel) first() time.Time {
	m.mu.Lock()
	defer m.mu.Unlock()
	if len(m.arrived) == 0 {
		return time.Time{}
	}
	return m.arrived[0]
}
