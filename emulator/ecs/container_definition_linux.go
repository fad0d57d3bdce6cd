package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file holds the rules about a container's linuxParameters. What Fargate
// leaves of them is in task_definition_fargate.go.

// capabilities are the words that capabilities.add and .drop know.
var capabilities = strings.Fields(`ALL AUDIT_CONTROL AUDIT_WRITE BLOCK_SUSPEND CHOWN DAC_OVERRIDE DAC_READ_SEARCH
	FOWNER FSETID IPC_LOCK IPC_OWNER KILL LEASE LINUX_IMMUTABLE MAC_ADMIN MAC_OVERRIDE MKNOD NET_ADMIN
	NET_BIND_SERVICE NET_BROADCAST NET_RAW SETFCAP SETGID SETPCAP SETUID SYS_ADMIN SYS_BOOT SYS_CHROOT SYS_MODULE
	SYS_NICE SYS_PACCT SYS_PTRACE SYS_RAWIO SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG SYSLOG WAKE_ALARM`)

// tmpfsOptions are the words that tmpfs.mountOptions knows; some take a value.
var tmpfsOptions = strings.Fields(`defaults ro rw suid nosuid dev nodev exec noexec sync async dirsync remount mand
	nomand atime noatime diratime nodiratime bind rbind unbindable runbindable private rprivate shared rshared slave
	rslave relatime norelatime strictatime nostrictatime mode uid gid nr_inodes nr_blocks mpol`)

func ruleLinuxParameters(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	l := c.LinuxParameters
	if l == nil {
		return nil
	}
	for _, rule := range []func(string, *types.LinuxParameters) error{ruleCapabilities, ruleDevices, ruleSwap, ruleTmpfs} {
		if err := rule(*c.Name, l); err != nil {
			return err
		}
	}
	return nil
}

func ruleCapabilities(container string, l *types.LinuxParameters) error {
	if l.Capabilities == nil {
		return nil
	}
	for _, name := range slices.Concat(l.Capabilities.Add, l.Capabilities.Drop) {
		if !slices.Contains(capabilities, name) {
			return client("Invalid 'capabilities' setting for container '%s'. %s is not a Linux capability.", container, name)
		}
	}
	return nil
}

func ruleDevices(container string, l *types.LinuxParameters) error {
	for _, device := range l.Devices {
		if aws.ToString(device.HostPath) == "" {
			return client("Device.hostPath should not be null or empty.")
		}
		for _, p := range device.Permissions {
			if err := oneOf(client, "device permission of container '"+container+"'", p, p.Values()); err != nil {
				return err
			}
		}
	}
	return nil
}

func ruleSwap(container string, l *types.LinuxParameters) error {
	for _, b := range []between{
		{"swappiness", l.Swappiness, 0, 100}, {"maxSwap", l.MaxSwap, 0, maxSeconds}, {"sharedMemorySize", l.SharedMemorySize, 0, maxSeconds},
	} {
		if !b.ok() {
			return client("Invalid '%s' setting for container '%s'. The value must be between %d and %d.", b.what, container, b.min, b.max)
		}
	}
	return nil
}

func ruleTmpfs(container string, l *types.LinuxParameters) error {
	for _, t := range l.Tmpfs {
		if !strings.HasPrefix(aws.ToString(t.ContainerPath), "/") || t.Size < 1 {
			return client("Invalid 'tmpfs' setting for container '%s'. An absolute container path and a size of at least 1 MiB must be specified.", container)
		}
		for _, option := range t.MountOptions {
			word, _, _ := strings.Cut(option, "=")
			if !slices.Contains(tmpfsOptions, word) {
				return client("Invalid 'tmpfs' setting for container '%s'. %s is not a mount option.", container, option)
			}
		}
	}
	return nil
}
