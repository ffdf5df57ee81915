package playbooks

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"

	"firebreak/internal/inventory"
)

// Schema returns the JSON Schema (draft 2020-12) of the language, for editors. It is made from the tables that Parse reads
// by, from the catalogue and from the taxonomies. It says how each part is written; what one part says of another, such as
// needs, and the bounds of times are checked by Parse alone. Every playbook that Parse takes is valid against it.
func Schema() ([]byte, error) {
	root := describe(playbookFields())
	root["$schema"] = "https://json-schema.org/draft/2020-12/schema"
	root["title"] = "firebreak playbook, version 1"
	definitions := object{
		"threat": describe(threatFields()), "rating": describe(ratingFields()), "watch": describe(watchFields()),
		"phase": describe(phaseFields()), "step": describeStep(), "approval": describeApproval(), "wait": describe(waitFields()),
		"task": describe(taskFields()), "child": describe(childFields()), "condition": describeCondition(),
	}
	taxonomy := Taxonomies()
	for _, name := range taxonomy.Schemes() {
		scheme := taxonomy.Scheme(name)
		definitions[name] = object{"title": scheme.Title + " " + scheme.Version, "enum": slices.Sorted(maps.Keys(scheme.IDs))}
	}
	root["$defs"] = definitions
	var out bytes.Buffer
	enc := json.NewEncoder(&out)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(root); err != nil {
		return nil, fmt.Errorf("encode schema: %w", err)
	}
	return out.Bytes(), nil
}

// describe is the schema of a mapping with these keys.
func describe[T any](fields []field[T]) object {
	properties, required := object{}, []string{}
	for _, f := range fields {
		property := maps.Clone(f.schema)
		property["description"] = f.doc
		properties[f.name] = property
		if f.required {
			required = append(required, f.name)
		}
	}
	out := object{"type": "object", "additionalProperties": false, "properties": properties}
	if len(required) > 0 {
		out["required"] = required
	}
	return out
}

// describeStep adds that a step is of one kind with the keys of that kind, and what each action takes.
func describeStep() object {
	step := describe(stepFields())
	var kinds, actions []object
	for _, k := range stepKinds() {
		kinds = append(kinds, object{
			"title": k.key, "required": append([]string{k.key}, k.must...),
			"propertyNames": object{"enum": append([]string{k.key}, k.may...)},
		})
	}
	for _, a := range Catalogue() {
		actions = append(actions, object{
			"if":   object{"required": []string{"action"}, "properties": object{"action": object{"const": a.Name}}},
			"then": describeAction(a),
		})
	}
	step["oneOf"], step["allOf"] = kinds, actions
	return step
}

func describeAction(a Action) object {
	var queries []inventory.Query
	for _, q := range inventory.Queries() {
		if q.Kind() == a.Targets {
			queries = append(queries, q)
		}
	}
	params := object{}
	for _, x := range a.Params {
		params[x.Name] = x.describe()
	}
	out := object{"description": a.Doc, "properties": object{
		"targets": object{"enum": queries},
		"with":    object{"additionalProperties": false, "properties": params},
	}}
	if _, needed := needsApproval(a); needed {
		out["required"] = []string{"needs"}
	}
	return out
}

// describeApproval adds that roles to escalate to and on_timeout: escalate stand together.
func describeApproval() object {
	approval := describe(approvalFields())
	approval["if"] = object{"properties": object{"on_timeout": object{"const": Escalate}}}
	approval["then"] = object{"required": []string{"escalate_to"}}
	approval["else"] = object{"not": object{"required": []string{"escalate_to"}}}
	return approval
}

// describeCondition lists the references with the values that they can have.
func describeCondition() object {
	properties := object{}
	for r, kind := range References() {
		switch kind {
		case NumberReference:
			properties[string(r)] = object{"type": "string", "pattern": atLeastPattern}
		case BoolReference:
			properties[string(r)] = oneOrMore(object{"type": "boolean"})
		case TextReference, SetReference:
			properties[string(r)] = oneOrMore(object{"enum": literals(r)})
		}
	}
	alternative := object{
		"type": "object", "minProperties": 1, "additionalProperties": false, "properties": properties,
		"patternProperties": object{stepReferencePattern: oneOrMore(object{"type": []string{"string", "number", "boolean"}})},
	}
	return object{"anyOf": []object{alternative, {"type": "array", "minItems": 1, "items": alternative}}}
}

func oneOrMore(value object) object {
	return object{"anyOf": []object{value, {"type": "array", "minItems": 1, "uniqueItems": true, "items": value}}}
}
