package translate

import (
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	v1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/validation"
	"k8s.io/utils/ptr"

	"github.com/neargate/neargate/emulator/sandbox"
)

func sorted(keys iter.Seq[string]) []string { return slices.Sorted(keys) }

// environment computes a container's variables: envFrom, then env, which may
// use what stands before it, then those of Services.
func (t *translation) environment(ctx context.Context, c *v1.Container) (*variables, error) {
	services, err := t.services(ctx)
	if err != nil {
		return nil, err
	}
	host, _ := Hostname(t.pod, t.env.domain())
	v := &variables{values: map[string]string{}, services: services, given: []sandbox.EnvVar{{Name: "HOSTNAME", Value: host}}}
	if t.env.EmulatorURL != "" {
		v.given = append(v.given, sandbox.EnvVar{Name: "AWS_ENDPOINT_URL", Value: t.env.EmulatorURL})
	}
	for i := range c.EnvFrom {
		if err := t.envFrom(ctx, &c.EnvFrom[i], v); err != nil {
			return nil, err
		}
	}
	for i := range c.Env {
		e := &c.Env[i]
		if e.Value != "" || e.ValueFrom == nil {
			v.set(e.Name, v.expand(e.Value))
			continue
		}
		value, ok, err := t.valueFrom(ctx, c, e.ValueFrom)
		if err != nil {
			return nil, err
		}
		if ok {
			v.set(e.Name, value)
		}
	}
	return v, v.check()
}

// check refuses what cannot be told: a Secret's values may be any bytes, and the
// CRI's, like the link's, are text.
func (v *variables) check() error {
	for _, name := range sorted(maps.Keys(v.values)) {
		if !utf8.ValidString(v.values[name]) {
			return fmt.Errorf("environment variable %q: its value contains invalid UTF-8", name)
		}
	}
	return nil
}

func (t *translation) envFrom(ctx context.Context, from *v1.EnvFromSource, v *variables) error {
	switch {
	case from.ConfigMapRef != nil:
		cm, err := t.objects.configMap(ctx, from.ConfigMapRef.Name, from.ConfigMapRef.Optional)
		if err != nil || cm == nil {
			return err
		}
		t.setAll(v, cm.Data, from.Prefix, "configMap", from.ConfigMapRef.Name)
	case from.SecretRef != nil:
		s, err := t.objects.secret(ctx, from.SecretRef.Name, from.SecretRef.Optional)
		if err != nil || s == nil {
			return err
		}
		data := map[string]string{}
		for k, b := range s.Data {
			data[k] = string(b)
		}
		t.setAll(v, data, from.Prefix, "secret", from.SecretRef.Name)
	}
	return nil
}

// relaxedNames is the first minor version whose kubelet takes every printable
// name for a variable; before it only C identifiers with dots and dashes count,
// and others are skipped with an event.
const relaxedNames = 32

func (t *translation) setAll(v *variables, data map[string]string, prefix, kind, name string) {
	var skipped []string
	for _, k := range sorted(maps.Keys(data)) {
		key := prefix + k
		if t.env.minor() < relaxedNames && len(validation.IsEnvVarName(key)) > 0 {
			skipped = append(skipped, key)
			continue
		}
		v.set(key, data[k])
	}
	if len(skipped) > 0 {
		t.warn("InvalidEnvironmentVariableNames", fmt.Sprintf(
			"Keys [%s] from the EnvFrom %s %s/%s were skipped since they are considered invalid environment variable names.",
			strings.Join(skipped, ", "), kind, t.pod.Namespace, name))
	}
}

// minor is the minor version of Kubernetes; a version that cannot be read is
// the newest.
func (e *Environment) minor() int {
	_, minor, _ := strings.Cut(e.Version, ".")
	n, err := strconv.Atoi(strings.TrimRight(minor, "+"))
	if err != nil {
		return 1 << 30
	}
	return n
}

// valueFrom resolves a variable; ok is false when it is optional and has no
// source.
func (t *translation) valueFrom(ctx context.Context, c *v1.Container, from *v1.EnvVarSource) (value string, ok bool, err error) {
	switch {
	case from.FieldRef != nil:
		value, err = t.field(from.FieldRef.FieldPath)
		return value, err == nil, err
	case from.ResourceFieldRef != nil:
		value, err = t.resource(from.ResourceFieldRef, c)
		return value, err == nil, err
	case from.ConfigMapKeyRef != nil:
		return t.configMapKey(ctx, from.ConfigMapKeyRef)
	case from.SecretKeyRef != nil:
		return t.secretKey(ctx, from.SecretKeyRef)
	case from.FileKeyRef != nil:
		return "", false, fmt.Errorf("fileKeyRef of volume %q: Neargate cannot take variables from files of volumes", from.FileKeyRef.VolumeName)
	}
	return "", true, nil
}

func (t *translation) configMapKey(ctx context.Context, r *v1.ConfigMapKeySelector) (string, bool, error) {
	cm, err := t.objects.configMap(ctx, r.Name, r.Optional)
	if err != nil || cm == nil {
		return "", false, err
	}
	value, ok := cm.Data[r.Key]
	if !ok && !ptr.Deref(r.Optional, false) {
		return "", false, fmt.Errorf("couldn't find key %v in ConfigMap %v/%v", r.Key, t.pod.Namespace, r.Name)
	}
	return value, ok, nil
}

func (t *translation) secretKey(ctx context.Context, r *v1.SecretKeySelector) (string, bool, error) {
	s, err := t.objects.secret(ctx, r.Name, r.Optional)
	if err != nil || s == nil {
		return "", false, err
	}
	value, ok := s.Data[r.Key]
	if !ok && !ptr.Deref(r.Optional, false) {
		return "", false, fmt.Errorf("couldn't find key %v in Secret %v/%v", r.Key, t.pod.Namespace, r.Name)
	}
	return string(value), ok, nil
}
