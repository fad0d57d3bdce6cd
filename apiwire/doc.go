// Package apiwire serves AWS APIs in Go: it turns HTTP requests of the AWS
// wire protocols into calls of plain Go methods and their results back into
// the bytes that AWS SDKs expect.
//
// The AWS SDK for Go is the model. A service is any value whose methods have
// the shape
//
//	func (a *API) RunTask(ctx context.Context, in *ecs.RunTaskInput) (*ecs.RunTaskOutput, error)
//
// on the SDK's own structs; every such method is an operation. Member names,
// HTTP bindings and error status come from the SDK modules' schemas where
// they ship them and from the Go field names where they do not. Errors are
// the SDK's own typed errors, returned as they are.
//
// The package knows nothing of emulation: it does not store, does not run
// anything and has no opinion on what an operation means. Who calls, for which
// account, region and request, is in the context: see [Call].
//
// What it does not do: event streams, request compression, multi-part
// uploads, virtual-host style addressing, the rpc-v2-cbor protocol, and REST
// members in headers or as raw payloads; [New] panics on the last two.
package apiwire
