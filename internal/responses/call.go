package responses

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// call is one Stream call: the state of its two retry loops.
type call struct {
	client *Client
	req    Request
	obs    Observer
	body   []byte

	requests    int  // HTTP requests sent so far
	firstOutput bool // FirstOutput was called
	kept        []Item
}

// loop starts over until a stream completes or the provider's stream retries
// are used up.
func (c *call) loop(ctx context.Context) (Response, error) {
	limit := c.client.provider.StreamRetries()
	for n := 1; ; n++ {
		done := len(c.kept)
		answer, err := c.once(ctx)
		answer.Kept = c.kept
		if err == nil {
			return answer, nil
		}
		if _, refused := errors.AsType[*ObserverError](err); refused {
			return answer, err
		}
		if ctx.Err() != nil {
			return answer, fmt.Errorf("model call ended by its caller: %w", context.Cause(ctx))
		}
		next := judge(err)
		if !next.stream || n > limit {
			return answer, err
		}
		if err := c.pause(ctx, Retry{Level: RetryStream, N: n, Max: limit, Err: err}, next.delay); err != nil {
			return answer, err
		}
		if len(c.kept) > done {
			if err := c.rebuild(); err != nil {
				return answer, err
			}
		}
	}
}

// rebuild asks for a new input after items were finished on a cut stream.
func (c *call) rebuild() error {
	if c.req.Continue == nil {
		return nil
	}
	input, err := c.req.Continue(c.kept)
	if err != nil {
		return fmt.Errorf("continue after a cut stream: %w", err)
	}
	body, err := c.req.encode(input)
	if err != nil {
		return err
	}
	c.body = body
	return nil
}

// once sends the request, with its own retries, and reads the stream.
func (c *call) once(ctx context.Context) (Response, error) {
	limit := c.client.provider.RequestRetries()
	for n := 0; ; n++ {
		answer, err := c.attempt(ctx, n)
		next := judge(err)
		if err == nil || !next.request || n >= limit || ctx.Err() != nil {
			return answer, err
		}
		if err := c.pause(ctx, Retry{Level: RetryRequest, N: n + 1, Max: limit, Err: err}, next.delay); err != nil {
			return answer, err
		}
	}
}

// pause announces a retry and waits for it.
func (c *call) pause(ctx context.Context, retry Retry, asked time.Duration) error {
	if asked > maxServerDelay {
		return fmt.Errorf("the model server asks to wait %s, more than the %s this client waits; try again later: %w", asked.Round(time.Second), maxServerDelay, retry.Err)
	}
	retry.Delay = asked
	if asked == 0 {
		retry.Delay = backoff(retry.N, c.client.opts.Jitter())
	}
	retry.Message = fmt.Sprintf("Reconnecting... %d/%d (%s)", retry.N, retry.Max, brief(retry.Err))
	if err := notify("Retry", c.obs.Retry, retry); err != nil {
		return err
	}
	if err := c.client.opts.Wait(ctx, retry.Delay); err != nil {
		return fmt.Errorf("model call ended by its caller: %w", err)
	}
	return nil
}

// notify runs a callback if there is one.
func notify[T any](name string, callback func(T) error, value T) error {
	if callback == nil {
		return nil
	}
	if err := callback(value); err != nil {
		return &ObserverError{Callback: name, Err: err}
	}
	return nil
}
