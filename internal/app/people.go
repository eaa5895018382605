package app

import (
	"context"
	"fmt"
	"os/user"
	"time"

	"proctor/event"
	"proctor/executor/approval"
	"proctor/internal/cli"
	"proctor/internal/config"
	"proctor/reviewer"
	people "proctor/reviewer/human"
)

// terminalAsks reports whether somebody sits at the terminal and may be asked there: standard input and standard error are one, standard
// output is not for machines, and a person is the reviewer.
func (r *run) terminalAsks() bool {
	return r.env.StdinTerminal && r.env.StderrTerminal && !r.opts.JSON && r.opts.EventsFile != "-" && r.cfg.ApprovalsReviewer == config.UserReviewer &&
		cli.File(r.env.Stdin) != nil
}

// whoAnswers finds out whether people can be asked. What exec would refuse without them is then configured anew.
func (r *run) whoAnswers() (err error) {
	if r.command != nil {
		r.asks = r.terminalAsks()
		return nil
	}
	if r.asks = r.opts.Ask && r.terminalAsks(); r.asks {
		r.opts.Config.Headless = false
		r.cfg, r.warnings, err = r.env.Configure(r.opts.Config)
	}
	return err
}

// peopleElsewhere lets people answer from other terminals, with 'proctor approvals', when the configuration names them as the reviewer and
// 'proctor serve' owns the ledger. Without either, nobody is there.
func (r *run) peopleElsewhere() (err error) {
	named := r.cfg.Explain("approvals_reviewer").Origin.Layer != config.LayerDefault
	if r.asks || !named || r.cfg.ApprovalsReviewer != config.UserReviewer || !r.store.Bus.ByService() {
		return nil
	}
	r.asks = true
	if r.opts.Config.Headless {
		r.opts.Config.Headless = false
		if r.cfg, r.warnings, err = r.env.Configure(r.opts.Config); err != nil {
			return err
		}
	}
	if r.cfg.ApprovalPolicy.Mode == config.ApprovalNever {
		r.asks = false
		return nil
	}
	_, _ = fmt.Fprintln(r.env.Stderr, "proctor: what needs approval waits up to "+r.cfg.Proctor.Approvals.Wait.String()+" for 'proctor approvals approve', or deny, from another terminal")
	return nil
}

// lend lets other processes record votes, overrides and revocations in the session.
func (r *run) lend(gate *approval.Gate) (stop func(), err error) {
	return r.store.Bus.Lend(&desk{session: r.session, now: r.stream.Now, gate: gate, panel: r.people}, func(event.Draft) error { return nil })
}

// panel are the people who answer requests of this session.
func (r *run) panel() *people.Panel {
	o := people.PanelOptions{People: r.cfg.Proctor.Approvals.People, Record: r.recordVote}
	if (r.command != nil || r.opts.Ask) && r.terminalAsks() {
		o.Terminal = people.New(&keyboard{in: cli.File(r.env.Stdin)}, r.env.Stderr, people.Options{Name: userName(r.env), Interactive: true})
	}
	return people.NewPanel(o)
}

func (r *run) recordVote(ctx context.Context, req reviewer.Request, id event.ID, vote *event.ApprovalVotedPayload) (event.Receipt, error) {
	receipts, err := r.stream.RecordAnyway(ctx, event.Draft{ID: id, Turn: req.Turn, Call: req.Call, Actor: event.User, Payload: vote})
	if err != nil {
		return event.Receipt{}, err
	}
	return receipts[0], nil
}

// patience is how long a reviewer may take; zero is the default of reviewers that are no people.
func (r *run) patience() time.Duration {
	if r.asks {
		return r.cfg.Proctor.Approvals.Wait
	}
	return 0
}

// userName is the account that this process runs under.
func userName(env cli.Env) string {
	if u, err := user.Current(); err == nil && people.CheckName(u.Username) == nil {
		return u.Username
	}
	if name := env.Getenv("USER"); people.CheckName(name) == nil {
		return name
	}
	return "unknown"
}
