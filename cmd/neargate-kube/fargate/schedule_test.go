package fargate_test

import (
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

var onFargate = link.Settings{FargateProfiles: []link.FargateProfile{fp}, Version: "1.35"}

const noLogging = `fargate-scheduler web Warning LoggingDisabled Disabled logging because aws-logging configmap was not found. configmap "aws-logging" not found`

func TestAPodGetsItsNode(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"cpu": resource.MustParse("1"), "memory": resource.MustParse("8Gi")}
		w.parent.set(func() { w.parent.slow = true })
		w.create(p)
		id := boxes.ID(p.UID)
		nominated := w.pod("web").Status.NominatedNodeName
		if first, last, _ := strings.Cut(nominated, "-"); len(first) != 10 || last != id {
			t.Errorf("nominated %q", nominated)
		}
		w.wantNodes()
		w.wantEvents(noLogging)
		w.parent.give()
		w.pass(time.Millisecond)
		const name = "fargate-ip-10-0-1-10.us-west-2.compute.internal"
		if got := w.pod("web"); got.Spec.NodeName != name {
			t.Fatalf("on node %q", got.Spec.NodeName)
		}
		w.wantEvents("fargate-scheduler web Normal Scheduled Successfully assigned default/web to " + name)
		checkFargateNode(t, w.nodes()[name], nominated)
		want := sandbox.Spec{
			ID: id, Owner: arn + "/default/web", Group: arn, Hostname: "web", Steps: 2, Patient: true, Keep: true, Open: true,
			Size: sandbox.Size{CPU: 2048, Memory: 9 << 30, Storage: 20 << 30},
			Labels: map[string]string{"io.kubernetes.pod.name": "web", "io.kubernetes.pod.namespace": "default",
				"io.kubernetes.pod.uid": string(p.UID), "topology.kubernetes.io/zone": "us-west-2a"},
			Network: sandbox.Network{
				VPC: "vpc-1", VPCCIDR: "10.0.0.0/16", Subnet: "subnet-1", SubnetCIDR: "10.0.1.0/24",
				DNSServers: []string{"10.100.0.10"}, DNSOptions: []string{"ndots:5"},
				DNSSearch: []string{"default.svc.cluster.local", "svc.cluster.local", "cluster.local", "us-west-2.compute.internal"},
				Cluster:   &sandbox.ClusterNetwork{Name: arn, ServiceCIDR: "10.100.0.0/16", DNS: "10.100.0.10", API: "10.100.0.1:443"},
			},
		}
		if got := w.parent.specs(); len(got) != 1 || !reflect.DeepEqual(got[0], want) {
			t.Errorf("sandboxes %+v\nwant %+v", got, want)
		}
	})
}

func checkFargateNode(t *testing.T, n *corev1.Node, nominated string) {
	t.Helper()
	if n == nil {
		t.Fatal("no node")
	}
	if want := map[string]string{
		"eks.amazonaws.com/compute-type": "fargate",
		"kubernetes.io/arch":             "amd64", "kubernetes.io/os": "linux", "beta.kubernetes.io/arch": "amd64", "beta.kubernetes.io/os": "linux",
		"kubernetes.io/hostname":      "ip-10-0-1-10.us-west-2.compute.internal",
		"topology.kubernetes.io/zone": "us-west-2a", "topology.kubernetes.io/region": "us-west-2",
		"failure-domain.beta.kubernetes.io/zone": "us-west-2a", "failure-domain.beta.kubernetes.io/region": "us-west-2",
	}; !reflect.DeepEqual(n.Labels, want) {
		t.Errorf("labels %v", n.Labels)
	}
	if want := []corev1.Taint{{Key: "eks.amazonaws.com/compute-type", Value: "fargate", Effect: "NoSchedule"}}; !reflect.DeepEqual(n.Spec.Taints, want) {
		t.Errorf("taints %v", n.Spec.Taints)
	}
	if want := "aws:///us-west-2a/" + nominated + "/" + n.Name; n.Spec.ProviderID != want {
		t.Errorf("provider ID %q", n.Spec.ProviderID)
	}
	if want := []corev1.NodeAddress{{Type: "InternalIP", Address: "10.0.1.10"}, {Type: "Hostname", Address: "ip-10-0-1-10.us-west-2.compute.internal"},
		{Type: "InternalDNS", Address: "ip-10-0-1-10.us-west-2.compute.internal"}}; !reflect.DeepEqual(n.Status.Addresses, want) {
		t.Errorf("addresses %v", n.Status.Addresses)
	}
	if c := n.Status.Capacity; c.Cpu().String() != "2" || c.Memory().Value() != 9<<30 || c.Pods().Value() != 1 {
		t.Errorf("capacity %v", c)
	}
	if last := n.Status.Conditions[len(n.Status.Conditions)-1]; last.Type != "Ready" || last.Status != "True" || n.Status.NodeInfo.KubeletVersion != "v1.35.0-eks-neargate" {
		t.Errorf("status %+v", n.Status)
	}
}

