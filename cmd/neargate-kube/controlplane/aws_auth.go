package controlplane

import (
	"context"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"

	"github.com/neargate/neargate/cmd/neargate-kube/access"
)

// followAWSAuth keeps what the ConfigMap aws-auth says, until ctx ends. Only
// that one object is watched.
func (p *plane) followAWSAuth(ctx context.Context, client kubernetes.Interface) error {
	factory := informers.NewSharedInformerFactoryWithOptions(client, 0, informers.WithNamespace(metav1.NamespaceSystem),
		informers.WithTweakListOptions(func(o *metav1.ListOptions) {
			o.FieldSelector = fields.OneTermEqualSelector("metadata.name", "aws-auth").String()
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
