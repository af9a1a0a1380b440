package scanner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"github.com/chromedp/chromedp"
)

// asUser lets another user run the browser and gives that user the profile, which is also home and temporary folder: a page
// that breaks out of the browser finds itself without privileges. Only root may do that.
func asUser(name, profile string) (chromedp.ExecAllocatorOption, error) {
	u, err := user.Lookup(name)
	if err != nil {
		return nil, fmt.Errorf("look up the browser's user: %w", err)
	}
	uid, err := strconv.ParseUint(u.Uid, 10, 32)
	gid, err2 := strconv.ParseUint(u.Gid, 10, 32)
	if err := errors.Join(err, err2); err != nil {
		return nil, err
	}
	err = filepath.WalkDir(profile, func(path string, _ fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		return os.Lchown(path, int(uid), int(gid))
	})
	if err != nil {
		return nil, fmt.Errorf("give %s the profile: %w", name, err)
	}
	env, err := exec.LookPath("env")
	if err != nil {
		return nil, err
	}
	clean := []string{"env", "-i", "HOME=" + profile, "TMPDIR=" + profile, "PATH=" + os.Getenv("PATH"), "USER=" + name, "LOGNAME=" + name}
	for _, v := range os.Environ() {
		if strings.HasPrefix(v, "LANG=") || strings.HasPrefix(v, "LC_") || strings.HasPrefix(v, "FONTCONFIG_") {
			clean = append(clean, v)
		}
	}
	return chromedp.ModifyCmdFunc(func(cmd *exec.Cmd) {
		cmd.SysProcAttr = &syscall.SysProcAttr{
			Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)},
			Pdeathsig:  syscall.SIGKILL, // as chromedp does by itself
		}
		cmd.Dir = profile
		// chromedp hands our environment on, which may hold the database's password; env drops it.
		cmd.Args = append(append(clean[:len(clean):len(clean)], cmd.Path), cmd.Args[1:]...)
		cmd.Path = env
	}), nil
}
