// Package plan is the tool update_plan: the model says what it intends to do and how far it is.
// It has no effect outside the session; the steps become a to-do list for people and a record.
// Bounds: [MaxSteps] steps of [MaxStep] bytes each, one of them in progress.
package plan
