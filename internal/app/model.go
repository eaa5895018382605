package app

import (
	"proctor/event"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/responses"
)

// provider maps the configured provider to the client's.
func provider(id string, p config.ModelProvider) responses.Provider {
	out := responses.Provider{
		ID: id, Name: p.Name, BaseURL: p.BaseURL, EnvKey: p.EnvKey, EnvKeyInstructions: p.EnvKeyInstructions,
		BearerToken: responses.NewAPIKey(p.BearerToken.Reveal()), WireAPI: p.WireAPI,
		QueryParams: p.QueryParams, EnvHTTPHeaders: p.EnvHTTPHeaders, RequiresOpenAIAuth: p.RequiresOpenAIAuth,
		SupportsWebsockets: p.SupportsWebsockets,
		RequestMaxRetries:  unsigned(p.RequestMaxRetries), StreamMaxRetries: unsigned(p.StreamMaxRetries),
		StreamIdleTimeoutMS: unsigned(p.StreamIdleTimeoutMillis),
	}
	if len(p.HTTPHeaders) > 0 {
		out.HTTPHeaders = map[string]string{}
		for name, value := range p.HTTPHeaders {
			out.HTTPHeaders[name] = value.Reveal()
		}
	}
	return out
}

func unsigned[N int | int64](n N) *uint64 {
	u := uint64(max(n, 0))
	return &u
}

func newModel(env cli.Env, cfg *config.Config) (*responses.Client, error) {
	client, err := responses.New(provider(cfg.ModelProviderID, cfg.ModelProvider), responses.Options{
		Getenv: env.Getenv, UserAgent: "proctor/" + cli.Version,
	})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	return client, nil
}

func authEnv(a responses.AuthEnv) event.AuthEnv {
	out := event.AuthEnv{
		OpenAIKeyPresent: a.OpenAIKeyPresent, CodexKeyPresent: a.CodexKeyPresent, CodexKeyEnabled: a.CodexKeyEnabled,
		ProviderKeyName: a.ProviderKeyName, RefreshURLOverride: a.RefreshURLOverridePresent,
	}
	if a.ProviderKeyName != "" {
		out.ProviderKeyPresent = &a.ProviderKeyPresent
	}
	return out
}
