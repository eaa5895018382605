package otlp

import (
	"strconv"
	"strings"

	"proctor/event"
)

// genAISchema names the version of the semantic conventions that the gen_ai attributes follow. They are marked as in development
// there: names may change with the version, which is why the schema says which one it is.
const genAISchema = "https://opentelemetry.io/schemas/1.37.0"

// genAI adds the attributes of the conventions for generative AI beside those of the CLI. It reads public fields only.
func genAI(a *attributes, e *event.Event, start *event.ConversationStartsPayload) {
	operation := "chat"
	switch p := e.Payload.(type) {
	case *event.ConversationStartsPayload, *event.TurnStartedPayload, *event.TurnCompletedPayload:
		operation = "invoke_agent"
		a.text("gen_ai.agent.name", "codex")
	case *event.APIRequestPayload:
		if p.Error != "" {
			a.text("error.type", errorType(p.Status))
		}
	case *event.SSEEventPayload:
		putTokens(a, "gen_ai.usage.input_tokens", p.InputTokens)
		putTokens(a, "gen_ai.usage.output_tokens", p.OutputTokens)
	case *event.ToolDecisionPayload:
		operation = genAITool(a, p.ToolName, p.ToolNamespace, p.CallID)
	case *event.ToolResultPayload:
		operation = genAITool(a, p.ToolName, p.ToolNamespace, p.CallID)
		if !p.Success {
			a.text("error.type", or(p.Status, "_OTHER"))
		}
	default:
		return
	}
	a.text("gen_ai.operation.name", operation)
	a.text("gen_ai.conversation.id", e.Session)
	a.text("gen_ai.provider.name", strings.ToLower(or(start.ProviderName, "unknown")))
	a.missing("gen_ai.request.model", start.Model)
}

func genAITool(a *attributes, name, namespace, call string) (operation string) {
	a.text("gen_ai.tool.name", name)
	a.text("gen_ai.tool.call.id", call)
	kind := "function"
	if strings.HasPrefix(namespace, "mcp__") {
		kind = "extension"
	}
	a.text("gen_ai.tool.type", kind)
	return "execute_tool"
}

func putTokens(a *attributes, name string, n *int64) {
	if n != nil {
		a.number(name, *n)
	}
}

func errorType(status int) string {
	if status == 0 {
		return "_OTHER"
	}
	return strconv.Itoa(status)
}
