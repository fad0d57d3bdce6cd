package controlplane

import (
	"context"
	"fmt"
	"path/filepath"

	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	"k8s.io/klog/v2"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app"
	"k8s.io/kubernetes/cmd/kube-controller-manager/app/options"

	"github.com/spf13/pflag"
)

// controllers.go embeds the upstream kube-controller-manager: Deployments,
// Jobs, EndpointSlices and all the rest. One in a process is all that it
// allows.

// controllersArgs are the flags, in kube-controller-manager's own terms.
func controllersArgs(k keys, kubeconfig string) []string {
	return []string{
		"--kubeconfig=" + kubeconfig,
		"--leader-elect=false", "--secure-port=0",
		"--use-service-account-credentials=true",
		// The limits of their clients are for an API server that has others to
		// serve: an account for each of forty controllers would take seconds.
		"--kube-api-qps=1000", "--kube-api-burst=1000",
		"--service-account-private-key-file=" + k.key("sa"),
		"--root-ca-file=" + k.cert("ca"),
		"--cluster-signing-cert-file=" + k.cert("ca"), "--cluster-signing-key-file=" + k.key("ca"),
		// Left out is what manages hardware that a virtual node has not got.
		"--controllers=*,-node-ipam-controller,-persistentvolume-attach-detach-controller,-persistentvolume-expander-controller," +
			"-ephemeral-volume-controller,-device-taint-eviction-controller,-resourceclaim-controller",
		"--horizontal-pod-autoscaler-sync-period=15s",
		"--min-resync-period=12h",
		"--profiling=false",
	}
}

// runControllers runs them until ctx ends.
func runControllers(ctx context.Context, k keys, server string) error {
	kubeconfig, err := writeKubeconfig(k, server)
	if err != nil {
		return err
	}
	s, err := options.NewKubeControllerManagerOptions()
	if err != nil {
		return err
	}
	all, off, aliases := app.KnownControllers(), app.ControllersDisabledByDefault(), app.ControllerAliases()
	flags := pflag.NewFlagSet("kube-controller-manager", pflag.ContinueOnError)
	sets := s.Flags(all, off, aliases)
	for _, f := range sets.FlagSets {
		flags.AddFlagSet(f)
	}
	if err := flags.Parse(controllersArgs(k, kubeconfig)); err != nil {
		return err
	}
	ctx = klog.NewContext(ctx, klog.FromContext(ctx).WithValues("component", "kube-controller-manager"))
	c, err := s.Config(ctx, all, off, aliases)
	if err != nil {
		return fmt.Errorf("kube-controller-manager: %w", err)
	}
	return app.Run(ctx, c.Complete())
}

// writeKubeconfig is how the controllers, which take nothing else, find the
// API server.
func writeKubeconfig(k keys, server string) (string, error) {
	path := filepath.Join(k.dir, "controllers.kubeconfig")
	c := clientcmdapi.NewConfig()
	c.Clusters["local"] = &clientcmdapi.Cluster{Server: server, CertificateAuthority: k.cert("ca")}
	c.AuthInfos["controllers"] = &clientcmdapi.AuthInfo{ClientCertificate: k.cert("controllers"), ClientKey: k.key("controllers")}
	c.Contexts["local"] = &clientcmdapi.Context{Cluster: "local", AuthInfo: "controllers"}
	c.CurrentContext = "local"
	text, err := clientcmd.Write(*c)
	if err != nil {
		return "", err
	}
	return path, writeFile(path, text, 0o600)
}
