package network

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"reflect"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/neargate/neargate/cmd/neargate-kube/identity"
	"github.com/neargate/neargate/emulator/eks/link"
)

// balance.go has the load balancers made that balancer.go lists.

// balance tells which load balancers there shall be, and writes into each
// Service where it answers.
func (p *Publisher) balance(ctx context.Context, v View) error {
	want := Balancers(v)
	if p.stale.Swap(false) {
		p.settled = false
	}
	if p.settled && reflect.DeepEqual(want, p.balancers) {
		return nil
	}
	p.settled = false
	answers, err := p.Parent.SetLoadBalancers(ctx, want)
	if err != nil {
		return fmt.Errorf("telling the load balancers: %w", err)
	}
	p.note(answers)
	at := map[string]link.LoadBalancerStatus{}
	for _, a := range answers {
		at[a.Name] = a
	}
	var errs []error
	for _, s := range v.Services {
		errs = append(errs, p.write(ctx, s, at[s.Namespace+"/"+s.Name]))
	}
	if err := errors.Join(errs...); err != nil {
		return err
	}
	p.balancers, p.settled = want, true
	return nil
}

// note logs which load balancers do not answer, when that changes, and has
// them asked for again.
func (p *Publisher) note(answers []link.LoadBalancerStatus) {
	silent := map[string]string{}
	for _, a := range answers {
		if a.Error != "" {
			silent[a.Name] = a.Error
		}
	}
	p.mu.Lock()
	was := p.silent
	p.silent = silent
	p.mu.Unlock()
	if len(silent) > 0 {
		time.AfterFunc(again, p.retell)
	}
	if maps.Equal(was, silent) {
		return
	}
	for name, why := range silent {
		p.Log.Warn().Str("service", name).Str("error", why).Msg("a load balancer does not answer")
	}
}

// retell has the load balancers told again, changed or not.
func (p *Publisher) retell() {
	p.stale.Store(true)
	p.mark()
}

// write puts a load balancer's address into its Service's status, and takes it
// out of one that has none any more.
func (p *Publisher) write(ctx context.Context, s *corev1.Service, a link.LoadBalancerStatus) error {
	var want []corev1.LoadBalancerIngress
	if a.Address != "" {
		want = []corev1.LoadBalancerIngress{{IP: a.Address, Hostname: a.Hostname}}
	}
	if !balanced(s) && s.Spec.Type == corev1.ServiceTypeLoadBalancer {
		return nil // somebody else's
	}
	has := s.Status.LoadBalancer.Ingress
	if len(has) == len(want) && (len(want) == 0 || has[0].IP == want[0].IP && has[0].Hostname == want[0].Hostname) {
		return nil
	}
	patch, err := json.Marshal(map[string]any{"status": map[string]any{"loadBalancer": map[string]any{"ingress": want}}})
	if err != nil {
		return err
	}
	_, err = p.Client.CoreV1().Services(s.Namespace).Patch(identity.As(ctx, identity.CloudController), s.Name, types.MergePatchType, patch, metav1.PatchOptions{}, "status")
	if apierrors.IsNotFound(err) {
		return nil // deleted meanwhile: the next view knows
	}
	return err
}
