package docker

import (
	"context"
	"errors"
	"net/netip"
	"time"

	"github.com/moby/moby/client"
)

// Examination of an Engine, for `neargate doctor` and for the health answer.

// Report is what an Engine says of itself.
type Report struct {
	Host          string // unix:///var/run/docker.sock
	Version       string // 20.10.24
	API           string // 1.41, as agreed upon
	Arch          string // amd64
	Storage       string // overlay2
	CgroupDriver  string // cgroupfs or systemd
	CgroupVersion string // 1 or 2
	Rootless      bool
	DataRoot      string // /var/lib/docker, on the Engine's machine
	Networks      []NetworkReport
	Containers    int // running ones, whoever's
	// Instances counts the containers of each emulator, by instance id: also
	// of those that ended without being able to clean up, and whose data
	// directory is gone.
	Instances map[string]int
}

// NetworkReport is a network that takes addresses.
type NetworkReport struct {
	Name     string
	Subnets  []netip.Prefix
	Instance string // the emulator whose it is; "" for other programs'
}

// Examine asks the Engine at host, or where the environment says when that is
// empty.
func Examine(ctx context.Context, host string) (*Report, error) {
	d, err := newDaemon(host)
	if err != nil {
		return nil, err
	}
	defer d.Close()
	f, err := d.facts(ctx)
	if err != nil {
		return nil, err
	}
	info, err := d.Info(ctx, client.InfoOptions{})
	if err != nil {
		return nil, err
	}
	i := info.Info
	r := &Report{
		Host: d.DaemonHost(), Version: i.ServerVersion, API: d.ClientVersion(), Arch: f.arch, Storage: i.Driver,
		CgroupDriver: i.CgroupDriver, CgroupVersion: i.CgroupVersion, Rootless: f.rootless, DataRoot: i.DockerRootDir,
		Containers: i.ContainersRunning,
	}
	return r, errors.Join(r.addNetworks(ctx, d), r.addInstances(ctx, d))
}

func (r *Report) addInstances(ctx context.Context, d *daemon) error {
	list, err := d.ContainerList(ctx, client.ContainerListOptions{All: true, Filters: client.Filters{}.Add("label", labelInstance)})
	if err != nil {
		return err
	}
	r.Instances = map[string]int{}
	for _, c := range list.Items {
		r.Instances[c.Labels[labelInstance]]++
	}
	return nil
}

// Describe says which Engine runs the sandboxes, or why it cannot be reached.
func (r *Runtime) Describe(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, describeTimeout)
	defer cancel()
	f, err := r.daemon.facts(ctx)
	if err != nil {
		return "", err
	}
	_, err = r.daemon.Ping(ctx, client.PingOptions{})
	return f.engine, err
}

// describeTimeout is how long whoever asks for the emulator's health waits for
// an Engine that does not answer.
const describeTimeout = 2 * time.Second

func (r *Report) addNetworks(ctx context.Context, d *daemon) error {
	list, err := d.NetworkList(ctx, client.NetworkListOptions{})
	if err != nil {
		return err
	}
	for _, n := range list.Items {
		one := NetworkReport{Name: n.Name, Instance: n.Labels[labelInstance]}
		for _, c := range n.IPAM.Config {
			if c.Subnet.IsValid() {
				one.Subnets = append(one.Subnets, c.Subnet)
			}
		}
		if len(one.Subnets) > 0 {
			r.Networks = append(r.Networks, one)
		}
	}
	return nil
}
