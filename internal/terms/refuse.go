package terms

import (
	"fmt"
	"slices"

	"proctor/internal/cli"
	"proctor/internal/config"
)

// Refused are settings that promise something this version does not keep. Running without it would be less than the
// configuration says, so nothing runs; doc/compatibility.md lists them beside those that are merely inert.
func Refused(cfg *config.Config) error {
	if err := refusedNetwork(cfg); err != nil {
		return err
	}
	req := cfg.Requirements
	openai := cfg.ModelProviderID == config.ProviderOpenAI
	switch {
	case openai && req.LoginMethods != nil && !slices.Contains(req.LoginMethods, "api"):
		return refuse("requirements: allowed_login_methods", "this version signs in with an API key only", "allow \"api\", or use another model_provider")
	case openai && cfg.ForcedLoginMethod == "chatgpt":
		return refuse("forced_login_method", "this version signs in with an API key only", "set it to \"api\", or use another model_provider")
	case openai && req.Residency != "":
		return refuse("requirements: enforce_residency", "this version cannot ask for it", "use another model_provider")
	case slices.ContainsFunc(req.Rules, func(r config.PrefixRule) bool { return r.CanonicalMatching }):
		return refuse("requirements: canonical_matching of rules.prefix_rules", "rules match the words of a command as written", "name each spelling in any_of")
	}
	return nil
}

func refuse(key, why, next string) error {
	return cli.Fail(cli.Failure, fmt.Errorf("%s: %s; %s", key, why, next))
}