func TestRefusals(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.HostNetwork = true
		w.create(p)
		const text = "Pod not supported on Fargate: fields not supported: HostNetwork"
		if got := scheduled(w.pod("web")); got != "False Unschedulable "+text {
			t.Errorf("condition %q", got)
		}
		w.wantEvents("fargate-scheduler web Warning FailedScheduling " + text)
		w.pass(4 * time.Minute)
		w.wantEvents()
		w.pass(2 * time.Minute)
		w.wantEvents("fargate-scheduler web Warning FailedScheduling " + text)
		if n := w.parent.count(); n != 0 {
			t.Errorf("%d sandboxes", n)
		}
		w.stop()
		w.start() // tells nothing that the condition says already
		w.wantEvents()
	})
}

func TestASchedulerOfOnesOwn(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.SchedulerName = "mine"
		stranger := plainPod("stranger")
		stranger.Spec.SchedulerName = "mine"
		w.create(p, stranger)
		w.wantEvents("fargate-scheduler web Warning FailedScheduling Pod not supported on Fargate: SchedulerName is not fargate-scheduler")
		if got := scheduled(w.pod("stranger")); got != "" {
			t.Errorf("another scheduler's pod is told %q", got)
		}
	})
}

func TestAProfileThatIsGone(t *testing.T) {
	inWorld(t, link.Settings{}, func(w *world) {
		w.create(fargatePod("web"))
		w.wantEvents("fargate-scheduler web Warning FailedScheduling Misconfigured Fargate Profile: fargate profile fp blocked for new launches due to: " +
			"There is no Fargate profile of this name, or it is being deleted.")
		w.set(func(s *link.Settings) { s.FargateProfiles = []link.FargateProfile{fp} })
		if w.pod("web").Spec.NodeName == "" {
			t.Error("still waits")
		}
	})
}

func TestAClaimThatIsMade(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.Volumes = []corev1.Volume{{Name: "data", VolumeSource: corev1.VolumeSource{PersistentVolumeClaim: &corev1.PersistentVolumeClaimVolumeSource{ClaimName: "claim"}}}}
		w.create(p)
		w.wantEvents(`fargate-scheduler web Warning FailedScheduling Pod not supported on Fargate: volumes not supported: data not supported because: persistentvolumeclaim "claim" not found`)
		claim := &corev1.PersistentVolumeClaim{}
		claim.Name, claim.Namespace = "claim", "default"
		if err := w.client.Tracker().Add(claim); err != nil {
			t.Fatal(err)
		}
		w.pass(time.Millisecond)
		w.wantEvents("fargate-scheduler web Warning FailedScheduling Pod not supported on Fargate: volumes not supported: data not supported because: PVC claim not bound")
	})
}

func TestGatedPodsWait(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.SchedulingGates = []corev1.PodSchedulingGate{{Name: "later"}}
		w.create(p)
		w.wantEvents()
		w.change("web", func(p *corev1.Pod) { p.Spec.SchedulingGates = nil })
		if w.pod("web").Spec.NodeName == "" {
			t.Error("still waits")
		}
	})
}

func TestManyPodsSpreadOverTheSubnets(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.parent.set(func() { w.parent.slow = true })
		for i := range 40 {
			w.create(fargatePod(fmt.Sprintf("web-%d", i)))
		}
		used := map[string]int{}
		for _, s := range w.parent.specs() {
			used[s.Network.Subnet]++
		}
		if used["subnet-1"] != 20 || used["subnet-2"] != 20 {
			t.Errorf("spread %v", used)
		}
		w.parent.give()
		w.pass(time.Millisecond)
		if n := len(w.nodes()); n != 40 {
			t.Errorf("%d nodes", n)
		}
		for i := range 40 {
			if w.pod(fmt.Sprintf("web-%d", i)).Spec.NodeName == "" {
				t.Errorf("web-%d waits", i)
			}
		}
	})
}

