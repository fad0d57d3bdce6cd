package eks

import (
	"encoding/json"
	"fmt"
	"maps"
	"regexp"
	"slices"

	"go.yaml.in/yaml/v3"
)

// This file checks what callers give an add-on.

var (
	dnsLabel     = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?$`)
	dnsSubdomain = regexp.MustCompile(`^[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*$`)
)

// defaultAddonNamespace is where all the add-ons of the catalog are.
const defaultAddonNamespace = "kube-system"

// checkAddonNamespace is whether an add-on can be in a namespace.
func (a about) checkAddonNamespace(namespace string) error {
	if len(namespace) > 63 || !dnsLabel.MatchString(namespace) {
		return a.invalid("Provided namespace value is not a valid RFC 1123 DNS label")
	}
	return nil
}

// checkAddonVersion is whether an add-on can have a version.
func (a about) checkAddonVersion(k addonKind, version, kubernetes string) error {
	if !k.takes(version, kubernetes) {
		return a.invalid("Addon version specified is not supported")
	}
	return nil
}

// checkConfiguration is whether values, in JSON or YAML, are some that the
// add-on's schema has.
func (a about) checkConfiguration(k addonKind, values string) error {
	if values == "" {
		return nil
	}
	var tree any
	if err := yaml.Unmarshal([]byte(values), &tree); err != nil {
		return a.invalid("The ConfigurationValues provided is not in valid YAML or JSON format.")
	}
	members, ok := tree.(map[string]any)
	if !ok && tree != nil {
		return a.invalid("The ConfigurationValues provided is not in valid YAML or JSON format.")
	}
	for _, name := range slices.Sorted(maps.Keys(members)) {
		if err := k.checkMember(name, members[name]); err != nil {
			return a.invalid("ConfigurationValue provided in request is not supported: Json schema validation failed with error: [$.%s: %s]", name, err)
		}
	}
	return nil
}

func (k addonKind) checkMember(name string, value any) error {
	i := slices.IndexFunc(k.schema, func(p addonProperty) bool { return p.name == name })
	if i < 0 {
		return fmt.Errorf("is not defined in the schema and the schema does not allow additional properties")
	}
	if is := jsonKind(value); value != nil && is != k.schema[i].kind {
		return fmt.Errorf("%s found, %s expected", is, k.schema[i].kind)
	}
	return nil
}

// jsonKind names a value's kind as JSON schemas do.
func jsonKind(v any) string {
	switch v.(type) {
	case map[string]any, map[any]any:
		return "object"
	case []any:
		return "array"
	case string:
		return "string"
	case bool:
		return "boolean"
	case int, int64, uint64:
		return "integer"
	}
	return "number"
}

// configurationSchema is the JSON schema of an add-on's values.
func (k addonKind) configurationSchema() (string, error) {
	properties := map[string]any{}
	for _, p := range k.schema {
		properties[p.name] = map[string]string{"type": p.kind}
	}
	raw, err := json.Marshal(map[string]any{
		"$schema": "http://json-schema.org/draft-07/schema#", "type": "object", "additionalProperties": false, "properties": properties,
	})
	return string(raw), err
}
