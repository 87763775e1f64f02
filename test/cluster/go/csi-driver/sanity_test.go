package main

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/kubernetes-csi/csi-test/v5/pkg/sanity"
)

// TestSanity runs the CSI project's own conformance suite. It mounts, so it needs root.
func TestSanity(t *testing.T) {
	if os.Getuid() != 0 {
		t.Skip("needs root")
	}
	for _, backing := range []string{backingDirectory, backingImage} {
		t.Run(backing, func(t *testing.T) {
			dir := t.TempDir()
			d, err := newDriver(filepath.Join(dir, "state"), "node-1", 1<<40)
			if err != nil {
				t.Fatal(err)
			}
			socket := filepath.Join(dir, "csi.sock")
			server := d.grpcServer()
			go serve(listen(socket), server)
			defer server.Stop()

			parameters := filepath.Join(dir, "parameters.yaml")
			if err := os.WriteFile(parameters, []byte("backing: "+backing+"\n"), 0o600); err != nil {
				t.Fatal(err)
			}
			config := sanity.NewTestConfig()
			config.Address = "unix://" + socket
			config.TargetPath = filepath.Join(dir, "target")
			config.StagingPath = filepath.Join(dir, "staging")
			config.TestVolumeParametersFile = parameters
			config.TestVolumeExpandSize = config.TestVolumeSize * 2
			config.IdempotentCount = 2
			sanity.Test(t, config)
		})
	}
}