func TestAPodOfAZone(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.NodeSelector = map[string]string{"topology.kubernetes.io/zone": "us-west-2b"}
		w.create(p)
		if got := w.pod("web").Spec.NodeName; got != "fargate-ip-10-0-2-10.us-west-2.compute.internal" {
			t.Errorf("on node %q", got)
		}
	})
}

func TestProvisioningThatFails(t *testing.T) {
	timedOut := "fargate-scheduler web Warning FailedScheduling Pod provisioning timed out (will retry) for pod: default/web: "
	t.Run("the emulator is away", func(t *testing.T) {
		inWorld(t, onFargate, func(w *world) {
			w.parent.set(func() { w.parent.refuse = errors.New("Docker cannot be reached") })
			w.create(fargatePod("web"))
			w.wantEvents(timedOut + "Docker cannot be reached")
			w.parent.give()
			w.pass(time.Minute)
			if w.pod("web").Spec.NodeName == "" {
				t.Error("still waits")
			}
		})
	})
	t.Run("trouble", func(t *testing.T) {
		inWorld(t, onFargate, func(w *world) {
			w.parent.set(func() { w.parent.trouble = "no route to Docker" })
			w.create(fargatePod("web"))
			w.wantEvents(noLogging, timedOut+"no route to Docker")
			if got := scheduled(w.pod("web")); got != "False Unschedulable Pod provisioning timed out (will retry) for pod: default/web: no route to Docker" {
				t.Errorf("condition %q", got)
			}
			w.parent.give()
			w.pass(time.Millisecond)
			if w.pod("web").Spec.NodeName == "" {
				t.Error("still waits")
			}
		})
	})
	t.Run("silence", func(t *testing.T) {
		inWorld(t, onFargate, func(w *world) {
			w.parent.set(func() { w.parent.slow = true })
			w.create(fargatePod("web"))
			w.pass(29 * time.Second)
			w.wantEvents(noLogging)
			w.pass(3 * time.Second)
			w.wantEvents(strings.TrimSuffix(timedOut, ": "))
		})
	})
}

func TestAFullSubnetIsLeft(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		full := "Unexpected EC2 error while attempting to Create Network Interface with public IP assignment disabled in subnet 'subnet-1': InsufficientFreeAddressesInSubnet"
		w.parent.set(func() {
			w.parent.end = func(s sandbox.Spec) string {
				if s.Network.Subnet == "subnet-1" {
					return full
				}
				return ""
			}
		})
		w.create(fargatePod("web"))
		w.wantEvents(noLogging, "fargate-scheduler web Warning FailedScheduling Fargate capacity is unavailable at this time. Please try again later or in a different availability zone: "+full)
		if n := w.parent.count(); n != 0 {
			t.Errorf("%d sandboxes at once", n)
		}
		w.pass(2 * time.Second)
		if got := w.pod("web").Spec.NodeName; got != "fargate-ip-10-0-2-10.us-west-2.compute.internal" {
			t.Errorf("on node %q", got)
		}
	})
}

// A pod that waits for an address goes on when one comes free, not when its time
// is over, and one address wakes one pod.
func TestAnAddressThatComesFree(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		free := 0 // addresses
		w.parent.set(func() {
			w.parent.end = func(sandbox.Spec) string {
				if free == 0 {
					return "InsufficientFreeAddressesInSubnet"
				}
				free--
				return ""
			}
		})
		w.create(fargatePod("first"))
		w.pass(time.Second)
		w.create(fargatePod("second"))
		w.pass(70 * time.Second) // each waits for more than half a minute by now
		tries := len(w.parent.specs())
		w.parent.set(func() {
			free = 1
			w.parent.event(link.SandboxEvent{Freed: "subnet-2"})
		})
		w.pass(time.Millisecond)
		if w.pod("first").Spec.NodeName != "fargate-ip-10-0-2-10.us-west-2.compute.internal" || w.pod("second").Spec.NodeName != "" {
			t.Errorf("on nodes %q and %q", w.pod("first").Spec.NodeName, w.pod("second").Spec.NodeName)
		}
		if n := len(w.parent.specs()) - tries; n != 1 {
			t.Errorf("%d tries for one address", n)
		}
		w.parent.set(func() {
			free = 1
			w.parent.event(link.SandboxEvent{Freed: "subnet-9"}) // no profile's
		})
		w.pass(time.Millisecond)
		if n := w.pod("second").Spec.NodeName; n != "" {
			t.Errorf("in whose subnet is %q?", n)
		}
		w.parent.set(func() { w.parent.event(link.SandboxEvent{Freed: "subnet-1"}) })
		w.pass(time.Millisecond)
		if n := w.pod("second").Spec.NodeName; n != "fargate-ip-10-0-1-10.us-west-2.compute.internal" {
			t.Errorf("on node %q", n)
		}
	})
}

