package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"syscall"
	"time"
)

const (
	requestTimeout = 5 * time.Second
	// More than a full timeout's worth of requests at the usual rate: only a target that hangs fills it.
	maxInFlight = 1000
	maxRate     = 1000
)

// Generator is an open-loop source of requests: they start on schedule, whether or not earlier ones have been answered.
type Generator struct {
	client   *http.Client
	record   *Record
	inFlight chan struct{}
	bound    time.Duration

	mu      sync.Mutex
	target  string
	rate    float64
	ends    time.Time
	changed chan struct{}
}

func newGenerator(target string, rate float64, bound time.Duration) *Generator {
	g := &Generator{
		// A new connection for each request, so that each one is balanced afresh.
		client:   &http.Client{Timeout: requestTimeout, Transport: &http.Transport{DisableKeepAlives: true}},
		record:   newRecord(),
		inFlight: make(chan struct{}, maxInFlight),
		bound:    bound,
		changed:  make(chan struct{}, 1),
	}
	g.aim(target, rate)
	return g
}

// aim sets target and rate and starts the time bound anew: a command is a fresh wish for load.
func (g *Generator) aim(target string, rate float64) {
	g.mu.Lock()
	g.target, g.rate, g.ends = target, min(rate, maxRate), time.Now().Add(g.bound)
	g.mu.Unlock()
	select {
	case g.changed <- struct{}{}:
	default:
	}
}

func (g *Generator) aimed() (target string, rate float64, running bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.target, g.rate, g.target != "" && g.rate > 0 && time.Now().Before(g.ends)
}

func (g *Generator) run() {
	for {
		g.schedule()
		<-g.changed
	}
}

func (g *Generator) schedule() {
	next := time.Now()
	for {
		target, rate, running := g.aimed()
		if !running {
			return
		}
		time.Sleep(time.Until(next))
		g.start(target, time.Now())
		next = next.Add(time.Duration(float64(time.Second) / rate))
	}
}

func (g *Generator) start(target string, at time.Time) {
	select {
	case g.inFlight <- struct{}{}:
		go func() {
			defer func() { <-g.inFlight }()
			answer := g.request(target, at)
			answer.Took = time.Since(at)
			g.record.add(answer)
		}()
	default:
		g.record.add(Answer{At: at, Kind: "overflow"})
	}
}

func (g *Generator) request(target string, at time.Time) Answer {
	answer := Answer{At: at}
	ctx := httptrace.WithClientTrace(context.Background(), &httptrace.ClientTrace{
		GotConn: func(info httptrace.GotConnInfo) { answer.Address = info.Conn.RemoteAddr().String() },
	})
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, target, nil)
	if err != nil {
		answer.Kind = "request"
		return answer
	}
	response, err := g.client.Do(request)
	if err != nil {
		answer.Kind, answer.Detail = kindOf(err), detailOf(err)
		return answer
	}
	defer response.Body.Close()
	answer.Code = response.StatusCode
	answer.Version = response.Header.Get("X-Version")
	if pod := response.Header.Get("X-Pod"); pod != "" {
		answer.Address = pod
	}
	if _, err := io.Copy(io.Discard, response.Body); err != nil {
		answer.Kind, answer.Detail = kindOf(err), detailOf(err)
	} else if response.StatusCode < 200 || response.StatusCode > 299 {
		answer.Kind = fmt.Sprintf("http-%d", response.StatusCode)
	}
	return answer
}

const detailLengthMax = 200

func detailOf(err error) string {
	text := err.Error()
	return text[:min(len(text), detailLengthMax)]
}

func kindOf(err error) string {
	var timeout net.Error
	var operation *net.OpError
	switch {
	case errors.As(err, &timeout) && timeout.Timeout():
		return "timeout"
	case errors.As(err, &operation) && operation.Op == "dial":
		return "connect"
	case errors.Is(err, syscall.ECONNRESET), errors.Is(err, syscall.EPIPE), errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "reset"
	}
	return "other"
}
