package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
	utilexec "k8s.io/utils/exec"
)

// ExecInContainer runs a command in the namespaces, environment, folder and as the user of a container's first process.
// An exit code other than 0 is a utilexec.CodeExitError, a signal n the code 128+n.
func (k kubelet) ExecInContainer(ctx context.Context, pod, _, container string, command []string, in io.Reader, out, errOut io.WriteCloser,
	tty bool, resize <-chan remotecommand.TerminalSize, _ time.Duration) error {
	pid, err := k.pid(pod, container)
	if err != nil {
		return err
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // never unlocked: the thread that has changed its namespaces ends with this goroutine
		done <- func() error {
			if err := enter(fmt.Sprintf("/proc/%d/ns/net", pid), unix.CLONE_NEWNET); err != nil {
				return err
			}
			cmd, err := commandLike(ctx, pid, command)
			if err != nil {
				return err
			}
			if tty {
				return runOnTerminal(cmd, in, out, resize)
			}
			return runPiped(cmd, in, out, errOut)
		}()
	}()
	return exitCode(<-done)
}

// enter moves the calling thread, which must be locked, into the namespace that a file stands for.
func enter(path string, kind int) error {
	file, err := os.Open(path)
	if err != nil {
		return err
	}
	defer file.Close()
	return unix.Setns(int(file.Fd()), kind)
}

// commandLike prepares a command as process pid would run it, and moves the calling thread into its other namespaces.
func commandLike(ctx context.Context, pid int, command []string) (*exec.Cmd, error) {
	environ, err := os.ReadFile(fmt.Sprintf("/proc/%d/environ", pid))
	if err != nil {
		return nil, err
	}
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		return nil, err
	}
	user, err := credentialOf(pid)
	if err != nil {
		return nil, err
	}
	mounts := fmt.Sprintf("/proc/%d/ns/mnt", pid)
	if err := enter(fmt.Sprintf("/proc/%d/ns/pid", pid), unix.CLONE_NEWPID); err != nil { // of the command, not of this thread
		return nil, err
	}
	if err := unix.Unshare(unix.CLONE_FS); err != nil { // setns(2): a thread that shares its root can't change mount namespaces
		return nil, err
	}
	if err := enter(mounts, unix.CLONE_NEWNS); err != nil {
		return nil, err
	}
	env := strings.Split(strings.TrimSuffix(string(environ), "\x00"), "\x00")
	path, err := lookPath(command[0], env)
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, path, command[1:]...)
	cmd.Args[0] = command[0]
	cmd.Env = env
	cmd.Dir = dir
	cmd.WaitDelay = time.Second // for what it started and left holding its output
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: user}
	return cmd, nil
}

func credentialOf(pid int) (*syscall.Credential, error) {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	var user syscall.Credential
	for _, line := range strings.Split(string(status), "\n") {
		var real uint32
		if _, err := fmt.Sscanf(line, "Uid:\t%d\t%d", &real, &user.Uid); err == nil {
			continue
		}
		fmt.Sscanf(line, "Gid:\t%d\t%d", &real, &user.Gid)
	}
	return &user, nil
}

// lookPath finds a program on the container's PATH, not on this process's.
func lookPath(program string, env []string) (string, error) {
	if strings.Contains(program, "/") {
		return program, nil
	}
	for _, pair := range env {
		if path, found := strings.CutPrefix(pair, "PATH="); found {
			for _, dir := range strings.Split(path, ":") {
				if info, err := os.Stat(dir + "/" + program); err == nil && info.Mode()&0o111 != 0 && !info.IsDir() {
					return dir + "/" + program, nil
				}
			}
		}
	}
	return "", fmt.Errorf("exec: %q: executable file not found in $PATH", program)
}

func runPiped(cmd *exec.Cmd, in io.Reader, out, errOut io.WriteCloser) error {
	if out != nil {
		cmd.Stdout = out
	}
	if errOut != nil {
		cmd.Stderr = errOut
	}
	if in != nil { // not cmd.Stdin: Wait would wait for the client to close its stdin
		stdin, err := cmd.StdinPipe()
		if err != nil {
			return err
		}
		go func() {
			io.Copy(stdin, in)
			stdin.Close()
		}()
	}
	return cmd.Run()
}

func runOnTerminal(cmd *exec.Cmd, in io.Reader, out io.Writer, resize <-chan remotecommand.TerminalSize) error {
	terminal, err := pty.Start(cmd)
	if err != nil {
		return err
	}
	defer terminal.Close()
	go func() {
		for size := range resize {
			pty.Setsize(terminal, &pty.Winsize{Rows: size.Height, Cols: size.Width})
		}
	}()
	if in != nil {
		go io.Copy(terminal, in)
	}
	io.Copy(out, terminal) // ends with an error once the command has closed its side
	return cmd.Wait()
}

// exitCode gives an end that is not a success in the form that kubectl turns into its own exit code.
func exitCode(err error) error {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		return err
	}
	code := exit.ExitCode()
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		code = 128 + int(status.Signal())
	}
	return utilexec.CodeExitError{Err: err, Code: code}
}
