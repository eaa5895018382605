package shell

// The definitions keep the names and types that models were trained on.

const execForm = `{
  "type": "function",
  "name": "exec_command",
  "description": "Runs a shell command. Gives its output and exit code, or a session id when it is still running.",
  "strict": false,
  "parameters": {
    "type": "object",
    "properties": {
      "cmd": {"type": "string", "description": "The shell command."},
      "workdir": {"type": "string", "description": "Directory to run in; the working directory of the session by default."},
      "shell": {"type": "string", "description": "Shell to use instead of the user's, e.g. bash or sh."},
      "login": {"type": "boolean", "description": "Whether the shell is a login shell."},
      "tty": {"type": "boolean", "description": "Gives the command a terminal, which also keeps its input open for write_stdin. False by default."},
      "yield_time_ms": {"type": "number", "description": "How long to wait for the end before answering, 250 to 30000 ms; 10000 by default."},
      "max_output_tokens": {"type": "number", "description": "How much output to show, 10000 tokens by default. The middle is left out when there is more."},
      "sandbox_permissions": {"type": "string", "enum": ["use_default", "require_escalated"%s], "description": "require_escalated asks to run outside the sandbox, which needs approval.%s"},
      "justification": {"type": "string", "description": "With require_escalated: one sentence for the person who approves, saying why."},
%s      "prefix_rule": {"type": "array", "items": {"type": "string"}, "description": "With require_escalated: first words of the command that could be approved for later calls too, e.g. [\"git\", \"pull\"]."}
    },
    "required": ["cmd"],
    "additionalProperties": false
  }
}`

const stdinForm = `{
  "type": "function",
  "name": "write_stdin",
  "description": "Sends characters to a command that is still running, or only waits for it, and gives its new output.",
  "strict": false,
  "parameters": {
    "type": "object",
    "properties": {
      "session_id": {"type": "number", "description": "Session id that exec_command gave."},
      "chars": {"type": "string", "description": "What to type; empty only waits. Ctrl-C also interrupts a command without a terminal."},
      "yield_time_ms": {"type": "number", "description": "How long to wait for output: 250 to 30000 ms after typing, 5000 to 300000 ms when only waiting."},
      "max_output_tokens": {"type": "number", "description": "How much output to show, 10000 tokens by default."}
    },
    "required": ["session_id"],
    "additionalProperties": false
  }
}`
