package main

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
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

// mountPoint is one line of mountinfo: what of which device is seen where.
type mountPoint struct {
	path, root, device string
}

func mountPoints() ([]mountPoint, error) {
	file, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return nil, err
	}
	defer file.Close()
	var points []mountPoint
	scanner := bufio.NewScanner(file)
	for scanner.Scan() {
		before, after, _ := strings.Cut(scanner.Text(), " - ")
		fields, source := strings.Fields(before), strings.Fields(after)
		if len(fields) > 4 && len(source) > 1 {
			points = append(points, mountPoint{path: fields[4], root: fields[3], device: source[1]})
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
	return slices.ContainsFunc(points, func(p mountPoint) bool { return p.path == resolved }), nil
}

// mountsOf gives the paths at which a volume is seen: staged or published.
func mountsOf(v *volume) ([]string, error) {
	points, err := mountPoints()
	if err != nil {
		return nil, err
	}
	shows := func(p mountPoint) bool { return strings.HasSuffix(p.root, "/volumes/"+v.ID+"/data") }
	if v.Backing == backingImage {
		device, err := loopDevice(v.DataPath)
		if err != nil || device == "" {
			return nil, err
		}
		// A published device is a bind of its node in /dev.
		shows = func(p mountPoint) bool { return p.device == device || "/dev"+p.root == device }
	}
	var paths []string
	for _, point := range points {
		if shows(point) {
			paths = append(paths, point.path)
		}
	}
	return paths, nil
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

// mountImage makes the file system at first use, and lets it grow to the size of the image. It grows before it is
// mounted: growing a mounted one needs CAP_SYS_RESOURCE, which not every machine grants.
func mountImage(v *volume, target string) error {
	image := v.DataPath
	device, err := attachLoop(image)
	if err != nil {
		return err
	}
	err = prepareFileSystem(device)
	if err == nil {
		err = runCommand("mount", "-t", "ext4", device, target)
	}
	// A busy device detaches itself when it is unmounted.
	if err := errors.Join(err, detachLoop(image)); err != nil {
		return err
	}
	return openRoot(v, target)
}

const (
	// rootParameter says what a new volume's root directory is like, which belongs to root.
	rootParameter = "root"
	// rootOpen lets everybody write to it.
	rootOpen = "0777"
	// rootOwned is what mkfs makes and most drivers leave as it is: others than root need the pod's fsGroup.
	rootOwned = "0755"
)

func openRoot(v *volume, directory string) error {
	if v.Parameters[rootParameter] == rootOwned {
		return nil
	}
	return os.Chmod(directory, 0o777)
}

func prepareFileSystem(device string) error {
	// blkid exits with 2 where it finds nothing.
	if err := exec.Command("blkid", "-p", device).Run(); err != nil {
		return runCommand("mkfs.ext4", "-q", "-F", "-m", "0", "-E", "lazy_itable_init=1,nodiscard", device)
	}
	// 1: errors were corrected, such as a journal that was replayed.
	var exit *exec.ExitError
	if err := exec.Command("e2fsck", "-f", "-p", device).Run(); err != nil && !(errors.As(err, &exit) && exit.ExitCode() == 1) {
		return fmt.Errorf("e2fsck %s: %w", device, err)
	}
	return runCommand("resize2fs", device)
}

// growDevice makes a volume in use as large as its image.
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

// freeze makes what has been written reach the image, and holds back further writes to a file system while it is copied.
func freeze(v *volume) (thaw func() error, err error) {
	nothing := func() error { return nil }
	if v.Backing != backingImage {
		return nothing, nil
	}
	device, err := loopDevice(v.DataPath)
	if err != nil || device == "" {
		return nothing, err
	}
	if v.Block {
		return nothing, flush(device)
	}
	paths, err := mountsOf(v)
	if err != nil || len(paths) == 0 {
		return nothing, err
	}
	if err := runCommand("fsfreeze", "--freeze", paths[0]); err != nil {
		return nothing, err
	}
	return func() error { return runCommand("fsfreeze", "--unfreeze", paths[0]) }, nil
}

func flush(device string) error {
	file, err := os.Open(device)
	if err != nil {
		return err
	}
	defer file.Close()
	return file.Sync()
}
