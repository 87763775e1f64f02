package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"

	"github.com/container-storage-interface/spec/lib/go/csi"
	"golang.org/x/sys/unix"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
)

type nodeServer struct {
	csi.UnimplementedNodeServer
	*driver
}

func (n *nodeServer) NodeGetCapabilities(context.Context, *csi.NodeGetCapabilitiesRequest) (*csi.NodeGetCapabilitiesResponse, error) {
	response := &csi.NodeGetCapabilitiesResponse{}
	for _, kind := range []csi.NodeServiceCapability_RPC_Type{
		csi.NodeServiceCapability_RPC_STAGE_UNSTAGE_VOLUME,
		csi.NodeServiceCapability_RPC_GET_VOLUME_STATS,
		csi.NodeServiceCapability_RPC_EXPAND_VOLUME,
		csi.NodeServiceCapability_RPC_SINGLE_NODE_MULTI_WRITER,
	} {
		rpc := &csi.NodeServiceCapability_RPC{Type: kind}
		response.Capabilities = append(response.Capabilities, &csi.NodeServiceCapability{
			Type: &csi.NodeServiceCapability_Rpc{Rpc: rpc},
		})
	}
	return response, nil
}

func (n *nodeServer) NodeGetInfo(context.Context, *csi.NodeGetInfoRequest) (*csi.NodeGetInfoResponse, error) {
	return &csi.NodeGetInfoResponse{NodeId: n.node, AccessibleTopology: n.topology()}, nil
}

func (n *nodeServer) NodeStageVolume(_ context.Context, r *csi.NodeStageVolumeRequest) (*csi.NodeStageVolumeResponse, error) {
	if r.StagingTargetPath == "" || r.VolumeCapability == nil {
		return nil, status.Error(codes.InvalidArgument, "staging target path or volume capability is missing")
	}
	defer n.lock(r.VolumeId)()
	v, err := n.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if err := stage(v, r.StagingTargetPath); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.NodeStageVolumeResponse{}, nil
}

// stage has nothing to do for directories: they are bound into place when they are published.
func stage(v *volume, target string) error {
	if v.Backing == backingDirectory {
		return nil
	}
	if v.Block {
		_, err := attachLoop(v.DataPath)
		return err
	}
	if err := os.MkdirAll(target, 0o755); err != nil {
		return err
	}
	mounted, err := isMountPoint(target)
	if err != nil || mounted {
		return err
	}
	return mountImage(v, target)
}

func (n *nodeServer) NodeUnstageVolume(_ context.Context, r *csi.NodeUnstageVolumeRequest) (*csi.NodeUnstageVolumeResponse, error) {
	if r.StagingTargetPath == "" {
		return nil, status.Error(codes.InvalidArgument, "staging target path is missing")
	}
	defer n.lock(r.VolumeId)()
	v, err := n.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	err = unmount(r.StagingTargetPath)
	if err == nil && v.Block {
		err = detachLoop(v.DataPath)
	}
	if err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.NodeUnstageVolumeResponse{}, nil
}

func (n *nodeServer) NodePublishVolume(_ context.Context, r *csi.NodePublishVolumeRequest) (*csi.NodePublishVolumeResponse, error) {
	if r.TargetPath == "" || r.VolumeCapability == nil {
		return nil, status.Error(codes.InvalidArgument, "target path or volume capability is missing")
	}
	defer n.lock(r.VolumeId)()
	v, err := n.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if (r.VolumeCapability.GetBlock() != nil) != v.Block {
		return nil, status.Error(codes.InvalidArgument, "block and mount do not go together")
	}
	if !v.Block && v.Backing == backingImage && r.StagingTargetPath == "" {
		return nil, status.Error(codes.FailedPrecondition, "the volume is not staged")
	}
	if err := checkSingleWriter(v, r); err != nil {
		return nil, err
	}
	if err := publish(v, r); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.NodePublishVolumeResponse{}, nil
}

