package main

import (
	"bufio"
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

func resizeImage(path string, size int64) error {
	file, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Truncate(size)
}

// mountPoints gives every mount point together with the device it shows.
func mountPoints() (map[string]string, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	points := map[string]string{}
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		before, after, _ := strings.Cut(scanner.Text(), " - ")
		fields, source := strings.Fields(before), strings.Fields(after)
		if len(fields) > 4 && len(source) > 1 {
			points[fields[4]] = source[1]
		}
	}
	return points, scanner.Err()
}

func isMountPoint(path string) (bool, error) {
	points, err := mountPoints()
	if err != nil {
		return false, err
	}
	resolved, err := filepath.EvalSymlinks(path)
	if err != nil {
		return false, err
	}
	_, ok := points[resolved]
	return ok, nil
}

// unmount also succeeds on what is not mounted or does not exist.
func unmount(path string) error {
	for {
		err := unix.Unmount(path, unix.UMOUNT_NOFOLLOW)
		if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOENT) {
			return nil
		}
		if err != nil {
			return &os.PathError{Op: "unmount", Path: path, Err: err}
		}
	}
}

func bind(source, target string, readOnly bool) error {
	if err := unix.Mount(source, target, "", unix.MS_BIND, ""); err != nil {
		return &os.PathError{Op: "bind", Path: target, Err: err}
	}
	if !readOnly {
		return nil
	}
	if err := unix.Mount("", target, "", unix.MS_BIND|unix.MS_REMOUNT|unix.MS_RDONLY, ""); err != nil {
		return errors.Join(&os.PathError{Op: "remount read-only", Path: target, Err: err}, unmount(target))
	}
	return nil
}

// loopDevice finds the loop device of an image file, if it has one.
func loopDevice(image string) (string, error) {
	output, err := exec.Command("losetup", "--noheadings", "--output", "NAME", "--associated", image).Output()
	if err != nil {
		return "", err
	}
	device, _, _ := strings.Cut(strings.TrimSpace(string(output)), "\n")
	return strings.TrimSpace(device), nil
}

func attachLoop(image string) (string, error) {
	device, err := loopDevice(image)
	if err != nil || device != "" {
		return device, err
	}
	output, err := exec.Command("losetup", "--find", "--show", image).Output()
	return strings.TrimSpace(string(output)), err
}

func detachLoop(image string) error {
	device, err := loopDevice(image)
	if err != nil || device == "" {
		return err
	}
	return runCommand("losetup", "--detach", device)
}

// mountImage makes the file system at first use and lets it grow to the size of the image.
func mountImage(image, target string) error {
	device, err := attachLoop(image)
	if err != nil {
		return err
	}
	// blkid exits with 2 where it finds nothing.
	if err := exec.Command("blkid", "-p", device).Run(); err != nil {
		if err := runCommand("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,root_owner=0:0,nodiscard", device); err != nil {
			return err
		}
	}
	if err := runCommand("mount", "-t", "ext4", device, target); err != nil {
		return errors.Join(err, detachLoop(image))
	}
	if err := os.Chmod(target, 0o777); err != nil && !errors.Is(err, fs.ErrPermission) {
		return err
	}
	if err := runCommand("resize2fs", device); err != nil {
		return err
	}
	// A busy device detaches itself when it is unmounted.
	return runCommand("losetup", "--detach", device)
}

func growDevice(v *volume) error {
	device, err := loopDevice(v.DataPath)
	if err != nil || device == "" {
		return err
	}
	if err := runCommand("losetup", "--set-capacity", device); err != nil || v.Block {
		return err
	}
	return runCommand("resize2fs", device)
}

// isMounted says whether a publication of the volume is left on the node.
func isMounted(v *volume) (bool, error) {
	if v.Backing == backingImage {
		device, err := loopDevice(v.DataPath)
		return device != "", err
	}
	file, err := os.ReadFile("/proc/self/mountinfo")
	if err != nil {
		return false, err
	}
	return strings.Contains(string(file), "/volumes/"+v.ID+"/data "), nil
}

// freeze holds back writes to a mounted image so that its copy is a consistent file system.
func freeze(v *volume) (thaw func() error, err error) {
	nothing := func() error { return nil }
	if v.Backing != backingImage || v.Block {
		return nothing, nil
	}
	device, err := loopDevice(v.DataPath)
	if err != nil || device == "" {
		return nothing, err
	}
	points, err := mountPoints()
	if err != nil {
		return nothing, err
	}
	for point, source := range points {
		if source == device {
			if err := runCommand("fsfreeze", "--freeze", point); err != nil {
				return nothing, err
			}
			return func() error { return runCommand("fsfreeze", "--unfreeze", point) }, nil
		}
	}
	return nothing, nil
}
