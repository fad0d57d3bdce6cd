package ecs

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/ecs/types"
)

// This file builds the two errors that most refusals are. ECS tends to say
// InvalidParameterException of an operation's arguments and ClientException of
// what stands in a task definition, but not always: each caller follows what
// was seen of the real service.

// errNoTaskDefinition says that a reference names no task definition. Every
// operation has its own words for it.
var errNoTaskDefinition = errors.New("no such task definition")

// invalid is an InvalidParameterException with that message.
func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// client is a ClientException with that message.
func client(format string, args ...any) error {
	return &types.ClientException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func unsupported(format string, args ...any) error {
	return &types.UnsupportedFeatureException{Message: aws.String(fmt.Sprintf(format, args...))}
}

func clusterNotFound(message string) error {
	return &types.ClusterNotFoundException{Message: aws.String(message)}
}

// oneOf returns an error made by fail when value is none of the enum's values:
// "launch type should be one of [EC2,FARGATE,EXTERNAL]". An empty value
// passes: it was not given.
func oneOf[E ~string](fail func(string, ...any) error, what string, value E, values []E) error {
	if value == "" {
		return nil
	}
	words := make([]string, 0, len(values))
	for _, v := range values {
		if v == value {
			return nil
		}
		words = append(words, string(v))
	}
	return fail("%s should be one of [%s]", what, strings.Join(words, ","))
}