func TestFailuresSlowDown(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.parent.set(func() { w.parent.end = func(sandbox.Spec) string { return "no" } })
		w.create(fargatePod("web"))
		w.pass(10 * time.Second)
		if n := len(w.parent.specs()); n != 4 { // at 0, 1, 3 and 7 s
			t.Errorf("%d tries", n)
		}
		w.parent.give()
		w.pass(10 * time.Second)
		if w.pod("web").Spec.NodeName == "" {
			t.Error("still waits")
		}
	})
}

func TestAPodThatGoesWhileItIsProvisioned(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.parent.set(func() { w.parent.slow = true })
		w.create(fargatePod("web"))
		w.delete("web")
		w.pass(time.Second)
		if n := w.parent.count(); n != 0 {
			t.Errorf("%d sandboxes are left", n)
		}
		w.wantNodes()
	})
}

func TestLoggingIsTold(t *testing.T) {
	for annotation, want := range map[string]string{
		"LoggingEnabled": "Normal LoggingEnabled Successfully enabled logging for pod",
		"LoggingDisabled: LOGGING_CONFIGMAP_NOT_FOUND": `Warning LoggingDisabled Disabled logging because aws-logging configmap was not found. configmap "aws-logging" not found`,
		"LoggingDisabled: LOGGING_CONFIGMAP_INVALID":   "Warning LoggingDisabled Disabled logging because: no output",
	} {
		t.Run(annotation, func(t *testing.T) {
			m := &corev1.ConfigMap{}
			m.Name, m.Namespace = "aws-logging", "aws-observability"
			inWorld(t, onFargate, func(w *world) {
				w.parent.set(func() { w.parent.slow = true })
				p := fargatePod("web")
				p.Annotations["Logging"] = annotation
				w.create(p)
				w.wantEvents("fargate-scheduler web " + want)
			}, m)
		})
	}
}

func TestWhy(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		w.parent.set(func() { w.parent.trouble = "no route to Docker" })
		p := plainPod("lonely")
		p.Spec.TopologySpreadConstraints = []corev1.TopologySpreadConstraint{{}}
		w.create(fargatePod("web"), p)
		for name, want := range map[string][]string{
			"web": {"Fargate profile fp has chosen it, with 0.25vCPU 0.5GB.",
				"It has no node: Pod provisioning timed out (will retry) for pod: default/web: no route to Docker",
				"Its sandbox is in trouble since 00:00:00: no route to Docker"},
			"lonely": {"No Fargate profile has chosen it when it was created.", "It has no node: no nodes available to schedule pods",
				"its topology spread constraints have no effect: Neargate's nodes all stand on one machine."},
		} {
			if got := w.compute.Why(w.pod(name)); !slices.Equal(got, want) {
				t.Errorf("%s: %q", name, got)
			}
		}
		w.parent.give()
		w.pass(time.Millisecond)
		if got := w.compute.Why(w.pod("web")); len(got) != 2 || got[1] != "It is on node "+first+"." {
			t.Errorf("%q", got)
		}
	})
}

func TestAPodThatIsTooLarge(t *testing.T) {
	inWorld(t, onFargate, func(w *world) {
		p := fargatePod("web")
		p.Spec.Containers[0].Resources.Requests = corev1.ResourceList{"memory": resource.MustParse("200Gi")}
		w.create(p)
		if got := scheduled(w.pod("web")); got != "False POD_CPU_MEM_EXCEEDS_MAX_FARGATE_SIZE Your pod's cpu/memory requirements exceed the max Fargate configuration" {
			t.Errorf("condition %q", got)
		}
	})
}
