// Package main is the service that the cluster tests release: good or bad, as its env says.
package main

import (
	"context"
	"errors"
	"fmt"
	"log"
	"net/http"
	"os"
	"os/signal"
	"syscall"
	"time"
)

const (
	// Endpoints and kube-proxy learn of the pod's end a moment after SIGTERM: connections still come in.
	drain         = 3 * time.Second
	shutdownLimit = 5 * time.Second
)

func main() {
	behaviour, err := behaviourFromEnv()
	if err != nil {
		log.Fatal(err)
	}
	if behaviour.CrashAtStart {
		fmt.Fprintf(os.Stderr, "panic: sample %s: cannot open the database: connection refused\n", behaviour.Version)
		os.Exit(3)
	}
	s, handler := newService(behaviour)
	server := &http.Server{Addr: fmt.Sprintf(":%d", behaviour.Port), Handler: handler, ReadHeaderTimeout: 5 * time.Second}
	ended := make(chan os.Signal, 1)
	signal.Notify(ended, syscall.SIGTERM, syscall.SIGINT)
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		<-ended
		if behaviour.ExitAtOnce {
			os.Exit(0)
		}
		s.draining.Store(true)
		time.Sleep(drain)
		ctx, cancel := context.WithTimeout(context.Background(), shutdownLimit)
		defer cancel()
		if err := server.Shutdown(ctx); err != nil {
			log.Printf("shutdown: %v", err)
		}
	}()
	log.Printf("sample %s listens on %s", behaviour.Version, server.Addr)
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		log.Fatal(err)
	}
	<-stopped
}
