package volatile

import (
	"bytes"
	"encoding/json"
	"errors"
	"regexp"

	"firebreak/internal/secret"
)

// lastApplied repeats an object as it was applied, environment included.
const lastApplied = "kubectl.kubernetes.io/last-applied-configuration"

// setting matches what a command line says of a secret.
var setting = regexp.MustCompile(`(?i)([\w-]*(?:password|passwd|secret|token|api[_-]?key|access[_-]?key|credential)[\w-]*)(\s*[=:]\s*|\s+)("[^"]*"|'[^']*'|\S+)`)

// redactText masks what looks like a secret in a line of settings or in a command line.
func redactText(text string) string {
	return secret.NewRedactor().Text(setting.ReplaceAllString(text, "${1}${2}"+secret.Mask))
}

// redactObject returns an object of Kubernetes, or a list of them, without the values of its environment variables. The
// names stay, and so do references: they say where a secret is and not what it is.
func redactObject(content []byte) ([]byte, error) {
	d := json.NewDecoder(bytes.NewReader(content))
	d.UseNumber()
	var v any
	if err := d.Decode(&v); err != nil {
		return nil, errors.New("it is not JSON")
	}
	out, err := json.MarshalIndent(redactValue("", v), "", " ")
	if err != nil {
		return nil, errors.New("encode it")
	}
	return append(out, '\n'), nil
}

func redactValue(name string, v any) any {
	switch v := v.(type) {
	case map[string]any:
		delete(v, "managedFields")
		delete(v, lastApplied)
		for key, inner := range v {
			v[key] = redactValue(key, inner)
		}
		return v
	case []any:
		for i := range v {
			if variable, ok := v[i].(map[string]any); ok && name == "env" {
				if _, ok := variable["value"]; ok {
					variable["value"] = secret.Mask
				}
			}
			v[i] = redactValue(name, v[i])
		}
		if name == "args" || name == "command" {
			maskFollowing(v)
		}
		return v
	case string:
		return redactText(v)
	}
	return v
}

// secretFlag is an argument whose value is the next one.
var secretFlag = regexp.MustCompile(`(?i)^--?[\w-]*(password|passwd|secret|token|api[_-]?key|access[_-]?key|credential)[\w-]*$`)

func maskFollowing(args []any) {
	for i := 1; i < len(args); i++ {
		if before, ok := args[i-1].(string); ok && secretFlag.MatchString(before) {
			args[i] = secret.Mask
		}
	}
}
