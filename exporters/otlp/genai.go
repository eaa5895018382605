package otlp

import (
	"strconv"
	"strings"

	"go.opentelemetry.io/collector/pdata/pcommon"

	"proctor/event"
)

// genAISchema names the version of the semantic conventions that the gen_ai attributes follow. They are marked as in development
// there: names may change with the version, which is why the schema says which one it is.
const genAISchema = "https://opentelemetry.io/schemas/1.37.0"

// genAI adds the attributes of the conventions for generative AI beside those of the CLI. It reads public fields only.
func genAI(m pcommon.Map, e *event.Event, start *event.ConversationStartsPayload) {
	operation := "chat"
	switch p := e.Payload.(type) {
	case *event.ConversationStartsPayload, *event.TurnStartedPayload, *event.TurnCompletedPayload:
		operation = "invoke_agent"
		m.PutStr("gen_ai.agent.name", "codex")
	case *event.APIRequestPayload:
		if p.Error != "" {
			m.PutStr("error.type", errorType(p.Status))
		}
	case *event.SSEEventPayload:
		putTokens(m, "gen_ai.usage.input_tokens", p.InputTokens)
		putTokens(m, "gen_ai.usage.output_tokens", p.OutputTokens)
	case *event.ToolDecisionPayload:
		operation = genAITool(m, p.ToolName, p.ToolNamespace, p.CallID)
	case *event.ToolResultPayload:
		operation = genAITool(m, p.ToolName, p.ToolNamespace, p.CallID)
		if !p.Success {
			m.PutStr("error.type", or(p.Status, "_OTHER"))
		}
	default:
		return
	}
	m.PutStr("gen_ai.operation.name", operation)
	m.PutStr("gen_ai.conversation.id", e.Session)
	m.PutStr("gen_ai.provider.name", strings.ToLower(or(start.ProviderName, "unknown")))
	putMissing(m, "gen_ai.request.model", start.Model)
}

func genAITool(m pcommon.Map, name, namespace, call string) (operation string) {
	m.PutStr("gen_ai.tool.name", name)
	m.PutStr("gen_ai.tool.call.id", call)
	kind := "function"
	if strings.HasPrefix(namespace, "mcp__") {
		kind = "extension"
	}
	m.PutStr("gen_ai.tool.type", kind)
	return "execute_tool"
}

func putTokens(m pcommon.Map, name string, n *int64) {
	if n != nil {
		m.PutInt(name, *n)
	}
}

func errorType(status int) string {
	if status == 0 {
		return "_OTHER"
	}
	return strconv.Itoa(status)
}
