package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// How often a followed log is looked at.
const followEvery = 50 * time.Millisecond

// PortForward joins a stream with a port of the pod's loopback.
func (k kubelet) PortForward(_ context.Context, pod, _ string, port int32, stream io.ReadWriteCloser) error {
	defer stream.Close()
	conn, err := k.dial(pod, port)
	if err != nil {
		return err
	}
	defer conn.Close()
	go func() {
		io.Copy(conn, stream)
		conn.CloseWrite()
	}()
	_, err = io.Copy(stream, conn)
	return err
}

func (k kubelet) dial(pod string, port int32) (*net.TCPConn, error) {
	name, err := os.ReadFile(k.file(pod, "netns"))
	if err != nil {
		return nil, fmt.Errorf("pod %s is not running", pod)
	}
	type result struct {
		conn net.Conn
		err  error
	}
	done := make(chan result)
	go func() {
		runtime.LockOSThread() // never unlocked: see ExecInContainer
		var dialed result
		if dialed.err = enter("/run/netns/"+strings.TrimSpace(string(name)), unix.CLONE_NEWNET); dialed.err == nil {
			dialed.conn, dialed.err = net.Dial("tcp4", fmt.Sprintf("127.0.0.1:%d", port))
		}
		done <- dialed
	}()
	dialed := <-done
	if dialed.err != nil {
		return nil, dialed.err
	}
	return dialed.conn.(*net.TCPConn), nil
}

// logs answers `kubectl logs`. The files hold bare lines, so what needs their times is refused.
func (k kubelet) logs(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	for _, name := range []string{"timestamps", "sinceSeconds", "sinceTime"} {
		if value := query.Get(name); value != "" && value != "false" {
			http.Error(w, name+": the logs of these pods hold no times", http.StatusBadRequest)
			return
		}
	}
	pod, container := podOf(r), r.PathValue("container")
	name := container + ".log"
	if query.Get("previous") == "true" {
		name = container + ".previous.log"
	}
	file, err := os.Open(k.file(pod, name))
	if err != nil {
		http.Error(w, "container "+container+" of "+pod+" has no such log", http.StatusNotFound)
		return
	}
	defer file.Close()
	if lines, err := strconv.Atoi(query.Get("tailLines")); err == nil {
		if err := seekToLast(file, lines); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
	}
	var from io.Reader = file
	if limit, err := strconv.ParseInt(query.Get("limitBytes"), 10, 64); err == nil {
		from = io.LimitReader(file, limit)
	}
	follow := query.Get("follow") == "true"
	for {
		running := k.isRunning(pod, container) // before the copy: what it wrote last is still sent
		if _, err := io.Copy(w, from); err != nil || !follow || !running {
			return
		}
		w.(http.Flusher).Flush()
		select {
		case <-r.Context().Done():
			return
		case <-time.After(followEvery):
		}
	}
}

func (k kubelet) isRunning(pod, container string) bool {
	pid, err := k.pid(pod, container)
	return err == nil && syscall.Kill(pid, 0) == nil
}

// seekToLast moves to where the last n lines of a file begin.
func seekToLast(file *os.File, n int) error {
	text, err := io.ReadAll(file)
	if err != nil {
		return err
	}
	start := len(bytes.TrimSuffix(text, []byte("\n")))
	for range n {
		if start = bytes.LastIndexByte(text[:start], '\n'); start < 0 {
			break
		}
	}
	if n == 0 {
		start = len(text) - 1
	}
	_, err = file.Seek(int64(start+1), io.SeekStart)
	return err
}
