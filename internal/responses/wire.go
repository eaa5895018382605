package responses

import "encoding/json"

// Wire shapes of the events that the client acts on; a field that a server
// leaves out is zero.

type wireResponse struct {
	ID          string       `json:"id"`
	Model       string       `json:"model"`
	ServiceTier string       `json:"service_tier"`
	Usage       *wireUsage   `json:"usage"`
	Error       *wireProblem `json:"error"`
	Incomplete  *struct {
		Reason string `json:"reason"`
	} `json:"incomplete_details"`
}

type wireUsage struct {
	Input        int64 `json:"input_tokens"`
	InputDetails struct {
		Cached     int64 `json:"cached_tokens"`
		CacheWrite int64 `json:"cache_write_tokens"`
	} `json:"input_tokens_details"`
	Output        int64 `json:"output_tokens"`
	OutputDetails struct {
		Reasoning int64 `json:"reasoning_tokens"`
	} `json:"output_tokens_details"`
	Total int64 `json:"total_tokens"`
}

// wireFailure is the error object of a body or of an event of type "error",
// which some servers write flat.
type wireFailure struct {
	Error   *wireProblem `json:"error"`
	Code    looseText    `json:"code"`
	Message string       `json:"message"`
}

type wireProblem struct {
	Type    string    `json:"type"`
	Code    looseText `json:"code"`
	Message string    `json:"message"`
}

// looseText is a code that some servers send as a number.
type looseText []byte

func (l *looseText) UnmarshalJSON(raw []byte) error {
	*l = append((*l)[:0], raw...)
	return nil
}

func (l looseText) text() string {
	if string(l) == "null" {
		return ""
	}
	return textOrJSON(json.RawMessage(l))
}

func (u *wireUsage) usage() Usage {
	if u == nil {
		return Usage{}
	}
	return Usage{
		Known: true, Input: u.Input, Cached: u.InputDetails.Cached, CacheWrite: u.InputDetails.CacheWrite,
		Output: u.Output, Reasoning: u.OutputDetails.Reasoning, Total: u.Total,
	}
}
