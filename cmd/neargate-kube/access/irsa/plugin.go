// Package irsa gives pods the IAM role of their service account: what EKS's
// pod-identity-webhook does, inside the API server. It mounts a token and says
// in the environment where the SDKs change it for the role's credentials: at
// STS, where the service account names a role (IRSA), or at the EKS Pod
// Identity Agent, where a pod identity association does, which goes first.
//
// plugin.go decides which, patch.go writes it into the pod.
package irsa

import (
	"context"
	"errors"
	"fmt"
	"io"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/kubernetes/pkg/apis/core"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

// PluginName is what the API server knows the plugin by.
const PluginName = "EKSPodIdentityWebhook"

// Annotations of service accounts and pods.
const (
	roleARN        = "eks.amazonaws.com/role-arn"
	audience       = "eks.amazonaws.com/audience"
	expiration     = "eks.amazonaws.com/token-expiration"
	regional       = "eks.amazonaws.com/sts-regional-endpoints"
	skipContainers = "eks.amazonaws.com/skip-containers"
)

// Config is what the plugin needs.
type Config struct {
	Region string
	// Associated tells whether a service account has a pod identity
	// association.
	Associated func(namespace, account string) bool
}

// Plugin mutates pods at their creation.
type Plugin struct {
	*admission.Handler
	config   Config
	client   kubernetes.Interface
	accounts listers.ServiceAccountLister
}

var (
	_ admission.MutationInterface                  = (*Plugin)(nil)
	_ admission.InitializationValidator            = (*Plugin)(nil)
	_ initializer.WantsExternalKubeClientSet       = (*Plugin)(nil)
	_ initializer.WantsExternalKubeInformerFactory = (*Plugin)(nil)
)

// Factory makes the plugin, for admission.Plugins.Register.
func Factory(c Config) admission.Factory {
	return func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create), config: c}, nil
	}
}

// SetExternalKubeClientSet gives it the API server's client of itself.
func (p *Plugin) SetExternalKubeClientSet(c kubernetes.Interface) { p.client = c }

// SetExternalKubeInformerFactory gives it the API server's informers.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	accounts := f.Core().V1().ServiceAccounts()
	p.accounts = accounts.Lister()
	p.SetReadyFunc(accounts.Informer().HasSynced)
}

// ValidateInitialization fails when the API server left something out.
func (p *Plugin) ValidateInitialization() error {
	if p.client == nil || p.accounts == nil {
		return fmt.Errorf("%s needs a client and informers", PluginName)
	}
	return nil
}

// Admit writes into a new pod what its service account's role needs.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	pod, ok := a.GetObject().(*core.Pod)
	if !ok || a.GetSubresource() != "" {
		return nil
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(a, errors.New("service accounts are not known yet"))
	}
	name := pod.Spec.ServiceAccountName
	if name == "" {
		name = "default"
	}
	account, err := p.account(ctx, a.GetNamespace(), name)
	if apierrors.IsNotFound(err) {
		return nil // the ServiceAccount plugin refuses it in its own words
	}
	if err != nil {
		return apierrors.NewInternalError(err)
	}
	role := account.Annotations[roleARN]
	switch {
	case p.config.Associated(a.GetNamespace(), name) && !onFargate(pod):
		agentPatch(p.config.Region, pod, account).apply(pod)
	case role != "":
		rolePatch(p.config.Region, pod, account, role).apply(pod)
	}
	return nil
}

// onFargate tells whether a pod was given to Fargate, where there is no EKS Pod
// Identity Agent. Fargate's own plugin has seen it before.
func onFargate(pod *core.Pod) bool {
	return pod.Spec.SchedulerName == rules.SchedulerName || pod.Labels[rules.ProfileLabel] != ""
}

// account reads past the cache what is not in it yet: a manifest often has an
// account and its pod.
func (p *Plugin) account(ctx context.Context, namespace, name string) (*corev1.ServiceAccount, error) {
	account, err := p.accounts.ServiceAccounts(namespace).Get(name)
	if apierrors.IsNotFound(err) {
		return p.client.CoreV1().ServiceAccounts(namespace).Get(ctx, name, metav1.GetOptions{})
	}
	return account, err
}
