// Package admission is Fargate's part of the API server: what EKS does on AWS
// with the mutating webhook 0500-amazon-eks-fargate-mutation.amazonaws.com is an
// admission plugin here. It writes into new pods that a Fargate profile
// matches, and touches nothing else. What it writes, package rules decides.
package admission

import (
	"context"
	"fmt"
	"io"
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/apiserver/pkg/admission/initializer"
	"k8s.io/client-go/informers"
	"k8s.io/client-go/kubernetes"
	"k8s.io/kubernetes/pkg/apis/core"
	v1 "k8s.io/kubernetes/pkg/apis/core/v1"

	"github.com/neargate/neargate/cmd/neargate-kube/fargate/rules"
)

// PluginName is what the API server knows the plugin by.
const PluginName = "EKSFargate"

// Config is what the plugin needs.
type Config struct {
	Profiles rules.Profiles
	Region   string
	// CheckLogging says why the ConfigMap aws-logging is not good; nil takes
	// every one.
	CheckLogging func(*corev1.ConfigMap) error
}

// Factory makes the plugin, for admission.Plugins.Register.
func Factory(c Config) admission.Factory {
	return func(io.Reader) (admission.Interface, error) { return New(c), nil }
}

// Register makes the plugin known to an API server's options; Order puts it in
// its place.
func Register(plugins *admission.Plugins, c Config) { plugins.Register(PluginName, Factory(c)) }

// Order returns the order of plugins with this one in the place that EKS's
// webhook has: after all that complete a pod (LimitRanger, Priority), before
// users' policies and webhooks.
func Order(recommended []string) []string {
	at := slices.Index(recommended, "MutatingAdmissionPolicy")
	if at < 0 {
		at = len(recommended)
	}
	return slices.Insert(slices.Clone(recommended), at, PluginName)
}

// Plugin mutates pods at their creation.
type Plugin struct {
	*admission.Handler
	config  Config
	logging logging
}

var (
	_ admission.MutationInterface                  = (*Plugin)(nil)
	_ admission.InitializationValidator            = (*Plugin)(nil)
	_ initializer.WantsExternalKubeClientSet       = (*Plugin)(nil)
	_ initializer.WantsExternalKubeInformerFactory = (*Plugin)(nil)
)

// New returns a plugin that the API server has still to initialise.
func New(c Config) *Plugin {
	return &Plugin{Handler: admission.NewHandler(admission.Create), config: c, logging: logging{check: c.CheckLogging}}
}

// SetExternalKubeClientSet gives it the API server's client of itself.
func (p *Plugin) SetExternalKubeClientSet(c kubernetes.Interface) { p.logging.client = c }

// SetExternalKubeInformerFactory gives it the API server's informers.
func (p *Plugin) SetExternalKubeInformerFactory(f informers.SharedInformerFactory) {
	namespaces := f.Core().V1().Namespaces()
	p.logging.namespaces = namespaces.Lister()
	p.SetReadyFunc(namespaces.Informer().HasSynced)
}

// ValidateInitialization fails when the API server left something out.
func (p *Plugin) ValidateInitialization() error {
	if p.logging.client == nil || p.logging.namespaces == nil || p.config.Profiles == nil {
		return fmt.Errorf("%s needs a client, informers and profiles", PluginName)
	}
	return nil
}

// Admit writes into a new pod what Fargate writes. Doing it again changes
// nothing.
func (p *Plugin) Admit(ctx context.Context, a admission.Attributes, _ admission.ObjectInterfaces) error {
	if a.GetResource().GroupResource() != core.Resource("pods") || a.GetSubresource() != "" {
		return nil
	}
	pod, ok := a.GetObject().(*core.Pod)
	if !ok {
		return admission.NewForbidden(a, fmt.Errorf("a pod was expected, and is %T", a.GetObject()))
	}
	profiles := p.config.Profiles.FargateProfiles()
	if len(profiles) == 0 {
		return nil
	}
	if !p.WaitForReady() {
		return admission.NewForbidden(a, fmt.Errorf("%s is not yet ready to handle requests", PluginName))
	}
	view, err := viewOf(pod)
	if err != nil {
		return admission.NewForbidden(a, err)
	}
	profile, ok := rules.Match(view, a.GetNamespace(), p.config.Region, profiles)
	if !ok {
		return nil
	}
	state, err := p.logging.state(ctx)
	if err != nil {
		return admission.NewForbidden(a, err)
	}
	complete(pod)
	if view, err = viewOf(pod); err != nil {
		return admission.NewForbidden(a, err)
	}
	apply(pod, rules.Mutate(view, profile, state))
	return nil
}

// viewOf returns the pod with the types that the rules know. It shares what it
// can with the pod, so nobody changes it.
func viewOf(pod *core.Pod) (*corev1.Pod, error) {
	view := &corev1.Pod{}
	if err := v1.Convert_core_Pod_To_v1_Pod(pod, view, nil); err != nil {
		return nil, fmt.Errorf("the pod cannot be read: %w", err)
	}
	return view, nil
}
