package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// providers fills the provider table and picks the selected one.
func (l *loader) providers(c *Config) {
	c.ModelProviders = map[string]ModelProvider{}
	entries := tableOf(c.final.find("model_providers"))
	for _, id := range sortedKeys(entries) {
		p := ModelProvider{WireAPI: defaultWireAPI, RequestMaxRetries: defaultRequestRetries,
			StreamMaxRetries: defaultStreamRetries, StreamIdleTimeoutMillis: defaultStreamIdleMilli}
		if err := decode(entries[id], &p); err != nil {
			l.r.failAt(entries[id].origin, formatKey([]string{"model_providers", id}), err.Error(), "", "")
			continue
		}
		if p.Name == "" {
			p.Name = id
		}
		c.ModelProviders[id] = p
	}
	if base := c.final.text("openai_base_url"); base != "" {
		p := c.ModelProviders[ProviderOpenAI]
		p.BaseURL = base
		c.ModelProviders[ProviderOpenAI] = p
	}
	for id, p := range c.ModelProviders {
		p.BaseURL = strings.TrimRight(p.BaseURL, "/")
		c.ModelProviders[id] = p
	}
	l.selectProvider(c)
}

func (l *loader) selectProvider(c *Config) {
	o := c.final.find("model_provider").origin
	p, ok := c.ModelProviders[c.ModelProviderID]
	if !ok {
		known := slices.Sorted(maps.Keys(c.ModelProviders))
		l.r.failAt(o, "model_provider", "unknown provider "+shown(c.ModelProviderID), "one of "+quoteAll(known),
			fmt.Sprintf("add [model_providers.%s] with base_url, or name a known one", formatKey([]string{c.ModelProviderID})))
		return
	}
	if p.BaseURL == "" {
		key := []string{"model_providers", c.ModelProviderID}
		l.r.failAt(c.final.find(key...).origin, formatKey(append(key, "base_url")), "missing", "the address of the Responses API",
			`for example base_url = "http://127.0.0.1:8080/v1"`)
		return
	}
	c.ModelProvider = p
	if c.Model == "" {
		c.Model = defaultModels[c.ModelProviderID]
		if c.Model == "" {
			c.Model = defaultModels[ProviderOpenAI]
		}
		c.settle("model", c.Model, Origin{Layer: LayerDefault})
	}
}

// servers switches off what the managed list does not name with that identity.
func (l *loader) servers(c *Config) {
	if c.Requirements.MCPServers == nil {
		return
	}
	for name, s := range c.MCPServers {
		want, listed := c.Requirements.MCPServers[name]
		if listed && want.matches(s) {
			continue
		}
		s.DisabledReason = "not on the managed list of servers"
		c.MCPServers[name] = s
		o := c.Requirements.tree.find("mcp_servers").origin
		l.r.warn(WarnNote, o, formatKey([]string{"mcp_servers", name}), "server %q is disabled: %s", name, s.DisabledReason)
		c.settle(formatKey([]string{"mcp_servers", name, "enabled"}), false, o)
	}
}

// matches needs one identity and the same one; an empty identity matches nothing.
func (id MCPIdentity) matches(s MCPServer) bool {
	if id.Command == "" && id.URL == "" {
		return false
	}
	return id.Command == s.Command && id.URL == s.URL
}
