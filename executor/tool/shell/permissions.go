package shell

import (
	"encoding/json"
	"fmt"

	"proctor/event"
	"proctor/executor/tool"
	"proctor/executor/tool/permissions"
)

// additionalField is the name of the field with further permissions.
const additionalField = "additional_permissions"

// execDefinition is the definition of exec_command, with or without further permissions.
func execDefinition(additional bool) json.RawMessage {
	word, why, field := "", "", ""
	if additional {
		word = fmt.Sprintf(", %q", event.WithAdditional)
		why = " " + event.WithAdditional + " asks to run inside the sandbox with " + additionalField + ", which needs approval unless they are granted already."
		field = fmt.Sprintf("      %q: %s,\n", additionalField, permissions.Schema)
	}
	return json.RawMessage(fmt.Sprintf(execForm, word, why, field))
}

// parsePermissions reads how a command asks to run. The word and the permissions come together or not at all.
func (m *Manager) parsePermissions(a *tool.Arguments, action *event.Action) {
	words := []string{event.UseDefault, event.RequireEscalated}
	if m.o.AdditionalPermissions {
		words = append(words, event.WithAdditional)
	}
	action.Permissions = a.Choice("sandbox_permissions", words...)
	switch {
	case action.Permissions == event.WithAdditional:
		p := permissions.Read(a, additionalField, action.Cwd)
		action.Additional = &p
	case a.Has(additionalField):
		a.Fail(additionalField, "only goes with sandbox_permissions %q", event.WithAdditional)
	}
}
