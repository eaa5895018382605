package patch

// customForm is the free-form definition: the grammar is the format that models were trained on.
const customForm = `{
  "type": "custom",
  "name": "apply_patch",
  "description": "Changes files: adds, deletes, updates or renames them. The input is the patch itself as plain text, not JSON.",
  "format": {
    "type": "grammar",
    "syntax": "lark",
    "definition": ` + grammar + `
  }
}`

// grammar is a JSON string.
const grammar = `"start: begin_patch hunk+ end_patch\n` +
	`begin_patch: \"*** Begin Patch\" LF\n` +
	`end_patch: \"*** End Patch\" LF?\n\n` +
	`hunk: add_hunk | delete_hunk | update_hunk\n` +
	`add_hunk: \"*** Add File: \" filename LF add_line+\n` +
	`delete_hunk: \"*** Delete File: \" filename LF\n` +
	`update_hunk: \"*** Update File: \" filename LF change_move? change?\n\n` +
	`filename: /(.+)/\n` +
	`add_line: \"+\" /(.*)/ LF -> line\n\n` +
	`change_move: \"*** Move to: \" filename LF\n` +
	`change: (change_context | change_line)+ eof_line?\n` +
	`change_context: (\"@@\" | \"@@ \" /(.+)/) LF\n` +
	`change_line: (\"+\" | \"-\" | \" \") /(.*)/ LF\n` +
	`eof_line: \"*** End of File\" LF\n\n` +
	`%import common.LF\n"`

const functionForm = `{
  "type": "function",
  "name": "apply_patch",
  "description": "Changes files: adds, deletes, updates or renames them. A patch begins with the line '*** Begin Patch' and ends with '*** End Patch'. Between them stand '*** Add File: PATH' with lines that begin with '+'; '*** Delete File: PATH'; or '*** Update File: PATH', optionally followed by '*** Move to: NEWPATH', with changes that each begin with '@@' (and a line such as a function head to find the place) and hold lines beginning with ' ' (unchanged), '-' (removed) or '+' (added). Give about three unchanged lines around a change. Paths are relative to the working directory.",
  "strict": false,
  "parameters": {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "The whole patch."}},
    "required": ["input"],
    "additionalProperties": false
  }
}`
