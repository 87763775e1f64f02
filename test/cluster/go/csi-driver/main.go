// Command csi-driver is the storage of the test cluster: one node, volumes that are directories or image files of this
// machine, snapshots, clones, raw block devices, expansion and topology. Faults are switched on over a control socket.
// Nothing but the test cluster knows it.
package main

import (
	"context"
	"flag"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc"
	registration "k8s.io/kubelet/pkg/apis/pluginregistration/v1"
)

const (
	driverName    = "csi.test.volprime.dev"
	driverVersion = "1.0.0"
	topologyKey   = "topology.test.volprime.dev/node"
)

func main() {
	socket := flag.String("socket", "", "Unix socket of the CSI services")
	registrationDir := flag.String("registration-dir", "", "kubelet's plugins_registry directory; empty: do not register")
	control := flag.String("control-socket", "", "Unix socket of the fault switches; empty: none")
	dir := flag.String("state-dir", "", "where volumes and snapshots are kept")
	node := flag.String("node", "", "name of the node")
	flag.Parse()

	d, err := newDriver(*dir, *node)
	if err != nil {
		log.Fatal(err)
	}
	go serve(listen(*socket), d.grpcServer())
	if *control != "" {
		go serveControl(listen(*control), d)
	}
	if *registrationDir != "" {
		server := grpc.NewServer()
		registration.RegisterRegistrationServer(server, registrar{endpoint: *socket})
		go serve(listen(filepath.Join(*registrationDir, driverName+"-reg.sock")), server)
	}
	stop, cancel := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer cancel()
	<-stop.Done()
}

// grpcServer serves the three CSI services behind the fault switches.
func (d *driver) grpcServer() *grpc.Server {
	server := grpc.NewServer(grpc.UnaryInterceptor(d.faults.intercept))
	csi.RegisterIdentityServer(server, identityServer{})
	csi.RegisterControllerServer(server, &controllerServer{driver: d})
	csi.RegisterNodeServer(server, &nodeServer{driver: d})
	return server
}

func listen(path string) net.Listener {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		log.Fatal(err)
	}
	if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
		log.Fatal(err)
	}
	listener, err := net.Listen("unix", path)
	if err != nil {
		log.Fatal(err)
	}
	return listener
}

func serve(listener net.Listener, server *grpc.Server) {
	if err := server.Serve(listener); err != nil {
		log.Fatal(err)
	}
}

func serveControl(listener net.Listener, d *driver) {
	if err := http.Serve(listener, d.controlHandler()); err != nil {
		log.Fatal(err)
	}
}

// registrar tells kubelet where the driver's socket is.
type registrar struct {
	registration.UnimplementedRegistrationServer
	endpoint string
}

func (r registrar) GetInfo(context.Context, *registration.InfoRequest) (*registration.PluginInfo, error) {
	return &registration.PluginInfo{
		Type:              registration.CSIPlugin,
		Name:              driverName,
		Endpoint:          r.endpoint,
		SupportedVersions: []string{driverVersion},
	}, nil
}

func (r registrar) NotifyRegistrationStatus(_ context.Context, s *registration.RegistrationStatus) (*registration.RegistrationStatusResponse, error) {
	if !s.PluginRegistered {
		log.Printf("kubelet refused the registration: %s", s.Error)
	}
	return &registration.RegistrationStatusResponse{}, nil
}
