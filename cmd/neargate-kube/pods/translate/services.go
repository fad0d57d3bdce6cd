package translate

import (
	"cmp"
	"context"
	"net"
	"slices"
	"strconv"
	"strings"

	v1 "k8s.io/api/core/v1"
	"k8s.io/utils/ptr"
)

// services.go is about the variables that tell a container where Services are.

// services gives the variables of the Service default/kubernetes and, unless
// enableServiceLinks is false, of those in the pod's namespace.
func (t *translation) services(ctx context.Context) (map[string]string, error) {
	all := map[string]*v1.Service{}
	if ptr.Deref(t.pod.Spec.EnableServiceLinks, v1.DefaultEnableServiceLinks) {
		own, err := t.source.Services(ctx, t.pod.Namespace)
		if err != nil {
			return nil, err
		}
		for _, s := range own {
			all[s.Name] = s
		}
	}
	masters, err := t.source.Services(ctx, v1.NamespaceDefault)
	if err != nil {
		return nil, err
	}
	for _, s := range masters {
		if _, own := all[s.Name]; s.Name == "kubernetes" && !own {
			all[s.Name] = s
		}
	}
	vars := map[string]string{}
	for _, s := range all {
		serviceVariables(s, vars)
	}
	return vars, nil
}

// serviceVariables adds those of one Service that has an address and ports.
func serviceVariables(s *v1.Service, vars map[string]string) {
	ip := s.Spec.ClusterIP
	if ip == "" || ip == v1.ClusterIPNone || len(s.Spec.Ports) == 0 {
		return
	}
	prefix := variableName(s.Name)
	first := s.Spec.Ports[0]
	vars[prefix+"_SERVICE_HOST"] = ip
	vars[prefix+"_SERVICE_PORT"] = strconv.Itoa(int(first.Port))
	vars[prefix+"_PORT"] = portURL(ip, &first)
	for _, p := range slices.Backward(s.Spec.Ports) {
		number := strconv.Itoa(int(p.Port))
		if p.Name != "" {
			vars[prefix+"_SERVICE_PORT_"+variableName(p.Name)] = number
		}
		port := prefix + "_PORT_" + number + "_" + strings.ToUpper(protocolOf(&p))
		vars[port] = portURL(ip, &p)
		vars[port+"_PROTO"] = protocolOf(&p)
		vars[port+"_PORT"] = number
		vars[port+"_ADDR"] = ip
	}
}

func variableName(name string) string {
	return strings.ToUpper(strings.ReplaceAll(name, "-", "_"))
}

func protocolOf(p *v1.ServicePort) string {
	return strings.ToLower(cmp.Or(string(p.Protocol), string(v1.ProtocolTCP)))
}

func portURL(ip string, p *v1.ServicePort) string {
	return protocolOf(p) + "://" + net.JoinHostPort(ip, strconv.Itoa(int(p.Port)))
}
