package ecs

import (
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"

	"github.com/neargate/neargate/apiwire"
)

// This file holds the rules about a container's environment and its secrets.

const maxEnvironmentFiles = 10

func ruleEnvironment(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	for _, v := range c.Environment {
		if name := aws.ToString(v.Name); name == "" || strings.Contains(name, "=") {
			return client("Invalid 'environment' setting for container '%s'. '%s' cannot be the name of a variable.", *c.Name, name)
		}
	}
	return nil
}

func ruleEnvironmentFiles(_ *types.TaskDefinition, c *types.ContainerDefinition) error {
	if len(c.EnvironmentFiles) > maxEnvironmentFiles {
		return client("The maximum number of environment files was exceeded. Specify ten or less and try again.")
	}
	for _, f := range c.EnvironmentFiles {
		if err := oneOf(client, "environment file type", f.Type, f.Type.Values()); err != nil {
			return err
		}
		if _, err := apiwire.ParseARN(aws.ToString(f.Value)); err != nil {
			return client("Invalid arn syntax.")
		}
		if !strings.HasSuffix(*f.Value, ".env") {
			return client("Invalid 'environmentFiles' setting for container '%s'. The file must have the extension .env: %s", *c.Name, *f.Value)
		}
	}
	return nil
}

func ruleSecrets(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	if err := ruleSecretList(d, c.Secrets); err != nil {
		return err
	}
	names := map[string]bool{}
	for _, v := range c.Environment {
		names[aws.ToString(v.Name)] = true
	}
	for _, s := range c.Secrets {
		if names[*s.Name] {
			return client("The secret name must be unique and not shared with any new or existing environment variables set on the container, such as '%s'.", *s.Name)
		}
		names[*s.Name] = true
	}
	return nil
}

// ruleSecretList holds for log options out of secrets as well.
func ruleSecretList(d *types.TaskDefinition, secrets []types.Secret) error {
	for _, s := range secrets {
		if aws.ToString(s.Name) == "" {
			return client("Secret.name should not be null or empty.")
		}
		if aws.ToString(s.ValueFrom) == "" {
			return client("Secret.valueFrom should not be null or empty.")
		}
	}
	if len(secrets) > 0 && d.ExecutionRoleArn == nil {
		return client("When you are specifying container secrets, you must also specify a value for 'executionRoleArn'.")
	}
	return nil
}

func ruleRegistryCredentials(d *types.TaskDefinition, c *types.ContainerDefinition) error {
	switch {
	case c.RepositoryCredentials == nil:
		return nil
	case aws.ToString(c.RepositoryCredentials.CredentialsParameter) == "":
		return client("RepositoryCredentials.credentialsParameter should not be null or empty.")
	case d.ExecutionRoleArn == nil:
		return client("When you are specifying repository credentials, you must also specify a value for 'executionRoleArn'.")
	}
	return nil
}

// ruleProxy is about the App Mesh proxy, which is one of the containers.
func ruleProxy(d *types.TaskDefinition) error {
	p := d.ProxyConfiguration
	if p == nil {
		return nil
	}
	if err := oneOf(client, "proxy type", p.Type, p.Type.Values()); err != nil {
		return err
	}
	switch name := aws.ToString(p.ContainerName); {
	case d.NetworkMode != types.NetworkModeAwsvpc:
		return client("APPMESH proxy configuration is only supported in networkMode=awsvpc.")
	case containerNamed(d, name) == nil:
		return client("Proxy container [%s] does not exist.", name)
	}
	return ruleProxyProperties(p.Properties)
}

func ruleProxyProperties(properties []types.KeyValuePair) error {
	for _, needed := range []struct {
		text  string
		names []string // one of them
	}{
		{"Ingress port not found", []string{"ProxyIngressPort"}},
		{"Egress port not found", []string{"ProxyEgressPort"}},
		{"App ports not found", []string{"AppPorts"}},
		{"Ignored UID or GID not found", []string{"IgnoredUID", "IgnoredGID"}},
	} {
		found := slices.ContainsFunc(properties, func(p types.KeyValuePair) bool {
			return slices.Contains(needed.names, aws.ToString(p.Name)) && aws.ToString(p.Value) != ""
		})
		if !found {
			return client("%s", needed.text)
		}
	}
	return nil
}
