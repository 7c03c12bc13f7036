// A kubelet for pods that a test's pod runner has started as processes: it answers what `kubectl exec`, `port-forward`
// and `logs` ask, and nothing else. The state is files: ROOT/<namespace>/<pod>/ holds, for each container, <container>.pid
// and <container>.log (<container>.previous.log of the run before), and `netns`, the name of the pod's network namespace.
package main

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"flag"
	"log"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"time"

	"k8s.io/cri-streaming/pkg/streaming/portforward"
	"k8s.io/cri-streaming/pkg/streaming/remotecommand"
)

// How long a connection may idle, and how long the apiserver has to open its streams; the real kubelet's defaults.
const (
	idleTimeout     = 4 * time.Hour
	creationTimeout = 30 * time.Second
)

// apiserverName is the only client: without it every certificate of the CA could run commands in every pod.
const apiserverName = "kube-apiserver-kubelet-client"

type kubelet struct{ root string }

// The process's first thread stays main's. Go never ends that thread: were it one that a goroutine takes into a pod's
// namespaces, /proc would show this process as one of the pod's from then on, and it would be killed with the pod.
func init() { runtime.LockOSThread() }

func main() {
	root := flag.String("root", "", "folder of the pods' state")
	address := flag.String("address", "", "host:port to listen on")
	cert := flag.String("cert", "", "certificate, PEM")
	key := flag.String("key", "", "its private key, PEM")
	ca := flag.String("ca", "", "CA of the apiserver's client certificate, PEM")
	flag.Parse()

	pem, err := os.ReadFile(*ca)
	if err != nil {
		log.Fatal(err)
	}
	clients := x509.NewCertPool()
	if !clients.AppendCertsFromPEM(pem) {
		log.Fatalf("%s holds no certificate", *ca)
	}
	server := http.Server{
		Addr:    *address,
		Handler: kubelet{*root}.routes(),
		TLSConfig: &tls.Config{
			ClientAuth: tls.RequireAndVerifyClientCert,
			ClientCAs:  clients,
			VerifyConnection: func(state tls.ConnectionState) error {
				if name := state.PeerCertificates[0].Subject.CommonName; name != apiserverName {
					return errors.New(name + " is not the apiserver")
				}
				return nil
			},
		},
	}
	log.Fatal(server.ListenAndServeTLS(*cert, *key))
}

func (k kubelet) routes() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("/exec/{namespace}/{pod}/{container}", func(w http.ResponseWriter, r *http.Request) {
		options, err := remotecommand.NewOptions(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		remotecommand.ServeExec(w, r, k, podOf(r), "", r.PathValue("container"), r.URL.Query()["command"], options,
			idleTimeout, creationTimeout, remotecommand.SupportedStreamingProtocols)
	})
	mux.HandleFunc("/portForward/{namespace}/{pod}", func(w http.ResponseWriter, r *http.Request) {
		options, err := portforward.NewV4Options(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		portforward.ServePortForward(w, r, k, podOf(r), "", options, idleTimeout, creationTimeout, portforward.SupportedProtocols)
	})
	mux.HandleFunc("GET /containerLogs/{namespace}/{pod}/{container}", k.logs)
	return mux
}

// podOf names a pod to the streaming library: "namespace/name", which is also its folder under the root.
func podOf(r *http.Request) string { return r.PathValue("namespace") + "/" + r.PathValue("pod") }

func (k kubelet) file(pod, name string) string { return filepath.Join(k.root, pod, name) }

// pid of a container's first process; an error where it doesn't run.
func (k kubelet) pid(pod, container string) (int, error) {
	text, err := os.ReadFile(k.file(pod, container+".pid"))
	if err != nil {
		return 0, errors.New("container " + container + " of " + pod + " is not running")
	}
	return strconv.Atoi(strings.TrimSpace(string(text)))
}