// checkSingleWriter refuses a second target to an access mode that allows one.
func checkSingleWriter(v *volume, r *csi.NodePublishVolumeRequest) error {
	if r.VolumeCapability.GetAccessMode().GetMode() != csi.VolumeCapability_AccessMode_SINGLE_NODE_SINGLE_WRITER {
		return nil
	}
	mounts, err := mountsOf(v)
	if err != nil {
		return status.Error(codes.Internal, err.Error())
	}
	for _, path := range mounts {
		if path != r.TargetPath && path != r.StagingTargetPath {
			return status.Errorf(codes.FailedPrecondition, "volume %q is in use at %s by its single writer", v.ID, path)
		}
	}
	return nil
}

func publish(v *volume, r *csi.NodePublishVolumeRequest) error {
	if err := makeTarget(v, r.TargetPath); err != nil {
		return err
	}
	mounted, err := isMountPoint(r.TargetPath)
	if err != nil || mounted {
		return err
	}
	source := v.DataPath
	switch {
	case v.Block:
		if source, err = attachLoop(v.DataPath); err != nil {
			return err
		}
	case v.Backing == backingImage:
		source = r.StagingTargetPath
	}
	return bind(source, r.TargetPath, r.Readonly)
}

// makeTarget creates what the volume is bound to: a directory, or a file for a device.
func makeTarget(v *volume, target string) error {
	if !v.Block {
		return os.MkdirAll(target, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(target), 0o755); err != nil {
		return err
	}
	file, err := os.OpenFile(target, os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return file.Close()
}

func (n *nodeServer) NodeUnpublishVolume(_ context.Context, r *csi.NodeUnpublishVolumeRequest) (*csi.NodeUnpublishVolumeResponse, error) {
	if r.TargetPath == "" {
		return nil, status.Error(codes.InvalidArgument, "target path is missing")
	}
	defer n.lock(r.VolumeId)()
	if _, err := n.requireVolume(r.VolumeId); err != nil {
		return nil, err
	}
	if err := unmount(r.TargetPath); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	// Remove, never RemoveAll: what is still mounted after all must not lose its data.
	if err := os.Remove(r.TargetPath); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, status.Error(codes.Internal, err.Error())
	}
	return &csi.NodeUnpublishVolumeResponse{}, nil
}

func (n *nodeServer) NodeExpandVolume(_ context.Context, r *csi.NodeExpandVolumeRequest) (*csi.NodeExpandVolumeResponse, error) {
	if r.VolumePath == "" {
		return nil, status.Error(codes.InvalidArgument, "volume path is missing")
	}
	defer n.lock(r.VolumeId)()
	v, err := n.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.VolumePath); err != nil {
		return nil, status.Errorf(codes.NotFound, "volume path: %v", err)
	}
	if v.Backing == backingImage {
		if err := growDevice(v); err != nil {
			return nil, status.Error(codes.Internal, err.Error())
		}
	}
	return &csi.NodeExpandVolumeResponse{CapacityBytes: v.CapacityBytes}, nil
}

func (n *nodeServer) NodeGetVolumeStats(_ context.Context, r *csi.NodeGetVolumeStatsRequest) (*csi.NodeGetVolumeStatsResponse, error) {
	if r.VolumePath == "" {
		return nil, status.Error(codes.InvalidArgument, "volume path is missing")
	}
	v, err := n.requireVolume(r.VolumeId)
	if err != nil {
		return nil, err
	}
	if _, err := os.Stat(r.VolumePath); err != nil {
		return nil, status.Errorf(codes.NotFound, "volume path: %v", err)
	}
	if v.Block {
		return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{{Unit: csi.VolumeUsage_BYTES, Total: v.CapacityBytes}}}, nil
	}
	var fs unix.Statfs_t
	if err := unix.Statfs(r.VolumePath, &fs); err != nil {
		return nil, status.Error(codes.Internal, err.Error())
	}
	size := int64(fs.Bsize)
	return &csi.NodeGetVolumeStatsResponse{Usage: []*csi.VolumeUsage{
		{Unit: csi.VolumeUsage_BYTES, Total: int64(fs.Blocks) * size, Available: int64(fs.Bavail) * size, Used: int64(fs.Blocks-fs.Bfree) * size},
		{Unit: csi.VolumeUsage_INODES, Total: int64(fs.Files), Available: int64(fs.Ffree), Used: int64(fs.Files - fs.Ffree)},
	}}, nil
}
