// Writes the tree in the current directory to standard output, as a tar archive of the format that is asked for or as a zip archive.
package main

import (
	"archive/tar"
	"archive/zip"
	"io"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"syscall"
)

func main() {
	formats := map[string]tar.Format{"ustar": tar.FormatUSTAR, "pax": tar.FormatPAX, "gnu": tar.FormatGNU}
	if os.Args[1] == "zip" {
		writer := zip.NewWriter(os.Stdout)
		check(writer.AddFS(os.DirFS(".")))
		check(writer.Close())
		return
	}
	writer := tar.NewWriter(os.Stdout)
	first := map[uint64]string{}
	check(filepath.WalkDir(".", func(path string, entry fs.DirEntry, err error) error {
		check(err)
		info, err := entry.Info()
		check(err)
		target := ""
		if info.Mode()&fs.ModeSymlink != 0 {
			target, err = os.Readlink(path)
			check(err)
		}
		header, err := tar.FileInfoHeader(info, target)
		check(err)
		header.Name = path
		if entry.IsDir() {
			header.Name += "/"
		}
		header.Format = formats[os.Args[1]]
		stat := info.Sys().(*syscall.Stat_t)
		if name, seen := first[stat.Ino]; seen && info.Mode().IsRegular() {
			header.Typeflag, header.Linkname, header.Size = tar.TypeLink, name, 0
		}
		first[stat.Ino] = path
		check(writer.WriteHeader(header))
		if header.Typeflag == tar.TypeReg {
			file, err := os.Open(path)
			check(err)
			_, err = io.Copy(writer, file)
			check(err)
			check(file.Close())
		}
		return nil
	}))
	check(writer.Close())
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
