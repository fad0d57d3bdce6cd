package controlplane

import (
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
	"github.com/neargate/neargate/emulator/eks/link"
)

// aws_auth.go reads the ConfigMap aws-auth for the authenticator, and writes
// the roles of nodes into it. Package access decides both.

const awsAuth = "aws-auth"

// followAWSAuth keeps what the ConfigMap aws-auth says, until ctx ends. Only
// that one object is watched.
func (p *plane) followAWSAuth(ctx context.Context, client kubernetes.Interface) error {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(metav1.NamespaceSystem),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", awsAuth).String()
		}))
	read := func(o any) {
		m, ok := o.(*corev1.ConfigMap)
		if !ok {
			return
		}
		a, err := access.ParseAWSAuth(m.Data)
		if err != nil {
			p.log.Warn().Str("component", "authenticator").Err(err).Msg("part of aws-auth cannot be read")
		}
		p.tokens.SetAWSAuth(a)
	}
	_, err := factory.Core().V1().ConfigMaps().Informer().AddEventHandler(cache.ResourceEventHandlerFuncs{
		AddFunc: read, UpdateFunc: func(_, now any) { read(now) }, DeleteFunc: func(any) { p.tokens.SetAWSAuth(nil) },
	})
	if err != nil {
		return err
	}
	factory.Start(ctx.Done())
	<-ctx.Done()
	factory.Shutdown()
	return nil
}

// writeNodeRoles brings the roles of profiles and node groups into aws-auth,
// as EKS does when one is made. Without any there is no ConfigMap.
func writeNodeRoles(ctx context.Context, client kubernetes.Interface, s link.Settings) error {
	maps := client.CoreV1().ConfigMaps(metav1.NamespaceSystem)
	has, err := maps.Get(ctx, awsAuth, metav1.GetOptions{})
	missing := apierrors.IsNotFound(err)
	if err != nil && !missing {
		return fmt.Errorf("reading aws-auth: %w", err)
	}
	if missing {
		has = &corev1.ConfigMap{ObjectMeta: metav1.ObjectMeta{Name: awsAuth}}
	}
	want, err := withNodeRoles(has, access.NodeRoles(s))
	switch {
	case err != nil:
		return err
	case want == nil:
		return nil
	case missing:
		_, err = maps.Create(ctx, want, metav1.CreateOptions{})
	default:
		_, err = maps.Update(ctx, want, metav1.UpdateOptions{})
	}
	if err != nil {
		return fmt.Errorf("writing aws-auth: %w", err)
	}
	return nil
}

// withNodeRoles returns the ConfigMap as it should be, nil when it is so.
func withNodeRoles(m *corev1.ConfigMap, want []access.NodeRole) (*corev1.ConfigMap, error) {
	text, own, err := access.WriteNodeRoles(m.Data["mapRoles"], m.Annotations[access.NodeRolesAnnotation], want)
	if err != nil {
		return nil, err
	}
	if text == m.Data["mapRoles"] && own == m.Annotations[access.NodeRolesAnnotation] {
		return nil, nil
	}
	m = m.DeepCopy()
	m.Data, m.Annotations = cloned(m.Data), cloned(m.Annotations)
	m.Data["mapRoles"], m.Annotations[access.NodeRolesAnnotation] = text, own
	return m, nil
}

func cloned(m map[string]string) map[string]string {
	if m == nil {
		return map[string]string{}
	}
	return maps.Clone(m)
}
