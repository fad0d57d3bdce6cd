package logs

import (
	"errors"
	"fmt"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/neargate/neargate/emulator/store"
)

func errNoGroup() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified log group does not exist.")}
}

func errNoStream() error {
	return &types.ResourceNotFoundException{Message: aws.String("The specified log stream does not exist.")}
}

func errGroupExists() error {
	return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log group already exists")}
}

func errStreamExists() error {
	return &types.ResourceAlreadyExistsException{Message: aws.String("The specified log stream already exists")}
}

// invalid is the error for parameters that do not do.
func invalid(format string, args ...any) error {
	return &types.InvalidParameterException{Message: aws.String(fmt.Sprintf(format, args...))}
}

// absent puts e in the place of the store's ErrNotFound, and taken in that of
// its ErrExists.
func absent(err, e error) error {
	if errors.Is(err, store.ErrNotFound) {
		return e
	}
	return err
}

func taken(err, e error) error {
	if errors.Is(err, store.ErrExists) {
		return e
	}
	return err
}
