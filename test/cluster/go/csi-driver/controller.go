package main

import (
	"context"
	"errors"
	"maps"
	"os"
	"path/filepath"
	"time"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/timestamppb"
)

const (
	defaultCapacity = 1 << 30
	// mutableParameter is what a VolumeAttributesClass may set. It has no effect but to be listed.
	mutableParameter = "tier"
)

type controllerServer struct {
	csi.UnimplementedControllerServer
	*driver
}

func (c *controllerServer) ControllerGetCapabilities(context.Context, *csi.ControllerGetCapabilitiesRequest) (*csi.ControllerGetCapabilitiesResponse, error) {
	response := &csi.ControllerGetCapabilitiesResponse{}
	for _, kind := range []csi.ControllerServiceCapability_RPC_Type{
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_VOLUME,
		csi.ControllerServiceCapability_RPC_LIST_VOLUMES,
		csi.ControllerServiceCapability_RPC_GET_CAPACITY,
		csi.ControllerServiceCapability_RPC_CREATE_DELETE_SNAPSHOT,
		csi.ControllerServiceCapability_RPC_LIST_SNAPSHOTS,
		csi.ControllerServiceCapability_RPC_CLONE_VOLUME,
		csi.ControllerServiceCapability_RPC_EXPAND_VOLUME,
		csi.ControllerServiceCapability_RPC_MODIFY_VOLUME,
		csi.ControllerServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		rpc := &csi.ControllerServiceCapability_RPC{Type: kind}
		response.Capabilities = append(response.Capabilities, &csi.ControllerServiceCapability{
			Type: &csi.ControllerServiceCapability_Rpc{Rpc: rpc},
		})
	}
	return response, nil
}

func (c *controllerServer) CreateVolume(_ context.Context, r *csi.CreateVolumeRequest) (*csi.CreateVolumeResponse, error) {
	if r.Name == "" {
		return nil, status.Error(codes.InvalidArgument, "name is missing")
	}
	wanted, err := c.plan(r)
	if err != nil {
		return nil, err
	}
	defer c.lock(wanted.ID)()
	if existing, ok := c.volume(wanted.ID); ok {
		if !compatible(existing, wanted, r.CapacityRange) {
			return nil, status.Errorf(codes.AlreadyExists, "volume %q exists with another size, kind or source", r.Name)
		}
		return c.created(existing, r), nil
	}
	if left := c.available(r.Parameters); wanted.CapacityBytes > left {
		return nil, status.Errorf(codes.ResourceExhausted, "%d bytes requested, %d available", wanted.CapacityBytes, left)
	}
	if err := c.makeData(wanted, r.VolumeContentSource); err != nil {
		return nil, err
	}
	if err := c.saveVolume(wanted); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return c.created(wanted, r), nil
}

// plan turns a request into the volume it asks for, or says why there can be none.
func (c *controllerServer) plan(r *csi.CreateVolumeRequest) (*volume, error) {
	block, err := checkCapabilities(r.VolumeCapabilities)
	if err != nil {
		return nil, err
	}
	if err := checkMutable(r.MutableParameters); err != nil {
		return nil, err
	}
	backing := backingDirectory
	switch value := r.Parameters["backing"]; {
	case value == backingImage || block:
		backing = backingImage
	case value != "" && value != backingDirectory:
		return nil, status.Errorf(codes.InvalidArgument, "parameter backing is %q, not directory or image", value)
	}
	if value := r.Parameters[rootParameter]; value != "" && value != rootOpen && value != rootOwned {
		return nil, status.Errorf(codes.InvalidArgument, "parameter %s is %q, not %s or %s", rootParameter, value, rootOpen, rootOwned)
	}
	size := int64(defaultCapacity)
	if required := r.CapacityRange.GetRequiredBytes(); required > 0 {
		size = required
	} else if limit := r.CapacityRange.GetLimitBytes(); limit > 0 {
		size = min(size, limit)
	}
	if limit := r.CapacityRange.GetLimitBytes(); limit > 0 && size > limit {
		return nil, status.Errorf(codes.OutOfRange, "%d bytes required, at most %d allowed", size, limit)
	}
	if !c.reachable(r.AccessibilityRequirements) {
		return nil, status.Error(codes.ResourceExhausted, "the topology names no node of this driver")
	}
	id := idOf("vol", r.Name)
	data := filepath.Join(c.volumeDir(id), "data")
	return &volume{
		ID: id, Name: r.Name, CapacityBytes: size, Backing: backing, Block: block, DataPath: data,
		SourceID: sourceID(r.VolumeContentSource), Parameters: r.Parameters, Mutable: r.MutableParameters,
	}, nil
}

