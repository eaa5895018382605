package config

// ModelProvider is one entry of [model_providers] merged over the built-in of
// the same id.
type ModelProvider struct {
	Name                    string            `json:"name"`
	BaseURL                 string            `json:"base_url"` // without a trailing slash
	EnvKey                  string            `json:"env_key"`  // variable that holds the API key
	EnvKeyInstructions      string            `json:"env_key_instructions"`
	BearerToken             Secret            `json:"experimental_bearer_token"`
	WireAPI                 string            `json:"wire_api"` // responses
	QueryParams             map[string]string `json:"query_params"`
	HTTPHeaders             map[string]Secret `json:"http_headers"`
	EnvHTTPHeaders          map[string]string `json:"env_http_headers"` // header to variable name
	RequestMaxRetries       int               `json:"request_max_retries"`
	StreamMaxRetries        int               `json:"stream_max_retries"`
	StreamIdleTimeoutMillis int64             `json:"stream_idle_timeout_ms"`
	RequiresOpenAIAuth      bool              `json:"requires_openai_auth"`
	SupportsWebsockets      bool              `json:"supports_websockets"`
}

// Ids of the providers that need no table.
const (
	ProviderOpenAI   = "openai"
	ProviderOllama   = "ollama"
	ProviderLMStudio = "lmstudio"
)

// defaultModels per built-in provider, used when no model is configured.
var defaultModels = map[string]string{
	ProviderOpenAI:   "gpt-5.5",
	ProviderOllama:   "gpt-oss:20b",
	ProviderLMStudio: "openai/gpt-oss-20b",
}
