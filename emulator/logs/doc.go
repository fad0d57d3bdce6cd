// Package logs is Amazon CloudWatch Logs: log groups, log streams and their
// events, with AWS's limits, pages and error texts.
//
// Groups and streams are records, keyed by ARN. Events are rows of a series
// per stream, and what changes with every batch of events (the newest time,
// the bytes stored, how far a container's output was taken) is one row of a
// series beside it: neither is in the change feed, which would otherwise hold
// little else.
//
// Events come in by PutLogEvents, and from containers by [API.OpenStream],
// which is the receiving end of the awslogs log driver; [ParseAWSLogs] reads
// the driver's options. Events go when their group's retention is over, see
// [Retention], or with their stream.
//
// There are no Insights queries, no live tail, and nothing flows on from
// here: metric and subscription filters cannot be made. Some members have
// nothing to act on: KMS keys are remembered but do not encrypt, no data is
// masked, so unmask changes nothing, no accounts are linked, and the entity of
// PutLogEvents is accepted and forgotten. A log group's class changes what is
// listed, not what can be read.
package logs