func (c *controllerServer) reachable(requirement *csi.TopologyRequirement) bool {
	allowed := append(requirement.GetRequisite(), requirement.GetPreferred()...)
	for _, topology := range allowed {
		if topology.Segments[topologyKey] == c.node {
			return true
		}
	}
	return len(allowed) == 0
}

func sourceID(source *csi.VolumeContentSource) string {
	return source.GetSnapshot().GetSnapshotId() + source.GetVolume().GetVolumeId()
}

func compatible(existing, wanted *volume, size *csi.CapacityRange) bool {
	fits := existing.CapacityBytes >= size.GetRequiredBytes()
	if limit := size.GetLimitBytes(); limit > 0 {
		fits = fits && existing.CapacityBytes <= limit
	}
	return fits && existing.Backing == wanted.Backing && existing.Block == wanted.Block && existing.SourceID == wanted.SourceID
}

func (c *controllerServer) created(v *volume, r *csi.CreateVolumeRequest) *csi.CreateVolumeResponse {
	return &csi.CreateVolumeResponse{Volume: &csi.Volume{
		VolumeId: v.ID, CapacityBytes: v.CapacityBytes, ContentSource: r.VolumeContentSource,
		AccessibleTopology: []*csi.Topology{c.topology()},
	}}
}

func (d *driver) topology() *csi.Topology {
	return &csi.Topology{Segments: map[string]string{topologyKey: d.node}}
}

// origin is the data that a new volume starts from.
type origin struct {
	path, backing string
	block         bool
	size          int64
	freeze        func() (thaw func() error, err error)
}

func (c *controllerServer) makeData(v *volume, source *csi.VolumeContentSource) error {
	from, err := c.origin(source)
	if err != nil {
		return err
	}
	if err := os.RemoveAll(c.volumeDir(v.ID)); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if err := os.MkdirAll(c.volumeDir(v.ID), 0o755); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	if from != nil {
		if from.backing != v.Backing || from.block != v.Block {
			return status.Errorf(codes.InvalidArgument, "source is %s, volume is %s", from.backing, v.Backing)
		}
		if v.CapacityBytes < from.size {
			return status.Errorf(codes.OutOfRange, "source has %d bytes, volume %d", from.size, v.CapacityBytes)
		}
	}
	if err := fill(v, from); err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	return nil
}

func fill(v *volume, from *origin) error {
	if v.Backing == backingDirectory {
		if err := os.Mkdir(v.DataPath, 0o755); err != nil {
			return err
		}
		if err := openRoot(v, v.DataPath); err != nil {
			return err
		}
	}
	if from != nil {
		thaw, err := from.freeze()
		if err != nil {
			return err
		}
		err = copyData(v.Backing, from.path, v.DataPath)
		if err := errors.Join(err, thaw()); err != nil {
			return err
		}
	}
	if v.Backing == backingDirectory {
		return nil
	}
	return resizeImage(v.DataPath, v.CapacityBytes)
}

func (c *controllerServer) origin(source *csi.VolumeContentSource) (*origin, error) {
	if id := source.GetSnapshot().GetSnapshotId(); id != "" {
		s, ok := c.snapshot(id)
		if !ok {
			return nil, status.Errorf(codes.NotFound, "no snapshot %q", id)
		}
		hold := func() (func() error, error) { return func() error { return nil }, nil }
		return &origin{path: s.DataPath, backing: s.Backing, block: s.Block, size: s.SizeBytes, freeze: hold}, nil
	}
	if id := source.GetVolume().GetVolumeId(); id != "" {
		v, ok := c.volume(id)
		if !ok {
			return nil, status.Errorf(codes.NotFound, "no volume %q", id)
		}
		hold := func() (func() error, error) { return freeze(v) }
		return &origin{path: v.DataPath, backing: v.Backing, block: v.Block, size: v.CapacityBytes, freeze: hold}, nil
	}
	return nil, nil
}

