package apiwire

import (
	"mime"
	"net"
	"net/http"
	"net/url"
	"strings"
)

// This file decides which service a request is for, from what it carries:
// signature, target header, form, host, path, in this order. The paths of the
// rpc-v2-cbor protocol (/service/X/operation/Y) would come before the form; no
// service here speaks it.

// hint is what a request tells about the service it is for.
type hint struct {
	service *Service
	seen    string // what named a service, for the answer when there is none
	aws     bool   // it is a request in AWS's manner at all
}

// dispatch chooses the service. A known X-Amz-Target wins over the signature:
// the session manager plugin signs AmazonSSM requests as "ecs".
func (h *Handler) dispatch(r *request, signedFor string) hint {
	prefix, _ := splitTarget(r.Header.Get("X-Amz-Target"))
	if s := h.byTarget[prefix]; prefix != "" && s != nil {
		return hint{service: s, aws: true}
	}
	if signedFor != "" {
		return hint{service: h.bySigningName(signedFor, r), seen: signedFor, aws: true}
	}
	if target := r.Header.Get("X-Amz-Target"); target != "" {
		return hint{seen: target, aws: true}
	}
	if action, version := formValue(r, "Action"), formValue(r, "Version"); action != "" {
		return hint{service: h.byVersion(version), seen: "of Action=" + action + ", Version=" + version, aws: true}
	}
	if s := h.byHost(r.Host); s != nil {
		return hint{service: s, aws: true}
	}
	for _, s := range h.services {
		if s.router == nil {
			continue
		}
		if _, _, known := s.router.match(r.Request); known {
			return hint{service: s, aws: true}
		}
	}
	return hint{}
}

// bySigningName finds the service of that name; where two share one, as the
// two generations of Elastic Load Balancing do, the API version decides.
func (h *Handler) bySigningName(name string, r *request) *Service {
	var found *Service
	for _, s := range h.services {
		if s.name != name {
			continue
		}
		if found == nil || s.version != "" && s.version == formValue(r, "Version") {
			found = s
		}
	}
	return found
}

func (h *Handler) byVersion(version string) *Service {
	for _, s := range h.services {
		if s.version != "" && s.version == version {
			return s
		}
	}
	return nil
}

// byHost finds the service that a host name begins with: ecs.localhost,
// api.ecr.us-east-1.amazonaws.com, data-servicediscovery.eu-west-1.….
func (h *Handler) byHost(host string) *Service {
	name, rest, ok := strings.Cut(strings.TrimPrefix(hostName(host), "api."), ".")
	if !ok || rest == "" {
		return nil
	}
	for _, s := range h.services {
		if name == s.name || name == "data-"+s.name || name == "stream-"+s.name {
			return s
		}
	}
	return nil
}

// regionOfHost reads the region from a host name of AWS's form, "" when it
// has none.
func regionOfHost(host string) string {
	labels := strings.Split(strings.TrimPrefix(hostName(host), "api."), ".")
	if len(labels) < 3 || strings.Count(labels[1], "-") < 2 {
		return ""
	}
	return labels[1]
}

func hostName(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	return strings.ToLower(host)
}

// formValue reads a parameter of a request that may be a form, from the URL or
// the body. Only what dispatch needs is looked for; taking the form apart, and
// complaining of it, is the query protocols' part.
func formValue(r *request, key string) string {
	if !mayBeForm(r) {
		return ""
	}
	for _, text := range []string{r.URL.RawQuery, string(r.body)} {
		for pair := range strings.SplitSeq(text, "&") {
			if k, v, _ := strings.Cut(pair, "="); k == key {
				v, _ = url.QueryUnescape(v)
				return v
			}
		}
	}
	return ""
}

func mayBeForm(r *request) bool {
	if strings.Contains(r.URL.RawQuery, "Action=") {
		return true
	}
	t, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return r.Method == http.MethodPost && err == nil && t == "application/x-www-form-urlencoded"
}
