// Package translate says what a pod means: it turns a bound Pod, and what the
// Pod refers to, into the containers and volumes of a sandbox. It is what
// kubelet does before it calls a container runtime, and nothing of what comes
// after: no function here keeps anything or starts anything. What is asked of
// the world, ConfigMaps, Secrets, Services and tokens, is asked of a [Source].
//
// [Pod] translates a whole pod, [Container] one container for another attempt,
// [Ephemeral] one that came later, [Volume] the files of one volume anew when
// something behind them has changed; [Update] tells of each volume what that can
// be. [Logging] reads the ConfigMap aws-observability/aws-logging.
//
// Errors are [Errors]: each tells kubelet's reason and kubelet's words, so that
// a caller can show them in statuses and events and try again.
//
// What kubelet would do and a sandbox cannot is never dropped in silence: it is
// an error where the pod would not be what it says, else a line in
// Result.Notes.
package translate