func (c *controllerServer) DeleteVolume(_ context.Context, r *csi.DeleteVolumeRequest) (*csi.DeleteVolumeResponse, error) {
	if r.VolumeId == "" {
		return nil, status.Error(codes.InvalidArgument, "volume id is missing")
	}
	defer c.lock(r.VolumeId)()
	v, ok := c.volume(r.VolumeId)
	if !ok {
		return &csi.DeleteVolumeResponse{}, nil
	}
	mounts, err := mountsOf(v)
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	if len(mounts) > 0 {
		return nil, status.Errorf(codes.FailedPrecondition, "volume %q is in use at %s", v.ID, mounts[0])
	}
	if v.Backing == backingImage {
		if err := detachLoop(v.DataPath); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	if err := c.removeVolume(v.ID); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.DeleteVolumeResponse{}, nil
}

func (c *controllerServer) ValidateVolumeCapabilities(_ context.Context, r *csi.ValidateVolumeCapabilitiesRequest) (*csi.ValidateVolumeCapabilitiesResponse, error) {
	v, err := c.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	block, err := checkCapabilities(r.VolumeCapabilities)
	if err != nil {
		return nil, err
	}
	if block != v.Block {
		return &csi.ValidateVolumeCapabilitiesResponse{Message: "block and mount do not go together"}, nil
	}
	return &csi.ValidateVolumeCapabilitiesResponse{Confirmed: &csi.ValidateVolumeCapabilitiesResponse_Confirmed{
		VolumeContext: r.VolumeContext, VolumeCapabilities: r.VolumeCapabilities, Parameters: r.Parameters,
	}}, nil
}

func (d *driver) requireVolume(id string) (*volume, error) {
	if id == "" {
		return nil, status.Error(codes.InvalidArgument, "volume id is missing")
	}
	v, ok := d.volume(id)
	if !ok {
		return nil, status.Errorf(codes.NotFound, "no volume %q", id)
	}
	return v, nil
}

// checkCapabilities says whether the volume is a raw block device.
func checkCapabilities(capabilities []*csi.VolumeCapability) (block bool, err error) {
	if len(capabilities) == 0 {
		return false, status.Error(codes.InvalidArgument, "volume capabilities are missing")
	}
	var mount bool
	for _, capability := range capabilities {
		if capability.GetAccessMode().GetMode() == csi.VolumeCapability_AccessMode_UNKNOWN {
			return false, status.Error(codes.InvalidArgument, "access mode is missing")
		}
		block = block || capability.GetBlock() != nil
		mount = mount || capability.GetMount() != nil
	}
	if block == mount {
		return false, status.Error(codes.InvalidArgument, "exactly one of block and mount is needed")
	}
	return block, nil
}

func (c *controllerServer) GetCapacity(_ context.Context, r *csi.GetCapacityRequest) (*csi.GetCapacityResponse, error) {
	if topology := r.AccessibleTopology; topology != nil && topology.Segments[topologyKey] != c.node {
		return &csi.GetCapacityResponse{}, nil
	}
	return &csi.GetCapacityResponse{AvailableCapacity: c.available(r.Parameters)}, nil
}

func (c *controllerServer) ListVolumes(_ context.Context, r *csi.ListVolumesRequest) (*csi.ListVolumesResponse, error) {
	page, next, err := paginate(c.listVolumes(), r.StartingToken, r.MaxEntries, func(v *volume) string { return v.ID })
	if err != nil {
		return nil, err
	}
	response := &csi.ListVolumesResponse{NextToken: next}
	for _, v := range page {
		listed := &csi.Volume{VolumeId: v.ID, CapacityBytes: v.CapacityBytes, AccessibleTopology: []*csi.Topology{c.topology()}}
		response.Entries = append(response.Entries, &csi.ListVolumesResponse_Entry{Volume: listed})
	}
	return response, nil
}

// paginate cuts a list sorted by identifier. A token is the identifier that the next page starts with.
func paginate[T any](list []*T, token string, limit int32, id func(*T) string) (page []*T, next string, err error) {
	if limit < 0 {
		return nil, "", status.Error(codes.InvalidArgument, "max entries is negative")
	}
	start := 0
	if token != "" {
		for start < len(list) && id(list[start]) != token {
			start++
		}
		if start == len(list) {
			return nil, "", status.Errorf(codes.Aborted, "no page starts with %q", token)
		}
	}
	end := len(list)
	if limit > 0 && start+int(limit) < end {
		end = start + int(limit)
		next = id(list[end])
	}
	return list[start:end], next, nil
}

func (c *controllerServer) CreateSnapshot(_ context.Context, r *csi.CreateSnapshotRequest) (*csi.CreateSnapshotResponse, error) {
	if r.Name == "" || r.SourceVolumeId == "" {
		return nil, status.Error(codes.InvalidArgument, "name or source volume id is missing")
	}
	id := idOf("snap", r.Name)
	defer c.lock(id)()
	if existing, ok := c.snapshot(id); ok {
		if existing.SourceID != r.SourceVolumeId {
			return nil, status.Errorf(codes.AlreadyExists, "snapshot %q is of another volume", r.Name)
		}
		return &csi.CreateSnapshotResponse{Snapshot: existing.message()}, nil
	}
	v, err := c.requireVolume(r.SourceVolumeId)
	if err != nil {
		return nil, err
	}
	s := &snapshot{
		ID: id, Name: r.Name, SourceID: v.ID, SizeBytes: v.CapacityBytes, Backing: v.Backing, Block: v.Block,
		CreatedAt: time.Now().UTC(), DataPath: filepath.Join(c.snapshotDir(id), "data"),
	}
	if err := c.takeSnapshot(s, v); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.CreateSnapshotResponse{Snapshot: s.message()}, nil
}

func (c *controllerServer) takeSnapshot(s *snapshot, v *volume) error {
	if err := os.RemoveAll(c.snapshotDir(s.ID)); err != nil {
		return err
	}
	target := c.snapshotDir(s.ID)
	if s.Backing == backingDirectory {
		target = s.DataPath
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	thaw, err := freeze(v)
	if err != nil {
		return err
	}
	err = copyData(v.Backing, v.DataPath, s.DataPath)
	if err := errors.Join(err, thaw()); err != nil {
		return err
	}
	return c.saveSnapshot(s)
}

func (s *snapshot) message() *csi.Snapshot {
	return &csi.Snapshot{
		SnapshotId: s.ID, SourceVolumeId: s.SourceID, SizeBytes: s.SizeBytes, ReadyToUse: true,
		CreationTime: timestamppb.New(s.CreatedAt),
	}
}

func (c *controllerServer) DeleteSnapshot(_ context.Context, r *csi.DeleteSnapshotRequest) (*csi.DeleteSnapshotResponse, error) {
	if r.SnapshotId == "" {
		return nil, status.Error(codes.InvalidArgument, "snapshot id is missing")
	}
	defer c.lock(r.SnapshotId)()
	if _, ok := c.snapshot(r.SnapshotId); ok {
		if err := c.removeSnapshot(r.SnapshotId); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	return &csi.DeleteSnapshotResponse{}, nil
}

func (c *controllerServer) ListSnapshots(_ context.Context, r *csi.ListSnapshotsRequest) (*csi.ListSnapshotsResponse, error) {
	var matching []*snapshot
	for _, s := range c.listSnapshots() {
		if (r.SnapshotId == "" || r.SnapshotId == s.ID) && (r.SourceVolumeId == "" || r.SourceVolumeId == s.SourceID) {
			matching = append(matching, s)
		}
	}
	page, next, err := paginate(matching, r.StartingToken, r.MaxEntries, func(s *snapshot) string { return s.ID })
	if err != nil {
		return nil, err
	}
	response := &csi.ListSnapshotsResponse{NextToken: next}
	for _, s := range page {
		response.Entries = append(response.Entries, &csi.ListSnapshotsResponse_Entry{Snapshot: s.message()})
	}
	return response, nil
}

func (c *controllerServer) ControllerExpandVolume(_ context.Context, r *csi.ControllerExpandVolumeRequest) (*csi.ControllerExpandVolumeResponse, error) {
	if r.CapacityRange == nil {
		return nil, status.Error(codes.InvalidArgument, "capacity range is missing")
	}
	defer c.lock(r.VolumeId)()
	v, err := c.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	size := max(r.CapacityRange.RequiredBytes, v.CapacityBytes)
	if limit := r.CapacityRange.LimitBytes; limit > 0 && size > limit {
		return nil, status.Errorf(codes.OutOfRange, "volume has %d bytes, at most %d allowed", size, limit)
	}
	if left := c.available(v.Parameters); size-v.CapacityBytes > left {
		return nil, status.Errorf(codes.OutOfRange, "%d bytes requested, %d more available", size, left)
	}
	if v.Backing == backingImage {
		if err := resizeImage(v.DataPath, size); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	grown := *v
	grown.CapacityBytes = size
	if err := c.saveVolume(&grown); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.ControllerExpandVolumeResponse{CapacityBytes: size, NodeExpansionRequired: v.Backing == backingImage}, nil
}

func checkMutable(parameters map[string]string) error {
	for name := range parameters {
		if name != mutableParameter {
			return status.Errorf(codes.InvalidArgument, "mutable parameter %q is not %q", name, mutableParameter)
		}
	}
	return nil
}

func (c *controllerServer) ControllerModifyVolume(_ context.Context, r *csi.ControllerModifyVolumeRequest) (*csi.ControllerModifyVolumeResponse, error) {
	defer c.lock(r.VolumeId)()
	v, err := c.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := checkMutable(r.MutableParameters); err != nil {
		return nil, err
	}
	modified := *v
	modified.Mutable = maps.Clone(v.Mutable)
	if modified.Mutable == nil {
		modified.Mutable = map[string]string{}
	}
	maps.Copy(modified.Mutable, r.MutableParameters)
	if err := c.saveVolume(&modified); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.ControllerModifyVolumeResponse{}, nil
}
