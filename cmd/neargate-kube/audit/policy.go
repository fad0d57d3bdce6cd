package audit

import (
	_ "embed"
	"fmt"
	"sync/atomic"

	auditinternal "k8s.io/apiserver/pkg/apis/audit"
	"k8s.io/apiserver/pkg/audit"
	"k8s.io/apiserver/pkg/audit/policy"
	"k8s.io/apiserver/pkg/authorization/authorizer"
)

//go:embed policy.yaml
var policyYAML []byte

// Policy says what is audited: what EKS's policy says while it is switched on,
// else nothing, which costs a request next to nothing.
type Policy struct {
	rules audit.PolicyRuleEvaluator
	on    atomic.Bool
}

// NewPolicy returns one that is switched off.
func NewPolicy() (*Policy, error) {
	p, err := policy.LoadPolicyFromBytes(policyYAML)
	if err != nil {
		return nil, fmt.Errorf("the audit policy: %w", err)
	}
	return &Policy{rules: policy.NewPolicyRuleEvaluator(p)}, nil
}

// Switch switches it on or off, for requests that come from now on.
func (p *Policy) Switch(on bool) { p.on.Store(on) }

// EvaluatePolicyRule implements audit.PolicyRuleEvaluator.
func (p *Policy) EvaluatePolicyRule(a authorizer.Attributes) audit.RequestAuditConfig {
	if !p.on.Load() {
		return audit.RequestAuditConfig{Level: auditinternal.LevelNone}
	}
	return p.rules.EvaluatePolicyRule(a)
}
