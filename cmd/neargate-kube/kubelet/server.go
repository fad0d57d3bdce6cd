package kubelet

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/rs/zerolog"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/listers/core/v1"
	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"

	"github.com/neargate/neargate/cmd/neargate-kube/boxes"
	"github.com/neargate/neargate/emulator/eks/link"
	"github.com/neargate/neargate/emulator/sandbox"
)

// Config is what a Server stands on.
type Config struct {
	Pods  v1.PodLister
	Boxes Boxes
	Inner link.Streams
	Log   zerolog.Logger
}

// Boxes are the cluster's sandboxes.
type Boxes interface {
	Get(id string) (*sandbox.Sandbox, bool)
}

// Server is the kubelet API.
type Server struct {
	Config
	mux *http.ServeMux
}

// Figures of kubelet's own.
const (
	idleTimeout     = 4 * time.Hour
	creationTimeout = 30 * time.Second
)

// New returns a Server.
func New(c Config) *Server {
	s := &Server{Config: c, mux: http.NewServeMux()}
	s.mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", s.logs)
	for _, method := range []string{"GET", "POST"} {
		s.mux.HandleFunc(method+" /exec/{namespace}/{pod}/{container}", s.exec)
		s.mux.HandleFunc(method+" /exec/{namespace}/{pod}/{uid}/{container}", s.exec)
		s.mux.HandleFunc(method+" /attach/{namespace}/{pod}/{container}", s.attach)
		s.mux.HandleFunc(method+" /attach/{namespace}/{pod}/{uid}/{container}", s.attach)
		s.mux.HandleFunc(method+" /portForward/{namespace}/{pod}", s.portForward)
		s.mux.HandleFunc(method+" /portForward/{namespace}/{pod}/{uid}", s.portForward)
	}
	s.mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, "ok") })
	return s
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) { s.mux.ServeHTTP(w, r) }

// find returns the pod that a request is about and its sandbox, which may be
// nil; without a pod it answers and returns none.
func (s *Server) find(w http.ResponseWriter, r *http.Request) (*corev1.Pod, *sandbox.Sandbox) {
	namespace, name := r.PathValue("namespace"), r.PathValue("pod")
	pod, err := s.Pods.Pods(namespace).Get(name)
	if uid := r.PathValue("uid"); err != nil || uid != "" && uid != string(pod.UID) {
		http.Error(w, fmt.Sprintf("pod %q not found", name+"_"+namespace), http.StatusNotFound)
		return nil, nil
	}
	box, _ := s.Boxes.Get(boxes.ID(pod.UID))
	return pod, box
}

// running answers and returns false unless the container runs.
func running(w http.ResponseWriter, box *sandbox.Sandbox, container string) bool {
	if box != nil {
		for _, c := range box.Status.Containers {
			if c.Name == container && c.State == sandbox.ContainerRunning {
				return true
			}
		}
	}
	http.Error(w, fmt.Sprintf("container not found (%q)", container), http.StatusNotFound)
	return false
}

func (s *Server) exec(w http.ResponseWriter, r *http.Request) {
	pod, e, ok := s.talk(w, r)
	if !ok {
		return
	}
	remotecommand.ServeExec(w, r, e, pod.Name, string(pod.UID), r.PathValue("container"), r.URL.Query()["command"], e.wanted,
		idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

func (s *Server) attach(w http.ResponseWriter, r *http.Request) {
	pod, e, ok := s.talk(w, r)
	if !ok {
		return
	}
	remotecommand.ServeAttach(w, r, e, pod.Name, string(pod.UID), r.PathValue("container"), e.wanted,
		idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
}

// talk prepares for streams to and from a container that runs, or answers why
// there can be none.
func (s *Server) talk(w http.ResponseWriter, r *http.Request) (*corev1.Pod, executor, bool) {
	pod, box := s.find(w, r)
	if pod == nil || !running(w, box, r.PathValue("container")) {
		return nil, executor{}, false
	}
	o, err := remotecommand.NewOptions(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return nil, executor{}, false
	}
	return pod, executor{s, box.Spec.ID, o}, true
}

func (s *Server) portForward(w http.ResponseWriter, r *http.Request) {
	pod, box := s.find(w, r)
	if pod == nil {
		return
	}
	if box == nil || box.Status.Height == 0 || box.IsStopped() {
		http.Error(w, fmt.Sprintf("pod %q is not running", pod.Name+"_"+pod.Namespace), http.StatusConflict)
		return
	}
	o, err := portforward.NewV4Options(r)
	if err != nil {
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	portforward.ServePortForward(w, r, executor{Server: s, id: box.Spec.ID}, pod.Name, string(pod.UID), o,
		idleTimeout, creationTimeout, portforward.SupportedProtocols)
}

// Dial connects to a pod's port from inside its sandbox.
func (s *Server) Dial(ctx context.Context, id string, port int32) (net.Conn, error) {
	return s.Inner.Dial(ctx, id, "tcp", fmt.Sprintf("127.0.0.1:%d", port))
}
