package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kubernetes-csi/csi-test/v5/pkg/sanity"
)

// TestSanity runs the CSI project's own conformance suite, which mounts and so needs root. One process can run it once:
// SANITY_BACKING chooses between directory and image.
func TestSanity(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	backing := os.Getenv("SANITY_BACKING")
	if backing == "" {
		backing = backingDirectory
	}
	dir := t.TempDir()
	d, err := newDriver(filepath.Join(dir, "state"), "node-1")
	if err != nil {
		t.Fatal(err)
	}
	socket := filepath.Join(dir, "csi.sock")
	server := d.grpcServer()
	go serve(listen(socket), server)
	defer server.Stop()

	config := sanity.NewTestConfig()
	config.Address = "unix://" + socket
	config.TargetPath = filepath.Join(dir, "target")
	config.StagingPath = filepath.Join(dir, "staging")
	config.TestVolumeSize = 32 << 20
	config.TestVolumeExpandSize = 64 << 20
	config.TestVolumeParametersFile = writeFile(t, dir, "parameters.yaml", "backing: "+backing+"\n")
	config.TestVolumeMutableParametersFile = writeFile(t, dir, "mutable.yaml", mutableParameter+": gold\n")
	config.IdempotentCount = 2
	sanity.Test(t, config)
}

func writeFile(t *testing.T, dir, name, content string) string {
	t.Helper()
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
