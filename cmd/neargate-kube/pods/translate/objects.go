package translate

import (
	"context"

	v1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// objects are the ConfigMaps and Secrets of one namespace, each asked for
// once in a translation, so that all containers of a pod see the same one.
type objects struct {
	source     Source
	namespace  string
	configMaps map[string]found[*v1.ConfigMap]
	secrets    map[string]found[*v1.Secret]
}

type found[T any] struct {
	value T
	err   error
}

func newObjects(s Source, namespace string) objects {
	return objects{source: s, namespace: namespace, configMaps: map[string]found[*v1.ConfigMap]{}, secrets: map[string]found[*v1.Secret]{}}
}

// configMap reads a ConfigMap; nil when it is not there and optional.
func (o *objects) configMap(ctx context.Context, name string, optional *bool) (*v1.ConfigMap, error) {
	f, ok := o.configMaps[name]
	if !ok {
		f.value, f.err = o.source.ConfigMap(ctx, o.namespace, name)
		o.configMaps[name] = f
	}
	if f.err != nil {
		return nil, unless(optional, missing("configmap", name, f.err))
	}
	return f.value, nil
}

// secret reads a Secret; nil when it is not there and optional.
func (o *objects) secret(ctx context.Context, name string, optional *bool) (*v1.Secret, error) {
	f, ok := o.secrets[name]
	if !ok {
		f.value, f.err = o.source.Secret(ctx, o.namespace, name)
		o.secrets[name] = f
	}
	if f.err != nil {
		return nil, unless(optional, missing("secret", name, f.err))
	}
	return f.value, nil
}

// unless drops the error of what is not there and need not be.
func unless(optional *bool, err error) error {
	if optional != nil && *optional && apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
