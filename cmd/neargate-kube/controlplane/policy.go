package controlplane

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	genericapiserver "k8s.io/apiserver/pkg/server"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/util/retry"
	"k8s.io/component-helpers/auth/rbac/reconciliation"
	"k8s.io/klog/v2"
	schedulingv1 "k8s.io/kubernetes/pkg/apis/scheduling/v1"
	rbacrest "k8s.io/kubernetes/pkg/registry/rbac/rest"
	schedulingrest "k8s.io/kubernetes/pkg/registry/scheduling/rest"
	"k8s.io/kubernetes/plugin/pkg/auth/authorizer/rbac/bootstrappolicy"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
)

// policy.go makes Kubernetes' own roles, bindings and priority classes, and EKS's. The API
// server has hooks that do so, but they wait for a second first, in case etcd is
// not there yet, and then make one after the other; that was half of a start.

// policyHook does the work of those that it replaces.
const policyHook = "neargate/bootstrap-policy"

const (
	policyPause  = 100 * time.Millisecond // between tries
	policyLimit  = 30 * time.Second       // the API server's own
	policyAtOnce = 4
)

// quickPolicy puts policyHook in the place of upstream's hooks. Like them it
// keeps the API server from being ready before it is done.
func quickPolicy(c *genericapiserver.Config) error {
	c.DisabledPostStartHooks.Insert(rbacrest.PostStartHookName, schedulingrest.PostStartHookName)
	return c.AddPostStartHook(policyHook, func(h genericapiserver.PostStartHookContext) error {
		client, err := kubernetes.NewForConfig(h.LoopbackClientConfig)
		if err != nil {
			return err
		}
		err = wait.PollUntilContextTimeout(h, policyPause, policyLimit, true, func(ctx context.Context) (bool, error) {
			if err := makePolicy(ctx, client); err != nil {
				klog.FromContext(ctx).Error(err, "Cannot make the initial policy yet")
				return false, nil
			}
			return true, nil
		})
		if err != nil {
			return fmt.Errorf("unable to make the initial policy: %w", err)
		}
		return nil
	})
}

// makePolicy makes what is missing and gives back what the objects that are
// there have lost, unless they say that they are not to be touched.
func makePolicy(ctx context.Context, client kubernetes.Interface) error {
	g, ctx := errgroup.WithContext(ctx)
	g.SetLimit(policyAtOnce)
	ensure := func(what, name string, run func() error) {
		g.Go(func() error {
			err := retry.OnError(retry.DefaultBackoff, func(err error) bool {
				return ctx.Err() == nil && (apierrors.IsConflict(err) || apierrors.IsServiceUnavailable(err) || apierrors.IsAlreadyExists(err))
			}, run)
			if err != nil {
				return fmt.Errorf("%s %s: %w", what, name, err)
			}
			return nil
		})
	}
	for _, c := range schedulingv1.SystemPriorityClasses() {
		ensure("PriorityClass", c.Name, func() error {
			_, err := client.SchedulingV1().PriorityClasses().Create(ctx, c, metav1.CreateOptions{})
			if apierrors.IsAlreadyExists(err) {
				return nil
			}
			return err
		})
	}
	for _, role := range slices.Concat(bootstrappolicy.ClusterRoles(), bootstrappolicy.ControllerRoles(), identity.ClusterRoles()) {
		ensure("ClusterRole", role.Name, func() error { return reconcileRole(clusterRole(client, role)) })
	}
	for _, b := range slices.Concat(bootstrappolicy.ClusterRoleBindings(), bootstrappolicy.ControllerRoleBindings(), identity.ClusterRoleBindings()) {
		ensure("ClusterRoleBinding", b.Name, func() error { return reconcileBinding(clusterBinding(client, b)) })
	}
	for namespace, roles := range bootstrappolicy.NamespaceRoles() {
		for _, role := range roles {
			ensure("Role", namespace+"/"+role.Name, func() error { return reconcileRole(namespaceRole(client, role)) })
		}
	}
	for namespace, bindings := range bootstrappolicy.NamespaceRoleBindings() {
		for _, b := range bindings {
			ensure("RoleBinding", namespace+"/"+b.Name, func() error { return reconcileBinding(namespaceBinding(client, b)) })
		}
	}
	return g.Wait()
}

func clusterRole(client kubernetes.Interface, role rbacv1.ClusterRole) (reconciliation.RuleOwner, reconciliation.RuleOwnerModifier) {
	return reconciliation.ClusterRoleRuleOwner{ClusterRole: &role}, reconciliation.ClusterRoleModifier{Client: client.RbacV1().ClusterRoles()}
}

func namespaceRole(client kubernetes.Interface, role rbacv1.Role) (reconciliation.RuleOwner, reconciliation.RuleOwnerModifier) {
	return reconciliation.RoleRuleOwner{Role: &role}, reconciliation.RoleModifier{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()}
}

func clusterBinding(client kubernetes.Interface, b rbacv1.ClusterRoleBinding) (reconciliation.RoleBinding, reconciliation.RoleBindingModifier) {
	return reconciliation.ClusterRoleBindingAdapter{ClusterRoleBinding: &b}, reconciliation.ClusterRoleBindingClientAdapter{Client: client.RbacV1().ClusterRoleBindings()}
}

func namespaceBinding(client kubernetes.Interface, b rbacv1.RoleBinding) (reconciliation.RoleBinding, reconciliation.RoleBindingModifier) {
	return reconciliation.RoleBindingAdapter{RoleBinding: &b}, reconciliation.RoleBindingClientAdapter{Client: client.RbacV1(), NamespaceClient: client.CoreV1().Namespaces()}
}

func reconcileRole(role reconciliation.RuleOwner, by reconciliation.RuleOwnerModifier) error {
	o := reconciliation.ReconcileRoleOptions{Role: role, Client: by, Confirm: true}
	result, err := o.Run()
	if err == nil && result.Protected && result.Operation != reconciliation.ReconcileNone {
		klog.Background().Info("A protected role lacks permissions", "role", role.GetName(), "missing", result.MissingRules)
	}
	return err
}

func reconcileBinding(b reconciliation.RoleBinding, by reconciliation.RoleBindingModifier) error {
	o := reconciliation.ReconcileRoleBindingOptions{RoleBinding: b, Client: by, Confirm: true}
	result, err := o.Run()
	if err == nil && result.Protected && result.Operation != reconciliation.ReconcileNone {
		klog.Background().Info("A protected binding lacks subjects", "binding", b.GetName(), "missing", result.MissingSubjects)
	}
	return err
}
