package app

import (
	"fmt"
	"maps"

	"proctor/event"
	"proctor/executor"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/internal/responses"
	"proctor/reviewer"
	"proctor/reviewer/auto"
	"proctor/reviewer/auto/remote"
)

// automatic is the reviewer that asks a model; end releases it.
func (r *run) automatic() (judge reviewer.Reviewer, end func(), err error) {
	client, err := reviewClient(r.env, r.cfg)
	if err != nil {
		return nil, nil, err
	}
	o := reviewOptions(r.cfg)
	if r.looker, err = r.newInspector(); err != nil {
		client.Close()
		return nil, nil, err
	}
	if r.looker != nil {
		o.Inspector = r.looker
	}
	headers := r.trace.headers(r.env, r.cfg)
	maps.Copy(headers, map[string]string{"originator": wireOriginator, "session-id": r.session, "x-openai-subagent": "guardian"})
	model := remote.Client{
		Stream: client.Stream, Observe: r.observeReview(o.Model),
		Headers: headers,
	}
	return auto.New(model, o), func() { r.looker.close(); client.Close() }, nil
}

// reviewClient is the reviewer's own connection to the model's server, with its own number of retries.
func reviewClient(env cli.Env, cfg *config.Config) (*responses.Client, error) {
	p := remote.Provider(provider(cfg.ModelProviderID, cfg.ModelProvider))
	client, err := responses.New(p, responses.Options{Getenv: env.Getenv, UserAgent: "proctor/" + cli.Version})
	if err != nil {
		return nil, cli.Fail(cli.Failure, err)
	}
	return client, nil
}

// reviewOptions are what the configuration says of the automatic reviewer.
func reviewOptions(cfg *config.Config) auto.Options {
	c := cfg.Proctor.Review
	return auto.Options{
		Model: cfg.ReviewerModel(), Effort: c.Effort, Inspections: c.ToolCalls, Tokens: c.Tokens, Deadline: c.Deadline,
		Limits: reviewer.Limits{
			MaxRisk: reviewer.Risk(c.MaxRisk), MediumNeeds: reviewer.Authorization(c.MediumNeeds), HighNeeds: reviewer.Authorization(c.HighNeeds),
		},
		Policy: auto.Policy{
			Managed: cfg.Requirements.PolicyConfig, Configured: cfg.AutoReview.Policy, Extra: cfg.AutoReview.ExtraPolicy,
		},
		Price: auto.Price{Input: c.Price.Input, Cached: c.Price.Cached, Output: c.Price.Output},
	}
}

// observeReview records the reviewer's own model requests in the session it reviews.
func (r *run) observeReview(model string) func(auto.Prompt) responses.Observer {
	env := authEnv(r.model.Provider().AuthEnv(r.env.Getenv))
	return func(p auto.Prompt) responses.Observer {
		log := executor.RequestLog{Env: env, Model: model, Effort: p.Effort, Actor: event.Reviewer, Filter: r.stream.Filter("delta")}
		log.Publish = func(d event.Draft) error {
			d.Turn, d.Call = p.Turn, p.Call
			return r.stream.PublishSoon(d)
		}
		return log.Observer()
	}
}

// callName keeps the calls of the reviewer apart from those of the model.
func callName(review, call string) string {
	return fmt.Sprintf("guardian/%s/%s", review[max(0, len(review)-6):], call)
}
