package sandbox

import (
	"fmt"
	"strings"
)

// why_public.go tells what of a sandbox the host reaches; why.go tells all else.

// maxTold is how many ports are told one by one.
const maxTold = 10

// whyPublic tells which ports answer at the public address, and that the others
// do not, which is otherwise on AWS; nothing when there is no such address.
func whyPublic(s *Sandbox) []string {
	a := s.Status.Address
	if a == nil || a.Public == "" || s.Desired.Stopped || s.IsStopped() {
		return nil
	}
	all := publicPorts(s)
	if len(all) == 0 {
		return []string{fmt.Sprintf("No port answers at its public address %s, as no portMapping names one. On AWS every port would on which it listens.", a.Public)}
	}
	if more := len(all) - maxTold; more > 0 {
		all = append(all[:maxTold], fmt.Sprintf("and %d more", more))
	}
	return []string{fmt.Sprintf("At its public address %s these ports answer, which portMappings name: %s. On AWS every port would on which it listens.",
		a.Public, strings.Join(all, ", "))}
}

// publicPorts are the ports in the order of the containers, "80/tcp of web", and
// of one that could not keep its number where it is found.
func publicPorts(s *Sandbox) []string {
	var all []string
	seen := map[string]bool{}
	for _, c := range s.Spec.Containers {
		for _, p := range c.Ports {
			name := fmt.Sprintf("%d/%s", p.Number, p.Protocol)
			if seen[name] {
				continue
			}
			seen[name] = true
			text := name + " of " + c.Name
			if at, moved := s.Status.Address.PublicPorts[name]; moved {
				text += fmt.Sprintf(" (at %d)", at)
			}
			all = append(all, text)
		}
	}
	return all
}
