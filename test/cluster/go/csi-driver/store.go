package main

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"sort"
	"sync"
	"time"
)

const (
	backingDirectory = "directory"
	backingImage     = "image"
	// poolParameter of a StorageClass names the pool whose capacity its volumes share.
	poolParameter = "pool"
	unlimited     = 1 << 50
)

// volume is kept as volume.json beside its data. It exists if and only if that file does.
type volume struct {
	ID            string            `json:"id"`
	Name          string            `json:"name"`
	CapacityBytes int64             `json:"capacityBytes"`
	Backing       string            `json:"backing"`
	Block         bool              `json:"block"`
	SourceID      string            `json:"sourceId,omitempty"`
	Parameters    map[string]string `json:"parameters,omitempty"`
	Mutable       map[string]string `json:"mutableParameters,omitempty"`
	// DataPath is the directory or image file that holds the data.
	DataPath string `json:"dataPath"`
}

type snapshot struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	SourceID  string    `json:"sourceId"`
	SizeBytes int64     `json:"sizeBytes"`
	Backing   string    `json:"backing"`
	Block     bool      `json:"block"`
	CreatedAt time.Time `json:"createdAt"`
	DataPath  string    `json:"dataPath"`
}

// driver owns the state directory. Calls on the same object run one after the other.
type driver struct {
	dir    string
	node   string
	faults *faults

	mu        sync.Mutex
	pools     map[string]int64
	volumes   map[string]*volume
	snapshots map[string]*snapshot
	locks     map[string]*sync.Mutex
}

func newDriver(dir, node string) (*driver, error) {
	d := &driver{
		dir: dir, node: node, faults: newFaults(), pools: map[string]int64{},
		volumes: map[string]*volume{}, snapshots: map[string]*snapshot{}, locks: map[string]*sync.Mutex{},
	}
	if err := load(filepath.Join(dir, "volumes"), "volume.json", func(v *volume) { d.volumes[v.ID] = v }); err != nil {
		return nil, err
	}
	if err := load(filepath.Join(dir, "snapshots"), "snapshot.json", func(s *snapshot) { d.snapshots[s.ID] = s }); err != nil {
		return nil, err
	}
	return d, nil
}

// load reads every object below dir and removes what a crash left half-made.
func load[T any](dir, file string, add func(*T)) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		data, err := os.ReadFile(filepath.Join(dir, entry.Name(), file))
		if errors.Is(err, fs.ErrNotExist) {
			if err := os.RemoveAll(filepath.Join(dir, entry.Name())); err != nil {
				return err
			}
			continue
		}
		if err != nil {
			return err
		}
		object := new(T)
		if err := json.Unmarshal(data, object); err != nil {
			return fmt.Errorf("%s: %w", entry.Name(), err)
		}
		add(object)
	}
	return nil
}

// idOf makes the identifier a function of the name, so that a repeated create finds the same object.
func idOf(prefix, name string) string {
	sum := sha256.Sum256([]byte(name))
	return prefix + "-" + hex.EncodeToString(sum[:10])
}

// lock serialises calls on one object.
func (d *driver) lock(id string) (unlock func()) {
	d.mu.Lock()
	l, ok := d.locks[id]
	if !ok {
		l = &sync.Mutex{}
		d.locks[id] = l
	}
	d.mu.Unlock()
	l.Lock()
	return l.Unlock
}

func (d *driver) volume(id string) (*volume, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	v, ok := d.volumes[id]
	return v, ok
}

func (d *driver) snapshot(id string) (*snapshot, bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	s, ok := d.snapshots[id]
	return s, ok
}

// available is what new volumes with these parameters may still request. Without a limit on their pool it is always the same: a figure
// that falls with each volume would be published each time.
func (d *driver) available(parameters map[string]string) int64 {
	d.mu.Lock()
	defer d.mu.Unlock()
	pool := parameters[poolParameter]
	left, ok := d.pools[pool]
	if !ok {
		return unlimited
	}
	for _, v := range d.volumes {
		if v.Parameters[poolParameter] == pool {
			left -= v.CapacityBytes
		}
	}
	return max(left, 0)
}

func (d *driver) volumeDir(id string) string   { return filepath.Join(d.dir, "volumes", id) }
func (d *driver) snapshotDir(id string) string { return filepath.Join(d.dir, "snapshots", id) }

func (d *driver) saveVolume(v *volume) error {
	if err := writeJSON(filepath.Join(d.volumeDir(v.ID), "volume.json"), v); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.volumes[v.ID] = v
	return nil
}

func (d *driver) saveSnapshot(s *snapshot) error {
	if err := writeJSON(filepath.Join(d.snapshotDir(s.ID), "snapshot.json"), s); err != nil {
		return err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	d.snapshots[s.ID] = s
	return nil
}

func (d *driver) removeVolume(id string) error {
	if err := os.Remove(filepath.Join(d.volumeDir(id), "volume.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.mu.Lock()
	delete(d.volumes, id)
	d.mu.Unlock()
	return os.RemoveAll(d.volumeDir(id))
}

func (d *driver) removeSnapshot(id string) error {
	if err := os.Remove(filepath.Join(d.snapshotDir(id), "snapshot.json")); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	d.mu.Lock()
	delete(d.snapshots, id)
	d.mu.Unlock()
	return os.RemoveAll(d.snapshotDir(id))
}

func (d *driver) listVolumes() []*volume {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedByID(d.volumes)
}

func (d *driver) listSnapshots() []*snapshot {
	d.mu.Lock()
	defer d.mu.Unlock()
	return sortedByID(d.snapshots)
}

func sortedByID[T any](objects map[string]*T) []*T {
	ids := make([]string, 0, len(objects))
	for id := range objects {
		ids = append(ids, id)
	}
	sort.Strings(ids)
	list := make([]*T, len(ids))
	for i, id := range ids {
		list[i] = objects[id]
	}
	return list
}

func writeJSON(path string, value any) error {
	data, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	if err := os.WriteFile(path+".new", append(data, '\n'), 0o644); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// copyData copies a directory's content, or an image file with its holes, keeping owners, modes, times and attributes.
func copyData(backing, from, to string) error {
	if backing == backingDirectory {
		from += "/."
	}
	return runCommand("cp", "-a", "--reflink=auto", "--sparse=always", from, to)
}

func runCommand(name string, args ...string) error {
	output, err := exec.Command(name, args...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s %v: %w: %s", name, args, err, output)
	}
	return nil
}
