package controlplane

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"sync"
	"time"

	"github.com/k3s-io/kine/pkg/drivers"
	"github.com/k3s-io/kine/pkg/drivers/sqlite"
	"github.com/k3s-io/kine/pkg/logstructured/sqllog"
	"github.com/k3s-io/kine/pkg/server"
	"google.golang.org/grpc"
	"google.golang.org/grpc/keepalive"
)

// kine.go keeps the cluster's objects in SQLite behind etcd's protocol. Only
// the SQLite driver is imported: kine/pkg/endpoint would bring all of them.

// etcdVersion is the etcd that kine says it is; the API server asks, to know
// whether watch progress can be requested.
const etcdVersion = "3.6.6"

// database is a running kine.
type database struct {
	socket string
	server *grpc.Server
	wg     sync.WaitGroup
	end    context.CancelFunc
}

// openDatabase starts kine on the database in dir and returns once it listens,
// in the directory of sockets, whose path is short enough for one. told is as
// for newKeeper.
func openDatabase(dir, sockets string, told func(why string)) (*database, error) {
	ctx, cancel := context.WithCancel(context.Background())
	d := &database{socket: filepath.Join(sockets, "kine.sock"), end: cancel}
	config := &drivers.Config{
		Scheme:          "sqlite",
		DataSourceName:  filepath.Join(dir, "state.db") + "?" + sqlite.DefaultParams,
		CompactInterval: 5 * time.Minute, CompactIntervalJitter: 1, CompactTimeout: 5 * time.Second,
		CompactMinRetain: 1000, CompactBatchSize: 1000,
		// Writes of this process wake watchers at once; polling is for others'.
		PollInterval: time.Second, PollBatchSize: 500,
	}
	_, dialect, err := sqlite.NewVariant(ctx, &d.wg, "sqlite3", config)
	if err != nil {
		cancel()
		return nil, fmt.Errorf("opening the cluster's database in %s: %w", dir, err)
	}
	if err := d.serve(ctx, newKeeper(sqllog.New(dialect, &d.wg, config), dir, told)); err != nil {
		cancel()
		return nil, err
	}
	return d, nil
}

func (d *database) serve(ctx context.Context, backend server.Backend) error {
	if err := backend.Start(ctx); err != nil {
		return fmt.Errorf("starting the cluster's database: %w", err)
	}
	if err := os.Remove(d.socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	l, err := net.Listen("unix", d.socket)
	if err != nil {
		return fmt.Errorf("listening for the API server: %w", err)
	}
	// The etcd client pings more often than gRPC's servers allow by default,
	// and would be turned away with "too_many_pings".
	d.server = grpc.NewServer(grpc.KeepaliveEnforcementPolicy(keepalive.EnforcementPolicy{MinTime: 5 * time.Second}))
	server.New(backend, "unix", 5*time.Second, etcdVersion).Register(d.server)
	go func() { _ = d.server.Serve(l) }() // ends with Stop
	return nil
}

// goodbye is how long kine may take to end: it lets go of a watch for each
// client of the API server that is still there. What is written is written,
// whether the file is closed or not.
const goodbye = 300 * time.Millisecond

// close ends kine; the API server must have ended.
func (d *database) close() {
	d.end()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		d.server.Stop()
		d.wg.Wait()
	}()
	select {
	case <-ended:
	case <-time.After(goodbye):
	}
}
