package responses

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// MissingKeyError means that the provider needs a key and none was found. The
// user must set the variable; retrying does not help.
type MissingKeyError struct {
	Provider     string
	Variables    []string
	Instructions string
	// Malformed means that there is a key and it cannot be sent in a header.
	Malformed bool
}

func (e *MissingKeyError) Error() string {
	names := strings.Join(e.Variables, " or ")
	if e.Malformed {
		return fmt.Sprintf("key for model provider %q: the value of %s contains characters that a header cannot carry; check it for line breaks", e.Provider, names)
	}
	text := fmt.Sprintf("key for model provider %q: environment variable %s is not set", e.Provider, names)
	if e.Instructions != "" {
		return text + "; " + e.Instructions
	}
	return text + "; export it and try again"
}

// HTTPError means that the server answered, and not with a stream.
type HTTPError struct {
	Status int
	// Code, Type and Message come from the error object of the body, when there is one.
	Code, Type, Message string
	// Snippet is the start of the body: at most 1 KiB, one line, secrets removed.
	Snippet   string
	RequestID string
	CFRay     string
	// URL is the address without its query.
	URL string
	// RetryAfter is what the server asked for; 0 if nothing.
	RetryAfter time.Duration
	// Hint is the next step for the user.
	Hint string
}

func (e *HTTPError) Error() string { return withHint(e.brief(), e.Hint) }

func (e *HTTPError) brief() string {
	var b strings.Builder
	fmt.Fprintf(&b, "unexpected status %d", e.Status)
	if text := http.StatusText(e.Status); text != "" {
		b.WriteString(" " + text)
	}
	if said := firstOf(e.Message, e.Snippet); said != "" {
		b.WriteString(": " + said)
	}
	fmt.Fprintf(&b, ", url: %s", e.URL)
	if e.CFRay != "" {
		b.WriteString(", cf-ray: " + e.CFRay)
	}
	if e.RequestID != "" {
		b.WriteString(", request id: " + e.RequestID)
	}
	return b.String()
}

// ConnectError means that no answer came: the host is unknown or unreachable,
// the connection was refused or broke before the response head.
type ConnectError struct {
	// URL is the address without its query.
	URL  string
	Hint string
	Err  error

	reach reachability
}

func (e *ConnectError) Error() string { return withHint(e.brief(), e.Hint) }

func (e *ConnectError) brief() string {
	return fmt.Sprintf("connect to the model at %s: %v", e.URL, e.Err)
}

func (e *ConnectError) Unwrap() error { return e.Err }

// StreamError means that a stream ended, fell silent or became unreadable
// before response.completed.
type StreamError struct {
	Reason string
	// Idle is set when the idle timeout ended the stream.
	Idle bool
	Err  error
}

func (e *StreamError) Error() string {
	return "stream disconnected before completion: " + e.Reason
}

func (e *StreamError) Unwrap() error { return e.Err }

// FailedError means that the model server itself reported a failure within the
// stream (response.failed or error).
type FailedError struct {
	Code    string
	Message string
	// RetryAfter is read from texts such as "try again in 1.5s"; 0 if nothing.
	RetryAfter time.Duration
	Hint       string
}

func (e *FailedError) Error() string { return withHint(e.brief(), e.Hint) }

func (e *FailedError) brief() string {
	text := "the model server reported a failure"
	if e.Code != "" {
		text += " (" + e.Code + ")"
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	return text
}

// ObserverError carries the error of an observer function. The call stopped
// there because what happened could not be recorded.
type ObserverError struct {
	// Callback is the name of the [Observer] field.
	Callback string
	Err      error
}

func (e *ObserverError) Error() string {
	return fmt.Sprintf("record %s of the model call: %v", strings.ToLower(e.Callback), e.Err)
}

func (e *ObserverError) Unwrap() error { return e.Err }

func withHint(text, hint string) string {
	if hint == "" {
		return text
	}
	return text + "; " + hint
}

// brief is an error's text without the advice that only a final error needs.
func brief(err error) string {
	if e, ok := err.(interface{ brief() string }); ok {
		return e.brief()
	}
	return err.Error()
}

func firstOf(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}
