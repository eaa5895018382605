package event

// Actor says who did what an event tells.
type Actor string

// The actors.
const (
	User     Actor = "user"     // a person, at the prompt or as reviewer
	Model    Actor = "model"    // the model whose run is supervised
	Policy   Actor = "policy"   // a decision made by configuration and rules
	Reviewer Actor = "reviewer" // the reviewer model
	Executor Actor = "executor" // the process that runs the turn
	Sandbox  Actor = "sandbox"  // confinement: what was refused or observed from below
	System   Actor = "system"   // ledger, exporters, configuration
)

var actors = map[Actor]bool{User: true, Model: true, Policy: true, Reviewer: true, Executor: true, Sandbox: true, System: true}
