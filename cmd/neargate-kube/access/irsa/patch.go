package irsa

import (
	"path"
	"slices"
	"strconv"
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/kubernetes/pkg/apis/core"
)

const (
	defaultExpiration = 86400 // seconds
	leastExpiration   = 3600
	agentVolume       = "eks-pod-identity-token"
)

// patch is what is written into a pod. What a container says itself stays.
type patch struct {
	// env are groups of variables. One stays out of a container that says any
	// of its variables.
	env    [][]core.EnvVar
	volume core.Volume
	mount  core.VolumeMount
	skip   []string // names of containers
}

// rolePatch is for IAM roles for service accounts.
func rolePatch(region string, pod *core.Pod, account *corev1.ServiceAccount, role string) patch {
	const at, file = "/var/run/secrets/eks.amazonaws.com/serviceaccount", "token"
	to := account.Annotations[audience]
	if to == "" {
		to = "sts.amazonaws.com"
	}
	p := newPatch(region, pod, account)
	p.env = append(p.env, []core.EnvVar{{Name: "AWS_ROLE_ARN", Value: role}, {Name: "AWS_WEB_IDENTITY_TOKEN_FILE", Value: path.Join(at, file)}})
	p.token("aws-iam-token", at, file, to, life(pod, account))
	return p
}

// agentPatch is for EKS Pod Identity.
func agentPatch(region string, pod *core.Pod, account *corev1.ServiceAccount) patch {
	const at, file = "/var/run/secrets/pods.eks.amazonaws.com/serviceaccount", "eks-pod-identity-token"
	p := newPatch(region, pod, account)
	p.env = append(p.env, []core.EnvVar{
		{Name: "AWS_CONTAINER_CREDENTIALS_FULL_URI", Value: "http://169.254.170.23/v1/credentials"},
		{Name: "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Value: path.Join(at, file)},
	})
	p.token(agentVolume, at, file, "pods.eks.amazonaws.com", life(pod, account))
	return p
}

// newPatch is what both methods write.
func newPatch(region string, pod *core.Pod, account *corev1.ServiceAccount) patch {
	p := patch{skip: strings.Split(pod.Annotations[skipContainers], ",")}
	for i := range p.skip {
		p.skip[i] = strings.TrimSpace(p.skip[i])
	}
	if account.Annotations[regional] != "false" {
		p.env = append(p.env, []core.EnvVar{{Name: "AWS_STS_REGIONAL_ENDPOINTS", Value: "regional"}})
	}
	p.env = append(p.env, []core.EnvVar{{Name: "AWS_DEFAULT_REGION", Value: region}, {Name: "AWS_REGION", Value: region}})
	return p
}

// token is the volume with the service account's token.
func (p *patch) token(volume, at, file, audience string, seconds int64) {
	mode := int32(0o644)
	p.volume = core.Volume{Name: volume, VolumeSource: core.VolumeSource{Projected: &core.ProjectedVolumeSource{
		DefaultMode: &mode,
		Sources: []core.VolumeProjection{{ServiceAccountToken: &core.ServiceAccountTokenProjection{
			Audience: audience, ExpirationSeconds: &seconds, Path: file,
		}}},
	}}}
	p.mount = core.VolumeMount{Name: volume, ReadOnly: true, MountPath: at}
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

// apply writes it into a pod. Doing it again changes nothing.
func (p patch) apply(pod *core.Pod) {
	if !slices.ContainsFunc(pod.Spec.Volumes, func(v core.Volume) bool { return v.Name == p.volume.Name }) {
		pod.Spec.Volumes = append(pod.Spec.Volumes, p.volume)
	}
	for _, all := range [][]core.Container{pod.Spec.InitContainers, pod.Spec.Containers} {
		for i := range all {
			if !slices.Contains(p.skip, all[i].Name) {
				p.give(&all[i])
			}
		}
	}
}

func (p patch) give(c *core.Container) {
	for _, group := range p.env {
		if !slices.ContainsFunc(group, func(e core.EnvVar) bool { return says(c, e.Name) }) {
			c.Env = append(c.Env, group...)
		}
	}
	if !slices.ContainsFunc(c.VolumeMounts, func(m core.VolumeMount) bool { return m.Name == p.mount.Name || m.MountPath == p.mount.MountPath }) {
		c.VolumeMounts = append(c.VolumeMounts, p.mount)
	}
}

func says(c *core.Container, name string) bool {
	return slices.ContainsFunc(c.Env, func(e core.EnvVar) bool { return e.Name == name })
}
