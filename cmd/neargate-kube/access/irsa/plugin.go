// Package irsa gives pods the IAM role of their service account: what EKS's
// pod-identity-webhook does, inside the API server. The SDKs in the pod change
// the token that it mounts for the role's credentials, at STS.
package irsa

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	listers "k8s.io/client-go/listers/core/v1"
	"k8s.io/kubernetes/pkg/apis/core"
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

const (
	volumeName        = "aws-iam-token"
	mountPath         = "/var/run/secrets/eks.amazonaws.com/serviceaccount"
	defaultAudience   = "sts.amazonaws.com"
	defaultExpiration = 86400 // seconds
	leastExpiration   = 3600
)

// Plugin mutates pods at their creation.
type Plugin struct {
	*admission.Handler
	region   string
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
func Factory(region string) admission.Factory {
	return func(io.Reader) (admission.Interface, error) {
		return &Plugin{Handler: admission.NewHandler(admission.Create), region: region}, nil
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
	if role := account.Annotations[roleARN]; role != "" {
		p.mutate(pod, account, role)
	}
	return nil
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

func (p *Plugin) mutate(pod *core.Pod, account *corev1.ServiceAccount, role string) {
	if !slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool { return v.Name == volumeName }) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, tokenVolume(pod, account))
	}
	env := []core.EnvVar{
		{Name: "AWS_STS_REGIONAL_ENDPOINTS", Value: regionalEndpoints(account)},
		{Name: "AWS_DEFAULT_REGION", Value: p.region}, {Name: "AWS_REGION", Value: p.region},
		{Name: "AWS_ROLE_ARN", Value: role},
		{Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: path.Join(mountPath, "token")},
	}
	skip := strings.Split(pod.Annotations[skipContainers], ",")
	for _, all := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range all {
			if !slices.ContainsFunc(skip, func(s string) bool { return strings.TrimSpace(s) == all[i].Name }) {
				give(&all[i], env)
			}
		}
	}
}

func regionalEndpoints(account *corev1.ServiceAccount) string {
	if account.Annotations[regional] == "false" {
		return "legacy"
	}
	return "regional"
}

// give adds what a container does not say itself.
func give(c *core.Container, env []core.EnvVar) {
	for _, e := range env {
		if !slices.ContainsFunc(c.Env, func(has core.EnvVar) bool { return has.Name == e.Name }) {
			c.Env = append(c.Env, e)
		}
	}
	if !slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.MountPath == mountPath }) {
		c.VolumeMounts = append(c.VolumeMounts, core.VolumeMount{Name: volumeName, ReadOnly: true, MountPath: mountPath})
	}
}

func tokenVolume(pod *core.Pod, account *corev1.ServiceAccount) core.Volume {
	to := account.Annotations[audience]
	if to == "" {
		to = defaultAudience
	}
	mode := int32(0o644)
	return core.Volume{Name: volumeName, VolumeSource: core.VolumeSource{Projected: &core.ProjectedVolumeSource{
		DefaultMode: &mode,
		Sources: []core.VolumeProjection{{ServiceAccountToken: &core.ServiceAccountTokenProjection{
			Audience: to, ExpirationSeconds: new(life(pod, account)), Path: "token",
		}}},
	}}}
}

// life is how long the token is good for, in seconds; a pod's own wish goes
// first, and nothing below an hour counts.
func life(pod *core.Pod, account *corev1.ServiceAccount) int64 {
	for _, text := range []string{pod.Annotations[expiration], account.Annotations[expiration]} {
		if n, err := strconv.ParseInt(text, 10, 64); err == nil {
			return max(n, leastExpiration)
		}
	}
	return defaultExpiration
}
