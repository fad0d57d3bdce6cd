// Package fake is a Runtime that runs nothing: its containers behave as their
// own environment says, so that a workload is scripted by whoever can set
// environment variables, from the AWS CLI to a pod manifest.
//
//	FAKE_RUN_FOR=5s          ends after that, with 0 or FAKE_EXIT
//	FAKE_EXIT=3              ends with this code, at once without FAKE_RUN_FOR
//	FAKE_OOM_AFTER=5s        is killed for memory after that
//	FAKE_IGNORE_TERM=1       has to be killed when it is stopped
//	FAKE_STOP_FOR=5s         takes that long to end when it is stopped
//	FAKE_STOP_EXIT=0         ends with this code when it is stopped
//	FAKE_PULL_FOR=2s         its image is not there and takes that long to pull
//	FAKE_PULL_ERROR=text     its image cannot be pulled
//	FAKE_IMAGE_LOCAL=text    nor when it always should be, but it was there already
//	FAKE_START_AFTER=2s      takes that long to start
//	FAKE_START_ERROR=text    cannot be started
//	FAKE_NETWORK_ERROR=text  its sandbox gets no network
//	FAKE_HEALTHY_AFTER=10s   health checks fail before that, pass then
//	FAKE_UNHEALTHY_AFTER=1m  health checks fail from then on
//	FAKE_CREATE_ERROR=text   cannot be made
//	FAKE_MESSAGE=text        what it leaves in its termination message's file
//	FAKE_STDOUT=text         lines that it writes at its start; \n separates
//	FAKE_STDERR=text         the same for stderr
//	FAKE_LOG_EVERY=1s        writes "tick 1", "tick 2", … at this interval
//	FAKE_EXEC_EXIT=4         exit code of whatever is executed in it
//	FAKE_HTTP_STATUS=200     what its ports answer; gRPC's health checks too
//	FAKE_HTTP_BODY=text
//
// Without a script a container runs until it is stopped and ends with 143.
// Any other FAKE_ variable is an error that names the known ones.
//
// Durations are those of the process's clock, so that within testing/synctest
// they cost nothing. A container that is not scripted costs neither goroutine
// nor timer.
//
// The [State] is what a daemon would be: it outlives the Runtime, as real
// containers outlive an emulator that was killed.
package fake
