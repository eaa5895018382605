package cases

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/netip"
	"slices"

	"proctor/policy"
	"proctor/policy/egress"
)

func judgeEgress(line []byte) (Result, error) {
	var c struct {
		Config       json.RawMessage `json:"config"`
		Managed      *egress.Managed `json:"managed"`
		Host         *string         `json:"host"`
		Port         uint16          `json:"port"`
		Protocol     egress.Protocol `json:"protocol"`
		Method       string          `json:"method"`
		ResolvedIPs  []string        `json:"resolved_ips"`
		ResolveError string          `json:"resolve_error"`
		Expect       string          `json:"expect"`
		Accept       []string        `json:"accept"`
		Reason       string          `json:"reason"`
		DNS          string          `json:"dns"`
	}
	if err := decode(line, &c); err != nil {
		return Result{}, err
	}
	want := c.Accept
	if len(want) == 0 && c.Expect != "" {
		want = []string{c.Expect}
	}
	switch {
	case c.Config == nil:
		return Result{}, missing("config")
	case c.Host == nil:
		return Result{}, missing("host")
	case len(want) == 0:
		return Result{}, missing("expect")
	}
	answer, err := stubAnswer(c.ResolvedIPs, c.ResolveError)
	if err != nil {
		return Result{}, err
	}
	config := egress.DefaultConfig()
	if err := decode(c.Config, &config); err != nil {
		return Result{}, err
	}
	asked := 0
	config.Managed = c.Managed
	d := egress.Decide(config, egress.Request{Host: *c.Host, Port: c.Port, Protocol: c.Protocol, Method: c.Method},
		func(string) ([]netip.Addr, error) {
			asked++
			return answer()
		})
	got := "deny"
	if d.Outcome == policy.Allow {
		got = "allow"
	}
	res := Result{Got: fmt.Sprintf("%s %s dns=%s", got, d.Reason, dnsWord(asked)), Want: joinWords(want)}
	res.Pass = slices.Contains(want, got)
	if c.Reason != "" {
		res.Want += " " + c.Reason
		// With several verdicts accepted the reason belongs to the expected one.
		res.Pass = res.Pass && (string(d.Reason) == c.Reason || (len(c.Accept) > 1 && got != c.Expect))
	}
	if c.DNS != "" {
		res.Want += " dns=" + c.DNS
		res.Pass = res.Pass && (c.DNS == "any" || c.DNS == dnsWord(asked))
	}
	return res, nil
}

func dnsWord(asked int) string {
	if asked > 0 {
		return "required"
	}
	return "none"
}

func stubAnswer(ips []string, failure string) (func() ([]netip.Addr, error), error) {
	if failure != "" {
		return func() ([]netip.Addr, error) { return nil, errors.New(failure) }, nil
	}
	addrs := make([]netip.Addr, len(ips))
	for i, s := range ips {
		a, err := netip.ParseAddr(s)
		if err != nil {
			return nil, fmt.Errorf("read case: resolved_ips: %w", err)
		}
		addrs[i] = a
	}
	return func() ([]netip.Addr, error) { return addrs, nil }, nil
}

func judgeEgressConfig(line []byte) (Result, error) {
	var c struct {
		Domains map[string]string `json:"domains"`
		Expect  string            `json:"expect"`
	}
	if err := decode(line, &c); err != nil {
		return Result{}, err
	}
	if c.Expect == "" {
		return Result{}, missing("expect")
	}
	res := Result{Got: "valid", Want: c.Expect}
	if err := egress.ValidateDomains(c.Domains); err != nil {
		res.Got, res.Note = "invalid", err.Error()
	}
	res.Pass = res.Got == res.Want
	return res, nil
}

// judgeEgressBind: the flags are keys of the network_proxy table, beside requested or under config.
func judgeEgressBind(line []byte) (Result, error) {
	var c struct {
		Requested *string        `json:"requested"`
		Port      uint16         `json:"default_port"`
		Config    *egress.Config `json:"config"`
		Flags     *egress.Config `json:"flags"`
		Expect    string         `json:"expect"`
	}
	var beside egress.Config
	if err := errors.Join(decode(line, &c), decode(line, &beside)); err != nil {
		return Result{}, err
	}
	switch {
	case c.Requested == nil:
		return Result{}, missing("requested")
	case c.Expect == "":
		return Result{}, missing("expect")
	}
	if c.Port == 0 {
		c.Port = egress.DefaultHTTPPort
	}
	flags := beside
	for _, other := range []*egress.Config{c.Config, c.Flags} {
		if other != nil {
			flags = *other
		}
	}
	res := Result{Want: c.Expect}
	bind, err := egress.ClampBind(flags, *c.Requested, c.Port)
	if err != nil {
		res.Got, res.Note = "error", err.Error()
	} else {
		res.Got, res.Note = bind.Addr.String(), bind.Warning
	}
	res.Pass = res.Got == res.Want
	return res, nil
}
